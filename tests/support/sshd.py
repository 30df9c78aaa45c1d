"""A real OpenSSH sshd on loopback, and looks at the processes it makes."""

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.parts import require

start_wait_s = 10.0


class Sshd:
    """One server with its own keys; started by `start` or as a context, sync or async. It ends its connections too.

    `address` is where it listens, in the network namespace of the name `inside` if one is given.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_sessions: int = 10,
        extra: Sequence[str] = (),
        variables: Sequence[str] | None = None,
        address: str = "127.0.0.1",
        inside: str = "",
    ) -> None:
        self.folder = folder
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.port = free_port()
        self.address, self.inside = address, inside
        self.key_path = folder / "client_key"
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = [
            f"Port {self.port}",
            f"ListenAddress {address}",
            f"HostKey {folder}/host_key",
            f"PidFile {folder}/pid",
            f"AuthorizedKeysFile {folder}/client_key.pub",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "LogLevel VERBOSE",
            f"MaxSessions {max_sessions}",
            "MaxStartups 100",
            # A home of its own: slow hooks of the account's own ~/.bashrc are not what is tested.
            " ".join(["SetEnv BASH_ENV=/dev/null", *([f"HOME={folder}"] if variables is None else variables)]),
            *extra,
        ]

    # --- life

    def start(self) -> None:
        """Return when it takes connections."""
        program = require("sshd")
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "client_key"):
            if not (self.folder / name).exists():
                make_key(self.folder / name)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text("\n".join(self._lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            where = ["ip", "netns", "exec", self.inside] if self.inside else []
            self._process = subprocess.Popen([*where, program, "-D", "-e", "-f", str(config)], stderr=log, stdout=log)
        until(self._is_up, "sshd takes no connections: " + self.log()[-2000:])

    def _is_up(self) -> bool:
        if not self.inside:
            return can_connect(self.port, self.address)
        return f"Server listening on {self.address} port {self.port}" in self.log()  # nobody here can reach it

    def stop(self) -> None:
        """End it and all of its connections."""
        if self._process is None:
            return
        for pid in [*descendants(self._process.pid), self._process.pid]:
            send(pid, signal.SIGKILL)
        self._process.wait(timeout=10)
        self._process = None

    def restart(self, *, new_host_key: bool = False) -> None:
        """Stop, and start on the same port."""
        self.stop()
        if new_host_key:
            make_key(self.folder / "host_key")
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- looks

    @property
    def pid(self) -> int:
        """The listening process."""
        assert self._process is not None
        return self._process.pid

    def connection_pids(self) -> list[int]:
        """The sshd processes of open connections, without what they started."""
        return [pid for pid in descendants(self.pid) if b"sshd" in command_line(pid)]

    def log(self) -> str:
        """What the server logged so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def connections_made(self) -> int:
        """Logins that succeeded, as the server counted them."""
        return self.log().count("Accepted publickey")

    @property
    def host_key_line(self) -> str:
        """The known_hosts line of the server."""
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        return f"[{self.address}]:{self.port} {kind} {key}\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the host key, as ssh-keygen prints it."""
        lines = subprocess.run(
            ["ssh-keygen", "-lf", str(self.folder / "host_key.pub")], capture_output=True, check=True
        )
        return lines.stdout.decode().split()[1]


def sftp_server() -> str:
    """The line that gives an sshd its SFTP."""
    return "Subsystem sftp internal-sftp"


def make_key(path: Path) -> None:
    """A fresh ed25519 key pair without a passphrase."""
    path.unlink(missing_ok=True)
    subprocess.run([require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_connect(port: int, address: str = "127.0.0.1") -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def until(condition: Callable[[], bool], complaint: str) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + start_wait_s
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.01)


def processes_with(mark: str) -> list[int]:
    """Processes whose command line has the mark, shells that only quote it included."""
    return [pid for pid in _pids() if pid != os.getpid() and mark.encode() in command_line(pid)]


def command_line(pid: int) -> bytes:
    """A process's arguments, NUL-separated; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    parents = {each: _parent(each) for each in _pids()}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def pause(pid: int) -> None:
    """Stop a process without ending it."""
    send(pid, signal.SIGSTOP)


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
