"""One kept output: in memory while it is short, in files of its own from then on."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from mcp_ssh.ports import Stream

memory_bytes = 32_768
block_bytes = 65_536


class Room(Protocol):
    """Whoever counts how much an owner may keep."""

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
    """An `Output`. From the first byte that finds no room on nothing more is kept, and `missing` counts what came.

    Writes go to the page cache, a chunk at a time: nothing waits for a disk. A disk that is full costs the rest of this
    output and never the command.
    """

    def __init__(self, handle: str, owner: str, room: Room) -> None:
        self.handle = handle
        self.owner = owner
        self.finished_at: float | None = None
        self.missing = dict.fromkeys(Stream, 0)
        self.size = 0
        self._room = room
        self._memory = {stream: bytearray() for stream in Stream}
        self._files: dict[Stream, BinaryIO] = {}

    def feed(self, chunk: bytes, stream: Stream) -> None:
        """Keep a chunk."""
        if self.missing[stream] or not self._room.take(self, len(chunk)):
            self.missing[stream] += len(chunk)
            return
        try:
            self._write(chunk, stream)
        except OSError:
            self.missing[stream] += len(chunk)
            return
        self.size += len(chunk)

    def total(self, stream: Stream) -> int:
        """Bytes that are kept of a stream."""
        file = self._files.get(stream)
        return len(self._memory[stream]) if file is None else file.seek(0, os.SEEK_END)

    def read(self, stream: Stream, offset: int, size: int) -> bytes:
        """Some bytes of a stream, fewer at its end."""
        file = self._files.get(stream)
        if file is None:
            return bytes(self._memory[stream][offset : offset + size])
        return os.pread(file.fileno(), size, offset)

    def lines(self, stream: Stream) -> Iterator[bytes]:
        """The lines of a stream, without their ends; one that is longer than a block comes in pieces."""
        left, offset = b"", 0
        while block := self.read(stream, offset, block_bytes):
            offset += len(block)
            *whole, left = (left + block).split(b"\n")
            yield from whole
            if len(left) > block_bytes:
                yield left
                left = b""
        if left:
            yield left

    def remove(self) -> None:
        """Forget everything."""
        for stream, file in self._files.items():
            file.close()
            self._path(stream).unlink(missing_ok=True)
        self._files.clear()
        self._memory = {stream: bytearray() for stream in Stream}
        self._room.gone(self)

    def _write(self, chunk: bytes, stream: Stream) -> None:
        file = self._files.get(stream)
        if file is None:
            memory = self._memory[stream]
            if len(memory) + len(chunk) <= memory_bytes:
                memory += chunk
                return
            descriptor = os.open(self._path(stream), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            file = self._files[stream] = os.fdopen(descriptor, "r+b", buffering=0)
            chunk = bytes(memory) + chunk
            memory.clear()
        view = memoryview(chunk)
        while view:
            view = view[file.write(view) or 0 :]

    def _path(self, stream: Stream) -> Path:
        return self._room.folder() / f"{self.handle}.{stream.value}"
