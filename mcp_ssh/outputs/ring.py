"""One stream of an output in pieces: the first in memory while it is short, the others in files, the oldest can go.

Offsets and lines count from the first byte that ever came, so that they mean the same whatever was dropped.
"""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

memory_bytes = 32_768
scan_bytes = 65_536


class _Piece:
    """Some bytes in a row, and where they stand. `line` is how many line ends came before them."""

    def __init__(self, offset: int, line: int) -> None:
        self.offset = offset
        self.line = line
        self.size = 0
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None

    def read(self, at: int, size: int) -> bytes:
        """Some bytes from a place in this piece on."""
        if self._file is None:
            return bytes(self._memory[at : at + size])
        return os.pread(self._file.fileno(), size, at)

    def write(self, chunk: bytes, path: Callable[[], Path]) -> None:
        """Add bytes; what grows too long for the memory goes to a file. Raises `OSError`, and then added nothing."""
        if self._file is None:
            if self.size + len(chunk) <= memory_bytes and not self.offset:
                self._memory += chunk
                self.size += len(chunk)
                return
            self._move_to(path())
        assert self._file is not None  # noqa: S101  it was moved there, if it was not there already
        _put(self._file, chunk, self.size)
        self.size += len(chunk)

    def _move_to(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _put(file, bytes(self._memory), 0)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        self._file, self._path = file, path
        self._memory.clear()

    def remove(self) -> None:
        """Forget the bytes."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _put(file: BinaryIO, chunk: bytes, at: int) -> None:
    while chunk:
        done = os.pwrite(file.fileno(), chunk, at)
        chunk, at = chunk[done:], at + done


class Ring:
    """The newest bytes of a stream. `path` makes the name of a piece's file; pieces hold `piece_bytes` at most."""

    def __init__(self, path: Callable[[], Path], piece_bytes: int) -> None:
        self._path = path
        self._piece_bytes = piece_bytes
        self._pieces: deque[_Piece] = deque()
        self.end = 0
        self.lines = 0

    @property
    def start(self) -> int:
        """The offset of the oldest byte that is here."""
        return self._pieces[0].offset if self._pieces else self.end

    @property
    def lines_before(self) -> int:
        """How many line ends came before the oldest byte that is here."""
        return self._pieces[0].line if self._pieces else self.lines

    @property
    def size(self) -> int:
        """How many bytes are here."""
        return self.end - self.start

    def room(self) -> int:
        """How many bytes fit into the newest piece."""
        return self._piece_bytes - self._pieces[-1].size if self._pieces else 0

    def write(self, chunk: bytes) -> None:
        """Add bytes, no more than a piece holds. Raises `OSError`, and then added nothing."""
        if self.room() < len(chunk):
            self._pieces.append(_Piece(self.end, self.lines))
        self._pieces[-1].write(chunk, self._path)
        self.end += len(chunk)
        self.lines += chunk.count(b"\n")

    def drop_oldest(self) -> int:
        """Forget the oldest piece; how many bytes that were."""
        if not self._pieces:
            return 0
        piece = self._pieces.popleft()
        piece.remove()
        return piece.size

    def read(self, offset: int, size: int) -> bytes:
        """Some bytes from an offset on, from the oldest that is here if that one is gone; fewer at the end."""
        offset = max(offset, self.start)
        parts = []
        for piece in self._pieces:
            at = offset - piece.offset
            if size <= 0 or at >= piece.size:
                continue
            part = piece.read(at, min(size, piece.size - at))
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def offset_of(self, line: int) -> int:
        """Where a line begins, the first being 0; the oldest byte for a line that is gone, the end for one to come."""
        piece = next((each for each in reversed(self._pieces) if each.line < line), None)
        if piece is None:
            return self.start
        left, offset = line - piece.line, piece.offset
        while block := self.read(offset, scan_bytes):
            ends = block.count(b"\n")
            if ends >= left:
                return offset + _after(block, left)
            left, offset = left - ends, offset + len(block)
        return self.end

    def remove(self) -> None:
        """Forget everything."""
        while self._pieces:
            self.drop_oldest()


def _after(block: bytes, ends: int) -> int:
    """The place behind so many line ends."""
    at = 0
    for _ in range(ends):
        at = block.index(b"\n", at) + 1
    return at
