"""The audit log on disk: durable before `append` returns, one chain however many processes write, closed on failure.

Appends go to one worker thread, which writes all that is pending in one go: concurrent commands share a write and a
sync. Under the lock the tail is read again if another process wrote. Nothing is ever deleted: a line that a crash tore
stays, and a record behind it tells of it. A log that was moved away is begun anew, and the new one says so.

A path that leads to a character device (`/dev/full` in tests, `/dev/null`) is only written to. A symlink is followed:
where the log lies is the operator's choice.
"""

import asyncio
import errno
import fcntl
import os
import stat
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from mcp_ssh import __version__
from mcp_ssh.audit.chain import Link, end_of, recovery_reason, seal
from mcp_ssh.audit.record import Event, check, fields_of
from mcp_ssh.audit.redact import redact
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.ports import Clock

tail_bytes = 262_144
"""Longer than the longest record, so that the last one lies in it whole."""

datasync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(slots=True)
class _Pending:
    event: str
    fields: Mapping[str, object]
    wall: float
    done: Future[None] = field(default_factory=Future)


class AuditLog:
    """An `AuditSink` on one file; an async context. Every append tries anew: it is well again when the disk is."""

    def __init__(self, path: str, clock: Clock, known_secrets: Callable[[], Sequence[str]]) -> None:
        self._path = path
        self._clock = clock
        self._known_secrets = known_secrets
        self._pending: deque[_Pending] = deque()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._file: _File | None = None

    async def __aenter__(self) -> Self:
        await self.append(Event.LOG_OPEN, {"pid": os.getpid(), "software": f"mcp-ssh {__version__}"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._close)
        self._worker.shutdown(wait=False)

    async def append(self, event: str, fields: Mapping[str, object]) -> None:
        """Return when the record is on the disk. Raises `AuditUnavailableError`."""
        check(fields)  # here, so that one caller's mistake fails no other's record
        pending = _Pending(event, fields, self._clock.wall())
        self._pending.append(pending)
        self._worker.submit(self._drain)
        # A caller that is cancelled leaves its record behind: what was asked is written all the same.
        await asyncio.shield(asyncio.wrap_future(pending.done))

    def _drain(self) -> None:
        """Write all that is pending; in the worker thread."""
        batch = []
        while self._pending:
            batch.append(self._pending.popleft())
        if not batch:
            return
        try:
            self._write(batch)
        except OSError as error:
            self._close()
            failure = AuditUnavailableError(
                f"the audit log {self._path} cannot be written: {error.strerror or error}",
                hint="make room on its disk or mend the path in settings.audit_log; until then nothing runs",
            )
            for pending in batch:
                pending.done.set_exception(failure)
        except Exception as error:  # noqa: BLE001  the edge of a thread: whoever waits must hear of it
            for pending in batch:
                pending.done.set_exception(error)
        else:
            for pending in batch:
                pending.done.set_result(None)

    def _write(self, batch: Sequence[_Pending]) -> None:
        if self._file is not None and not self._file.is_still_there():
            self._close()
        if self._file is None:
            self._file = _File(self._path)
        with self._file.locked():
            last, torn = self._file.end()
            lines: list[str] = []
            if torn:
                last = self._seal(
                    lines, _Pending(Event.RECOVER, {"reason": recovery_reason(torn)}, batch[0].wall), last
                )
            for pending in batch:
                last = self._seal(lines, pending, last)
            self._file.append(("\n" if torn else "") + "".join(f"{line}\n" for line in lines), last)

    def _seal(self, lines: list[str], pending: _Pending, last: Link) -> Link:
        known = self._known_secrets()
        fields = fields_of(pending.event, pending.fields, pending.wall, lambda text: redact(text, known))
        line, link = seal(fields, last)
        lines.append(line)
        return link

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _File:
    """The open log. Used by the worker thread only."""

    def __init__(self, path: str) -> None:
        self._path = path
        folder = os.path.dirname(path)  # noqa: PTH120  strings all the way: this is os-level code
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            self._is_device = self._checked()
        except BaseException:
            os.close(self._descriptor)
            raise
        self._size = -1
        self._last = Link()

    def _checked(self) -> bool:
        facts = os.fstat(self._descriptor)
        if stat.S_ISCHR(facts.st_mode):
            return True
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise OSError(errno.EPERM, "others may write it; chmod 600 mends that")
        return False

    def is_still_there(self) -> bool:
        """Whether the path still leads to this very file."""
        try:
            facts = os.stat(self._path)  # noqa: PTH116
        except OSError:
            return False
        mine = os.fstat(self._descriptor)
        return (facts.st_dev, facts.st_ino) == (mine.st_dev, mine.st_ino)

    def locked(self) -> "_Lock":
        """The lock that all processes of this log share; refused where the file system cannot lock."""
        return _Lock(-1 if self._is_device else self._descriptor)

    def end(self) -> tuple[Link, bytes]:
        """The last link of the chain, and the bytes of a torn line behind it. Read anew only if the size changed."""
        if self._is_device:
            return self._last, b""
        size = os.fstat(self._descriptor).st_size
        if size == self._size:
            return self._last, b""
        text = os.pread(self._descriptor, tail_bytes, max(0, size - tail_bytes))
        complete, _, torn = text.rpartition(b"\n")
        for line in reversed(complete.split(b"\n")):
            link = end_of(line.decode("utf-8", "surrogateescape"))
            if link is not None:
                return link, torn
        if complete:
            raise OSError(errno.EIO, "its last lines are no records of mcp-ssh; move it away or name another file")
        return Link(), torn

    def append(self, text: str, last: Link) -> None:
        """Write, sync, and remember the new end."""
        data = memoryview(text.encode("ascii"))
        while data:
            data = data[os.write(self._descriptor, data) :]
        if not self._is_device:
            datasync(self._descriptor)
            self._size = os.fstat(self._descriptor).st_size
        self._last = last

    def close(self) -> None:
        """Close; whatever was appended is durable already."""
        os.close(self._descriptor)


class _Lock:
    """flock as a context."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
