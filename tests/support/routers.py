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
from tests.support.sshd import Sshd, send, until

zebra = "/usr/lib/frr/zebra"


@contextmanager
def vtysh(folder: Path) -> Iterator[Sshd]:
    """An sshd whose login is vtysh on a private zebra, with a home folder that nothing may write to."""
    shell = require("vtysh")
    name = f"mcp{os.getpid()}{time.monotonic_ns() % 10_000}"
    run, etc = Path("/run/frr") / name, Path("/etc/frr") / name
    for place in (run, etc):
        place.mkdir(parents=True)
        shutil.chown(place, "frr", "frr")
    for file in ("vtysh.conf", "zebra.conf"):
        (etc / file).touch()
        shutil.chown(etc / file, "frr", "frr")
    subprocess.run([zebra, "-d", "-N", name, "-P", "0"], check=True, stdin=subprocess.DEVNULL, capture_output=True)
    try:
        until((run / "zebra.vty").exists, "zebra opens no socket")
        with Sshd(folder / "vtysh", extra=(f"ForceCommand cd {folder} && exec {shell} -N {name}",)) as server:
            yield server
    finally:
        send(int((run / "zebra.pid").read_text()), signal.SIGTERM)
        until(lambda: not (run / "zebra.vty").exists() or not _runs(run), "zebra does not end")
        shutil.rmtree(run, ignore_errors=True)
        shutil.rmtree(etc, ignore_errors=True)


@contextmanager
def birdc(folder: Path) -> Iterator[Sshd]:
    """An sshd whose login is birdc on a bird without any protocol that touches the machine."""
    config, socket = folder / "bird.conf", folder / "bird.ctl"
    config.write_text("router id 192.0.2.1;\nprotocol device {}\n")
    with subprocess.Popen(
        [require("bird"), "-f", "-c", str(config), "-s", str(socket), "-P", str(folder / "bird.pid")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as bird:
        try:
            until(socket.exists, "bird opens no socket")
            with Sshd(folder / "birdc", extra=(f"ForceCommand {require('birdc')} -s {socket}",)) as server:
                yield server
        finally:
            bird.terminate()


def _runs(run: Path) -> bool:
    try:
        os.kill(int((run / "zebra.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
