"""Real command lines behind a real sshd: FRR's vtysh and BIRD's birdc, each with a daemon of its own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.parts import require
from tests.support.sshd import Sshd, can_connect, free_port, send, until

zebra = "/usr/lib/frr/zebra"


@contextmanager
def vtysh(folder: Path) -> Iterator[Sshd]:
    """An sshd whose login is vtysh on a private zebra, with a home folder that nothing may write to."""
    shell = require("vtysh")
    with (
        _zebra("-P", "0") as name,
        Sshd(folder / "vtysh", extra=(f"ForceCommand cd {folder} && exec {shell} -N {name}",)) as server,
    ):
        yield server


@contextmanager
def zebra_on_telnet(password: str, enable: str) -> Iterator[int]:
    """A zebra that asks for a password on a port of its own."""
    port, config = free_port(), f"hostname core\npassword {password}\nenable password {enable}\n"
    with _zebra("-P", str(port), "-A", "127.0.0.1", config=config):
        until(lambda: can_connect(port), "zebra takes no connections")
        yield port


@contextmanager
def _zebra(*arguments: str, config: str = "") -> Iterator[str]:
    """A zebra of a name of its own, which it gives."""
    name = f"mcp{os.getpid()}{time.monotonic_ns() % 10_000}"
    run, etc = Path("/run/frr") / name, Path("/etc/frr") / name
    for place in (run, etc):
        place.mkdir(parents=True)
        shutil.chown(place, "frr", "frr")
    for file, text in (("vtysh.conf", ""), ("zebra.conf", config)):
        (etc / file).write_text(text)
        shutil.chown(etc / file, "frr", "frr")
    words = [zebra, "-d", "-N", name, "-f", str(etc / "zebra.conf"), *arguments]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    try:
        until((run / "zebra.vty").exists, "zebra opens no socket")
        yield name
    finally:
        send(int((run / "zebra.pid").read_text()), signal.SIGTERM)
        until(lambda: not (run / "zebra.vty").exists() or not _runs(run), "zebra does not end")
        shutil.rmtree(run, ignore_errors=True)
        shutil.rmtree(etc, ignore_errors=True)


@contextmanager
def birdc(folder: Path) -> Iterator[Sshd]:
    """An sshd whose login is birdc."""
    with (
        bird(folder) as socket,
        Sshd(folder / "birdc", extra=(f"ForceCommand {require('birdc')} -s {socket}",)) as server,
    ):
        yield server


@contextmanager
def bird(folder: Path) -> Iterator[Path]:
    """The socket of a bird without any protocol that touches the machine."""
    config, socket = folder / "bird.conf", folder / "bird.ctl"
    config.write_text("router id 192.0.2.1;\nprotocol device {}\n")
    with subprocess.Popen(
        [require("bird"), "-f", "-c", str(config), "-s", str(socket), "-P", str(folder / "bird.pid")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until(socket.exists, "bird opens no socket")
            yield socket
        finally:
            process.terminate()


def _runs(run: Path) -> bool:
    try:
        os.kill(int((run / "zebra.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
