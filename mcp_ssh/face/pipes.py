"""A pipe or a socket that messages are written to, by the event loop, at the pace of whoever reads, and by no thread.

No transport of asyncio: to that one, a socket on which something arrives is a pipe that its reader has closed, and some
clients give one socket for stdin and stdout.
"""

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator

last_wait_s = 2.0


class PipeLines:
    """Lines for a descriptor that does not block. One task writes; nothing is kept but what is left of its line."""

    def __init__(self, descriptor: int, last_wait_s: float = last_wait_s) -> None:
        self._descriptor = descriptor
        self._last_wait_s = last_wait_s
        self._rest = memoryview(b"")
        self._is_last = False

    async def write(self, text: str) -> None:
        """Return when the system has it all. Raises `OSError` when nobody reads any more."""
        self._rest = memoryview(text.encode())
        await self.flush()

    async def flush(self) -> None:
        """Write what a cancelled `write` left of its line."""
        while self._rest:
            try:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            except BlockingIOError:
                await self._room()

    def hasten(self) -> None:
        """The client asks nothing more: from now on it must take something every few seconds, or `write` raises."""
        self._is_last = True

    async def _room(self) -> None:
        loop = asyncio.get_running_loop()
        is_free = loop.create_future()
        loop.add_writer(self._descriptor, _tell, is_free)
        try:
            while not is_free.done():
                await asyncio.wait([is_free], timeout=self._last_wait_s)
                if self._is_last and not is_free.done():
                    self._rest = self._rest[:0]
                    raise TimeoutError("the client does not read its last answers")
        finally:
            loop.remove_writer(self._descriptor)


def _tell(is_free: "asyncio.Future[None]") -> None:
    if not is_free.done():
        is_free.set_result(None)


def has_pace(descriptor: int) -> bool:
    """Whether it is a pipe or a socket that nobody else in this process writes to, as the log does to stderr."""
    mode = os.fstat(descriptor).st_mode
    is_own = not os.path.sameopenfile(descriptor, 2) or not os.get_blocking(descriptor)
    return is_own and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


@contextlib.asynccontextmanager
async def lines_to(descriptor: int, last_wait_s: float = last_wait_s) -> AsyncIterator[PipeLines]:
    """Lines for a pipe or socket, which from now on does not block. One that has begun is ended if somebody reads."""
    os.set_blocking(descriptor, False)
    out = PipeLines(descriptor, last_wait_s)
    try:
        yield out
    finally:
        out.hasten()
        with contextlib.suppress(OSError):
            await out.flush()
