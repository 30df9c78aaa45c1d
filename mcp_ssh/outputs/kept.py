"""One kept output: its newest bytes, as many as there is room for, and how many were dropped before them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from mcp_ssh.outputs.ring import Ring
from mcp_ssh.ports import Stream

block_bytes = 65_536


class Room(Protocol):
    """Whoever counts how much an owner may keep."""

    @property
    def piece_bytes(self) -> int:
        """In how large pieces an output is kept, and dropped."""
        ...

    def take(self, kept: "Kept", size: int) -> bool:
        """Whether so many bytes more may be kept; makes room if that helps."""
        ...

    def folder(self) -> Path:
        """Where files go; made when the first one does. Raises `OSError`."""
        ...

    def gone(self, kept: "Kept") -> None:
        """An output was removed."""
        ...


class Kept:
    """An `Output`. Where there is no room, its oldest bytes make it.

    Writes go to the page cache, a chunk at a time: nothing waits for a disk. A disk that is full costs the rest of this
    output and never the command: `missing` counts what came from then on. `forgotten` is called once it is removed.
    """

    def __init__(self, handle: str, owner: str, room: Room, forgotten: Callable[[], None]) -> None:
        self.handle = handle
        self.owner = owner
        self.expires_at: float | None = None
        self.missing = dict.fromkeys(Stream, 0)
        self._room = room
        self._forgotten = forgotten
        self._files = 0
        self._is_removed = False
        self._rings = {stream: Ring(self._path, room.piece_bytes) for stream in Stream}

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(ring.size for ring in self._rings.values())

    def feed(self, chunk: bytes, stream: Stream) -> None:
        """Keep a chunk; one that comes after the output was removed is lost, as the output is."""
        ring = self._rings[stream]
        if self._is_removed:
            return
        while chunk and not self.missing[stream]:
            part = chunk[: ring.room() or self._room.piece_bytes]
            if not self._write(part, ring):
                break
            chunk = chunk[len(part) :]
        self.missing[stream] += len(chunk)

    def _write(self, part: bytes, ring: Ring) -> bool:
        while not self._room.take(self, len(part)):
            largest = max(self._rings.values(), key=lambda each: each.size)
            if not largest.drop_oldest():
                return False
        try:
            ring.write(part)
        except OSError:
            return False
        return True

    def omitted(self, stream: Stream) -> int:
        """How many bytes of a stream were dropped to make room for newer ones: those before this offset."""
        return self._rings[stream].start

    def total(self, stream: Stream) -> int:
        """Bytes of a stream up to the newest that is kept, dropped ones included."""
        return self._rings[stream].end

    def lines_of(self, stream: Stream) -> int:
        """Line ends among them."""
        return self._rings[stream].lines

    def lines_omitted(self, stream: Stream) -> int:
        """Line ends among the bytes that were dropped."""
        return self._rings[stream].lines_before

    def read(self, stream: Stream, offset: int, size: int) -> bytes:
        """Some bytes of a stream, fewer at its end; from the oldest kept one on, if that is behind the offset."""
        return self._rings[stream].read(offset, size)

    def offset_of(self, stream: Stream, line: int) -> int:
        """Where a line begins, the first being 0."""
        return self._rings[stream].offset_of(line)

    def lines(self, stream: Stream) -> Iterator[bytes]:
        """The lines of a stream, without their ends; one that is longer than a block comes in pieces."""
        left, offset = b"", self.omitted(stream)
        while block := self.read(stream, offset, block_bytes):
            offset = max(offset, self.omitted(stream)) + len(block)
            *whole, left = (left + block).split(b"\n")
            yield from whole
            if len(left) > block_bytes:
                yield left
                left = b""
        if left:
            yield left

    def remove(self) -> None:
        """Forget everything."""
        self._is_removed = True
        for ring in self._rings.values():
            ring.remove()
        self._room.gone(self)
        self._forgotten()

    def _path(self) -> Path:
        self._files += 1
        return self._room.folder() / f"{self.handle}.{self._files}"
