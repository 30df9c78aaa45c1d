"""Programs of this machine as channels: on pipes, or on a terminal of their own (pexpect)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence

import pexpect

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.ports import Pty, Receiver, Stream

read_bytes = 65_536
most_waiting_bytes = 1_048_576
"""What is kept of words that a program does not read; beyond it they are dropped, as on a real terminal."""

Reason = Callable[[int | None], McpSshError | None]
"""Why a program ended with that code, if it was not by itself."""


class TerminalChannel:
    """A `Channel` on a program that has a terminal."""

    def __init__(self, receiver: Receiver, reason: Reason) -> None:
        self._receiver = receiver
        self._reason = reason
        self._loop = asyncio.get_running_loop()
        self._child: pexpect.spawn[bytes] | None = None
        self._waiting = bytearray()
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether the program has ended, or was closed."""
        return self._is_over

    async def start(self, command: Sequence[str], pty: Pty, environ: Mapping[str, str]) -> None:
        """Start the program. Raises `OSError` if it cannot be."""
        try:
            child = await self._spawned(command, pty, environ)
        except pexpect.ExceptionPexpect as error:
            raise OSError(0, str(error).splitlines()[0]) from None
        if self._is_over:  # it was closed meanwhile
            await self._loop.run_in_executor(None, _reaped, child)
            return
        self._child, descriptor = child, child.child_fd
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._readable, descriptor)

    async def _spawned(self, command: Sequence[str], pty: Pty, environ: Mapping[str, str]) -> "pexpect.spawn[bytes]":
        spawning = self._loop.run_in_executor(None, _spawned, command, pty, environ)
        try:
            return await asyncio.shield(spawning)
        except asyncio.CancelledError:  # a thread is not: its program is ended as soon as it stands
            spawning.add_done_callback(_abandoned)
            raise

    def _readable(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, read_bytes)
        except BlockingIOError:
            return
        except OSError:  # Linux says EIO when the last program has left the terminal
            data = b""
        if data:
            self._receiver.data(data, Stream.STDOUT)
        else:
            self._end()

    def write(self, data: bytes) -> None:
        """Type."""
        if self._child is None or self._is_over or len(self._waiting) + len(data) > most_waiting_bytes:
            return
        self._waiting += data
        self._writable()

    def _writable(self) -> None:
        if self._child is None or self._is_over:
            return
        descriptor = self._child.child_fd
        with contextlib.suppress(BlockingIOError, OSError):
            while self._waiting:
                del self._waiting[: os.write(descriptor, self._waiting)]
        if self._waiting:
            self._loop.add_writer(descriptor, self._writable)
        else:
            self._loop.remove_writer(descriptor)

    def write_eof(self) -> None:
        """A terminal has no end; its program reads what is typed."""

    def signal(self, name: str) -> None:
        """A key does that on a terminal."""

    def close(self) -> None:
        """End the program."""
        if self._child is not None and not self._is_over:
            self._child.kill(signal.SIGHUP)
            self._end()
        elif not self._is_over:
            self._is_over = True
            self._receiver.closed(None)

    def _end(self) -> None:
        child = self._child
        if child is None or self._is_over:
            return
        self._is_over = True
        self._loop.remove_reader(child.child_fd)
        self._loop.remove_writer(child.child_fd)
        ending = self._loop.run_in_executor(None, _reaped, child)
        ending.add_done_callback(lambda done: self._receiver.closed(self._reason(done.result())))


def _spawned(command: Sequence[str], pty: Pty, environ: Mapping[str, str]) -> "pexpect.spawn[bytes]":
    size = (pty.height, pty.width)
    return pexpect.spawn(command[0], [*command[1:]], timeout=None, dimensions=size, env={**environ, "TERM": pty.term})


def _abandoned(spawned: "asyncio.Future[pexpect.spawn[bytes]]") -> None:
    if spawned.exception() is None:
        spawned.get_loop().run_in_executor(None, _reaped, spawned.result())


def _reaped(child: "pexpect.spawn[bytes]") -> int | None:
    """Close the terminal, end what is left, and give the exit code; None for a signal."""
    child.close(force=True)
    return child.exitstatus


class PipeChannel:
    """A `Channel` on a program with pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def write(self, data: bytes) -> None:
        """Send to its input."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    def write_eof(self) -> None:
        """End its input."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.close()

    def signal(self, name: str) -> None:
        """The system's ssh passes on none; what runs is ended over a channel of its own."""

    def close(self) -> None:
        """End the program here; the one on the host is not ended by that."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


class LateChannel:
    """A `Channel` that is wanted before it stands: what is said meanwhile is said to it then."""

    def __init__(self) -> None:
        self._channel: PipeChannel | None = None
        self._said: list[bytes | None] = []
        self._is_closed = False

    def becomes(self, channel: PipeChannel) -> None:
        """The channel stands: hand over what was said."""
        self._channel = channel
        for data in self._said:
            channel.write_eof() if data is None else channel.write(data)
        if self._is_closed:
            channel.close()

    def write(self, data: bytes) -> None:
        """Send, now or then; likewise below."""
        self._said.append(data) if self._channel is None else self._channel.write(data)

    def write_eof(self) -> None:
        """End its input."""
        self._said.append(None) if self._channel is None else self._channel.write_eof()

    def signal(self, name: str) -> None:
        """Nothing, as with a channel that stands."""
        del name

    def close(self) -> None:
        """Close it."""
        self._is_closed = True
        if self._channel is not None:
            self._channel.close()
