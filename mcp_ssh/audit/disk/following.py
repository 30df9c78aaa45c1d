"""A log that is read while it is written: every record behind a given one, in order, across any rotations."""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from mcp_ssh.audit.chain import place_of
from mcp_ssh.audit.disk.logfile import tail_bytes
from mcp_ssh.audit.disk.reading import files_of, lines_backwards, number_of

look_s = 0.5


def last_number(path: Path) -> int:
    """The number of the last record that the log has now; 0 for none."""
    places = (place_of(line) for line in lines_backwards(files_of(path)))
    return next((place.link.seq for place in places if place is not None), 0)


def lines_behind(path: Path, number: int, waits: Callable[[], None]) -> Iterator[bytes]:
    """The lines behind the record of this number, without end; `waits` is called before it waits for more.

    A line that is no record is given only behind one that was: before, nobody knows whether it was seen.
    """
    file = _next(path, number)
    file.seek(max(0, os.fstat(file.fileno()).st_size - tail_bytes) if number_of(path, file.name) is None else 0)
    is_behind, rest = False, b""
    while True:
        is_complete = not _is_at(path, file)  # asked first: whatever was written before the move is read below
        chunk = file.read()
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            place = place_of(line)
            is_behind = is_behind if place is None else place.link.seq > number
            if is_behind:
                number = number if place is None else place.link.seq
                yield line
        if chunk:
            continue
        waits()
        if is_complete:
            file.close()
            file, rest = _next(path, number), b""
        else:
            time.sleep(look_s)


def _next(path: Path, number: int) -> BinaryIO:
    """The file that goes on behind the record: the oldest that was rotated since, or the one that is written now."""
    while True:
        since = (each for each in files_of(path) if (number_of(path, each) or 0) > number)
        oldest = next(since, path)
        try:
            return cast("BinaryIO", gzip.open(oldest, "rb")) if oldest.suffix == ".gz" else oldest.open("rb")
        except FileNotFoundError:  # it is moved in this moment
            time.sleep(look_s)


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether the path leads to this very file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
