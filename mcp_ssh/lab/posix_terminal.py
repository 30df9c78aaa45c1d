"""One terminal of the embedded POSIX host: an interactive shell on a pseudo-terminal of its own."""

import asyncio
import fcntl
import os
import struct
import termios
from contextlib import suppress
from typing import Protocol

import asyncssh

read_bytes = 65_536


class Spawner(Protocol):
    """Whoever starts processes and ends them all when it ends."""

    async def start_shell(self, terminal: int) -> asyncio.subprocess.Process:
        """An interactive shell whose inputs and outputs are the terminal."""
        ...

    def ended(self, process: asyncio.subprocess.Process) -> None:
        """A process is gone."""
        ...


class PosixTerminal:
    """Carries bytes between a channel and a shell. When the channel goes, the terminal hangs up on the shell."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", columns: int, rows: int) -> None:
        self._channel = channel
        self._size = struct.pack("HHHH", rows or 24, columns or 80, 0, 0)
        self._main = -1
        self._early = bytearray()

    async def run(self, spawner: Spawner) -> None:
        """From the shell's start to its end."""
        self._main, other = os.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, self._size)
        try:
            process = await spawner.start_shell(other)
        finally:
            os.close(other)
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        loop.add_reader(self._main, self._read, over)
        self.write(bytes(self._early))
        try:
            code = await process.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await over  # what the shell said last
            self._channel.exit(code if code >= 0 else 128 - code)
        finally:
            spawner.ended(process)
            self.hang_up()

    def write(self, data: bytes) -> None:
        """Somebody types."""
        if self._main < 0:
            self._early += data
            return
        with suppress(OSError):
            os.write(self._main, data)

    def hang_up(self) -> None:
        """The channel is gone."""
        if self._main >= 0:
            asyncio.get_running_loop().remove_reader(self._main)
            os.close(self._main)
            self._main = -1

    def _read(self, over: "asyncio.Future[None]") -> None:
        try:
            data = os.read(self._main, read_bytes)
        except OSError:  # Linux: the last who held the other end is gone
            data = b""
        if data:
            self._channel.write(data)
        elif not over.done():
            asyncio.get_running_loop().remove_reader(self._main)
            over.set_result(None)
