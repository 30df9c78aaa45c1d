"""An embedded POSIX host: an SSH server on loopback that runs each exec request and each shell as a process of its own.

It is meant to be safe on anybody's machine. It takes one key, made for this run; it forwards nothing and has no
file transfer. Its commands never run as root: where the lab itself is root, they run as `nobody`,
without supplementary groups. Like sshd, it leaves a command alone whose channel closes; when the lab ends, all
of its processes are ended.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from mcp_ssh.lab.loopback import Loopback, OneKey
from mcp_ssh.lab.posix_terminal import PosixTerminal
from mcp_ssh.lab.processes import Processes

drain_s = 1.0
"""How long a background process may hold a command's outputs open before the channel closes anyway."""

_signals = {name.removeprefix("SIG"): number for name, number in signal.Signals.__members__.items()}
_names = {number: name for name, number in _signals.items()}


class PosixHost(Loopback):
    """The host; an async context. `folder` gets its keys; commands start in a home folder of their own."""

    def __init__(self, folder: Path, *, max_sessions: int = 10) -> None:
        super().__init__(folder)
        self._max_sessions = max_sessions
        self._tasks = asyncio.TaskGroup()
        self.processes = Processes()
        self.connections = 0

    async def __aenter__(self) -> Self:
        self.processes.begin()
        await self._tasks.__aenter__()
        await self._listen(lambda key: _Gate(self, key))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_listening()
        self.processes.end()
        await self._tasks.__aexit__(kind, error, trace)
        self.processes.forget()

    def session_of(self, gate: "_Gate") -> "_Exec | None":
        """A session for one more channel of a connection; None above the limit."""
        if gate.sessions >= self._max_sessions:
            return None
        return _Exec(self, gate)

    def spawn(self, session: "_Exec", command: bytes) -> None:
        """Run a session's command in the background."""
        self._tasks.create_task(session.run(command))

    def spawn_shell(self, terminal: PosixTerminal) -> None:
        """Run a shell in the background."""
        self._tasks.create_task(terminal.run(self.processes))


class _Gate(OneKey):
    """One connection: lets the one key in."""

    def __init__(self, lab: PosixHost, key: asyncssh.SSHKey) -> None:
        super().__init__(key)
        self._lab = lab
        self.sessions = 0

    def auth_completed(self) -> None:
        self._lab.connections += 1

    def session_requested(self) -> "_Exec | bool":
        session = self._lab.session_of(self)
        return False if session is None else session


class _Exec(asyncssh.SSHServerSession[bytes]):
    """One channel: pipes between it and a process, or a terminal with a shell."""

    def __init__(self, lab: PosixHost, gate: _Gate) -> None:
        self._lab = lab
        self._gate = gate
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._early = bytearray()
        self._size: tuple[int, int] | None = None
        self._terminal: PosixTerminal | None = None
        self._input_ended = False
        self._may_write = asyncio.Event()
        self._may_write.set()

    # --- asyncssh's side

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan
        self._gate.sessions += 1

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._channel = None
        self._gate.sessions -= 1
        if self._terminal is not None:
            self._terminal.hang_up()
        self._may_write.set()

    def exec_requested(self, command: str) -> bool:
        self._lab.spawn(self, command.encode("utf-8", "surrogateescape"))
        return True

    def shell_requested(self) -> bool:
        return self._size is not None

    def session_started(self) -> None:
        if self._size is not None and self._channel is not None and self._channel.get_command() is None:
            self._terminal = PosixTerminal(self._channel, *self._size)
            self._lab.spawn_shell(self._terminal)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        del term_type, term_modes
        self._size = term_size[:2]
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        del subsystem
        return False

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        if self._terminal is not None:
            self._terminal.write(data)
        elif self._process is None or self._process.stdin is None:
            self._early += data
        else:
            self._process.stdin.write(data)

    def eof_received(self) -> bool:
        self._input_ended = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        return True

    def signal_received(self, signal: str) -> None:
        if self._process is not None and signal in _signals:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, _signals[signal])

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # --- the process's side

    async def run(self, command: bytes) -> None:
        """Carry the command from start to end. Its caller owns the task."""
        process = self._process = await self._lab.processes.start(command)
        self._feed_early(process)
        pumps = [
            asyncio.ensure_future(self._pump(process.stdout, None)),
            asyncio.ensure_future(self._pump(process.stderr, asyncssh.EXTENDED_DATA_STDERR)),
        ]
        try:
            code = await process.wait()
            await asyncio.wait(pumps, timeout=drain_s)
        finally:
            self._lab.processes.ended(process)
            for pump in pumps:
                pump.cancel()
        self._tell_end(code)

    def _feed_early(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.write(bytes(self._early))
            if self._input_ended:
                process.stdin.close()

    async def _pump(self, source: asyncio.StreamReader | None, datatype: int | None) -> None:
        while source is not None and (chunk := await source.read(65_536)):
            await self._may_write.wait()
            if self._channel is not None:
                self._channel.write(chunk, datatype)

    def _tell_end(self, code: int) -> None:
        if self._channel is None:
            return
        if code < 0:
            self._channel.exit_with_signal(_names.get(signal.Signals(-code), "TERM"))
        else:
            self._channel.exit(code)
