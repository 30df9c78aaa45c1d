"""The processes of the embedded POSIX host: whom they run as, and their end with the host's."""

import asyncio
import fcntl
import os
import shutil
import signal
import tempfile
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

nobody_uid = nobody_gid = 65534


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom commands run as; empty identity means: as the lab itself, which is then not root."""

    home: Path
    identity: dict[str, Any]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PWD": str(self.home),
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
        }


class Processes:
    """All processes of one host, each in a process session of its own, in a home folder that goes with the host."""

    def __init__(self) -> None:
        self._processes: set[asyncio.subprocess.Process] = set()
        self._account = _Account(Path("/"), {})
        self._is_ending = False

    @property
    def home(self) -> Path:
        """Where commands start."""
        return self._account.home

    def begin(self) -> None:
        """Make the account and its home."""
        self._account = _make_account()

    def end(self) -> None:
        """End all, and whatever is still being started."""
        self._is_ending = True
        for process in self._processes:
            _end(process)

    def forget(self) -> None:
        """Remove the home."""
        shutil.rmtree(self._account.home, ignore_errors=True)

    async def start(self, command: bytes) -> asyncio.subprocess.Process:
        """Start a command in a process session of its own."""
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._account.home,
            env=self._account.environment(),
            start_new_session=True,
            umask=0o022,
            **self._account.identity,
        )
        return self._kept(process)

    async def start_shell(self, terminal: int) -> asyncio.subprocess.Process:
        """Start an interactive shell on a terminal, in a process session of its own that it controls."""
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-i",
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=self._account.home,
            env=self._account.environment() | {"TERM": "vt100", "PS1": "$ "},
            start_new_session=True,
            umask=0o022,
            preexec_fn=_control_terminal,
            **self._account.identity,
        )
        return self._kept(process)

    def _kept(self, process: asyncio.subprocess.Process) -> asyncio.subprocess.Process:
        self._processes.add(process)
        if self._is_ending:
            _end(process)
        return process

    def ended(self, process: asyncio.subprocess.Process) -> None:
        """A process is gone."""
        self._processes.discard(process)


def _control_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a demo under nohup passes on that it is ignored
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _make_account() -> _Account:
    home = Path(tempfile.mkdtemp(prefix="mcp-ssh-lab-"))
    if os.geteuid() != 0:
        return _Account(home, {})
    os.chown(home, nobody_uid, nobody_gid)
    return _Account(home, {"user": nobody_uid, "group": nobody_gid, "extra_groups": []})
