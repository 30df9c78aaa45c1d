"""The files of a log, read back: those that were rotated, the one that is written now, and the head beside it."""

import gzip
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from mcp_ssh.audit.chain import Link
from mcp_ssh.audit.disk.logfile import number_digits
from mcp_ssh.audit.head import Head, head_of, size_bytes, suffix
from mcp_ssh.audit.keys import AuditKey
from mcp_ssh.audit.verify import Against, Report, verify

most_line_bytes = 1_048_576
_chunk_bytes = 1_048_576


def files_of(path: Path) -> list[Path]:
    """The files of the log at this path that exist, the oldest first. Rotated ones may be compressed (`.gz`)."""
    folder = path.parent
    found = (each.name for each in folder.iterdir()) if folder.is_dir() else ()
    names = sorted(name for name in found if number_of(path, name) is not None)
    return [*(folder / name for name in names), *([path] if path.exists() else [])]


def number_of(path: Path, file: str | Path) -> int | None:
    """The last record's number by the name of a rotated file of the log at `path`; None for any other file."""
    rotated = re.compile(re.escape(path.name) + rf"\.([0-9]{{{number_digits}}})(\.gz)?")
    found = rotated.fullmatch(Path(file).name)
    return int(found[1]) if found is not None else None


def head_at(path: Path) -> Head | None:
    """What the head file beside the log says; None if there is none. Read it before the log, which may go on."""
    try:
        with Path(f"{path}{suffix}").open("rb") as file:
            return head_of(file.read(size_bytes))
    except FileNotFoundError:
        return None


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file without their ends. One without an end is given as well; a very long one is cut.

    Raises `OSError`, for a compressed file that is damaged as well.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        rest = b""
        try:
            while chunk := file.read(_chunk_bytes):
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()[: most_line_bytes + 1]
                yield from lines
        except (EOFError, zlib.error) as error:
            raise OSError(0, f"it is damaged: {error}") from None
        if rest:
            yield rest


def lines_backwards(files: Sequence[Path]) -> Iterator[bytes]:
    """The lines of all files, the latest first; only as much is read as is taken, but for compressed ones."""
    for path in reversed(files):
        if path.suffix == ".gz":
            yield from reversed(list(lines_of(path)))
            continue
        with path.open("rb") as file:
            yield from _backwards(file.fileno())


def _backwards(descriptor: int) -> Iterator[bytes]:
    at, rest = os.fstat(descriptor).st_size, b""
    while at > 0:
        size = min(_chunk_bytes, at)
        at -= size
        lines = (os.pread(descriptor, size, at) + rest).split(b"\n")
        rest = lines.pop(0)
        yield from (line for line in reversed(lines) if line)
    if rest:
        yield rest


def verified(path: Path, key: AuditKey | None = None, known: Sequence[Link] = ()) -> Report:
    """Whether the log at this path is whole, with its rotated files, held against its head, a key and known links."""
    against = Against(head_at(path), known, key)
    return verify(((str(file), lines_of(file)) for file in files_of(path)), against)
