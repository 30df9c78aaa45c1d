"""libssh2 at its best with many commands: several channels at once on one connection that never blocks.

The library has the state machine for it and leaves the rest to its user, which is what stands here: conversations that
take turns whenever one of them would wait. It opens one channel at a time, since the opening is a state of the session.
"""

import select
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, cast

from bench.clients.client import answer_wait_s
from bench.clients.libssh2 import Libssh2, chunk_bytes

if TYPE_CHECKING:
    from ssh2.channel import Channel

again = -37
"""LIBSSH2_ERROR_EAGAIN."""
most_channels = 16

Conversation = Generator[None, None, bytes]


class Libssh2Many(Libssh2):
    """One session for all commands."""

    async def open(self) -> None:
        """Log in, and block no more."""
        await super().open()
        assert self.session is not None  # noqa: S101  it just logged in
        self.session.set_blocking(False)
        self._is_opening = False

    async def together(self, commands: Sequence[str]) -> list[bytes]:
        """What each of them printed; the event loop stands still meanwhile."""
        waiting, outputs = deque(enumerate(commands)), [b""] * len(commands)
        talking: dict[int, Conversation] = {}
        while waiting or talking:
            while waiting and len(talking) < most_channels:
                number, command = waiting.popleft()
                talking[number] = self._conversation(command)
            for number, conversation in list(talking.items()):
                try:
                    next(conversation)
                except StopIteration as end:
                    outputs[number] = end.value
                    del talking[number]
            if talking:
                self._wait()
        return outputs

    async def close(self) -> None:
        """Close the connection."""
        if self.session is not None:
            self.session.set_blocking(True)
        await super().close()

    def _wait(self) -> None:
        assert self.socket is not None  # noqa: S101  open was called
        if not select.select([self.socket], [], [], answer_wait_s)[0]:
            raise TimeoutError("the server says nothing")

    def _conversation(self, command: str) -> Conversation:
        channel = yield from self._opened()
        yield from _done(lambda: channel.execute(command))
        output = yield from _read(channel)
        yield from _done(channel.close)
        yield from _done(channel.wait_closed)
        return output

    def _opened(self) -> "Generator[None, None, Channel]":
        while self._is_opening:
            yield
        assert self.session is not None  # noqa: S101  open was called
        self._is_opening = True
        while (channel := self.session.open_session()) == again:
            yield
        self._is_opening = False
        return channel


def _done(step: Callable[[], object]) -> Generator[None, None, None]:
    while step() == again:
        yield


def _read(channel: "Channel") -> Generator[None, None, bytes]:
    parts = list[bytes]()
    while True:
        size, data = channel.read(chunk_bytes)
        if size == again:
            yield
        elif size > 0:
            parts.append(cast("bytes", data))
        else:
            return b"".join(parts)
