"""The file of an audit log and the head beside it, as one process has them open. Used by one thread only.

A path that leads to a character device (`/dev/full` in tests, `/dev/null`) is only written to. A symlink is followed:
where the log lies is the operator's choice.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mcp_ssh.audit import head
from mcp_ssh.audit.chain import Link, place_of, recovery_reason
from mcp_ssh.audit.keys import AuditKey
from mcp_ssh.audit.record import Event

tail_bytes = 1_048_576
"""Longer than the longest record, so that the last one lies in it whole."""

datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
_flags = os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
number_digits = 12


Note = tuple[Event, str]


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a log ends, and what the next records must tell first. `is_open`: its last line has no end yet."""

    link: Link
    is_open: bool = False
    notes: tuple[Note, ...] = ()


def rotated(path: str, last: Link) -> str:
    """The name of a file of the log that ends with this record; these names stand in the order of the chain."""
    return f"{path}.{last.seq:0{number_digits}}"


class LogFile:
    """An open log. `before` is the end of the chain as the process knew it last, for a log that is begun anew."""

    def __init__(self, path: str, key: AuditKey | None, before: Link) -> None:
        self._path = path
        self._key = key
        self._before = before
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _flags, 0o600)
        self._head = -1
        try:
            self.is_device = _is_device(self._descriptor)
            if not self.is_device:
                self._head = os.open(path + head.suffix, os.O_RDWR | _flags, 0o600)
                _is_device(self._head)
        except BaseException:
            self.close()
            raise
        self._size = -1
        self._last = before

    @property
    def size(self) -> int:
        """Bytes that it has now."""
        return os.fstat(self._descriptor).st_size

    def is_still_there(self) -> bool:
        """Whether the path still leads to this very file."""
        try:
            facts = os.stat(self._path)  # noqa: PTH116  strings all the way: this is os-level code
        except OSError:
            return False
        mine = os.fstat(self._descriptor)
        return (facts.st_dev, facts.st_ino) == (mine.st_dev, mine.st_ino)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The lock that all processes of this log share; refused where the file system cannot lock."""
        if self.is_device:
            yield
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def end(self) -> Tail:
        """Where the log ends. Read anew only if somebody else wrote."""
        if self.is_device or self.size == self._size:
            return Tail(self._last)
        size = self.size
        text = os.pread(self._descriptor, tail_bytes, max(0, size - tail_bytes))
        if not text:
            return self._begun()
        link, torn = _last_record(text)
        if link is None:
            if len(text) < size or b"\n" in text:
                raise OSError(errno.EIO, "its last lines are no records of mcp-ssh; move it away or name another file")
            link = Link()  # the very first line is torn
        told, notes = self._told()
        if told.seq > link.seq:  # records were taken away: the chain goes on where it was, and the gap shows
            notes.append((Event.RECOVER, f"the log ends with record {link.seq}, its head tells of record {told.seq}"))
            link = told
        if torn:
            notes.insert(0, (Event.RECOVER, recovery_reason(torn.removesuffix(b"\n"))))
        return Tail(link, not text.endswith(b"\n"), tuple(notes))

    def _begun(self) -> Tail:
        """An empty file goes on where the log ended before: it was rotated, or somebody moved it away."""
        told, notes = self._told()
        link = max(told, self._before, key=lambda each: each.seq)
        older = rotated(self._path, link)
        if os.path.exists(older):  # noqa: PTH110  as above
            notes.append((Event.ROTATE, f"continues {os.path.basename(older)}"))  # noqa: PTH119  as above
        elif link.seq:
            notes.append((Event.RECOVER, f"the log that ended with record {link.seq} is not here any more"))
        return Tail(link, notes=tuple(notes))

    def _told(self) -> tuple[Link, list[Note]]:
        """The end as the head file has it, if it is ours."""
        told = head.head_of(os.pread(self._head, head.size_bytes, 0))
        if told is None:
            return Link(), []
        if self._key is not None and told.key == self._key.id and not told.is_of(self._key):
            return Link(), [(Event.RECOVER, "the head file was not made with this key")]
        return told.link, []

    def append(self, text: str, last: Link, *, sync: bool) -> None:
        """Write, wait for the disk if `sync`, and remember the new end."""
        _write(self._descriptor, text.encode("ascii"))
        if not self.is_device:
            if sync:
                datasync(self._descriptor)
            os.pwrite(self._head, head.text_of(last, self._key), 0)
            self._size = self.size
        self._last = last

    def move_away(self, last: Link) -> None:
        """Give it the name of a rotated file; the path is free then. Raises `OSError` rather than write one over."""
        folder = os.open(os.path.dirname(self._path) or ".", os.O_RDONLY | os.O_DIRECTORY)  # noqa: PTH120  as above
        try:
            datasync(self._descriptor)
            if os.path.lexists(older := rotated(self._path, last)):
                raise OSError(errno.EEXIST, f"{older} stands where the log would be rotated to")
            os.rename(self._path, older)  # noqa: PTH104  as above
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Close; whatever was appended is written already."""
        for descriptor in (self._descriptor, self._head):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._head = -1


def _last_record(text: bytes) -> tuple[Link | None, bytes]:
    """The last record of a text, and what stands behind it."""
    end = len(text)
    while end > 0:
        start = text.rfind(b"\n", 0, end) + 1
        place = place_of(text[start:end])
        if place is not None and place.holds:
            return place.link, text[end + 1 :]
        end = start - 1
    return None, text


def _is_device(descriptor: int) -> bool:
    facts = os.fstat(descriptor)
    if stat.S_ISCHR(facts.st_mode):
        return True
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(errno.EPERM, "others may write it; chmod 600 mends that")
    return False


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
