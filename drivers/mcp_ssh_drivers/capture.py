"""Bounded memory of an output stream: its head and its tail."""

import hashlib
from collections.abc import Callable

from mcp_ssh.model.result import Captured
from mcp_ssh.ports import Output, Stream


class HeadTail:
    """Keeps the first and the last half of `limit` bytes; counts what falls out between them, and hashes all of it.

    Each byte is copied at most three times however long the stream is, and memory stays below 1.5 times `limit`.
    `copy` hears every chunk as well: whoever keeps outputs whole.
    """

    def __init__(self, limit: int, copy: Callable[[bytes], None] | None = None) -> None:
        self._copy = copy
        self._head_limit = limit // 2
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        self._digest.update(chunk)
        if self._copy is not None:
            self._copy(chunk)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if len(chunk) > self._tail_limit:
            cut = len(chunk) - self._tail_limit
            self._dropped += len(self._tail) + cut
            self._tail[:] = chunk[cut:]
        else:
            self._tail += chunk
            if len(self._tail) > 2 * self._tail_limit:
                self._trim()

    def captured(self) -> Captured:
        """What is kept now. Short streams come back whole, in `head` alone."""
        self._trim()
        if self._dropped == 0:
            return Captured(bytes(self._head + self._tail), sha256=self._digest.hexdigest())
        return Captured(bytes(self._head), bytes(self._tail), self._dropped, self._digest.hexdigest())

    def _trim(self) -> None:
        surplus = len(self._tail) - self._tail_limit
        if surplus > 0:
            del self._tail[:surplus]
            self._dropped += surplus


def copy_of(output: Output | None, stream: Stream) -> Callable[[bytes], None] | None:
    """How a stream gets to whoever keeps outputs whole."""
    return None if output is None else lambda chunk: output.feed(chunk, stream)
