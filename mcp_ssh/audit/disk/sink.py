"""The audit log on disk: written before `append` returns, one chain however many processes write, closed on failure.

Appends go to one worker thread, which writes all that is pending in one go: concurrent commands share a write and a
sync. Under the lock the tail is read again if another process wrote. Nothing is ever deleted: a line that a crash tore
stays, and a record behind it tells of it; a log that was moved away is begun anew, and the new one says so.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from mcp_ssh import __version__
from mcp_ssh.audit.chain import Link, seal
from mcp_ssh.audit.disk.logfile import LogFile
from mcp_ssh.audit.keys import AuditKey
from mcp_ssh.audit.record import Event, Form, before_it_happens, check, endings, fields_of
from mcp_ssh.audit.redact import redact
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.ports import Clock

write_wait_s = 10.0
note_wait_s = 0.02
most_waiting = 10_000
most_owed = 1_000
open_attempts = 10
checkpoint_every = 500


@dataclass(frozen=True, slots=True)
class Options:
    """How the log is kept. `sync_always`: endings are on the disk as well before they are said to be written.

    `sends_on` is given the lines of each write, in the worker thread; it must not block and must not raise.
    """

    rotate_bytes: int = 104_857_600
    sync_always: bool = False
    key: AuditKey | None = None
    shows_command: bool = True
    sends_on: Callable[[Sequence[str]], None] | None = None


@dataclass(slots=True)
class _Pending:
    event: Event
    fields: Mapping[str, object]
    wall: float
    done: Future[None] = field(default_factory=Future)


class AuditLog:
    """An `AuditSink` on one file; an async context. Every append tries anew: it is well again when the disk is."""

    def __init__(
        self, path: str, clock: Clock, known_secrets: Callable[[], Sequence[str]], options: Options = Options()
    ) -> None:
        self._path = path
        self._clock = clock
        self._known_secrets = known_secrets
        self._options = options
        self._pending: deque[_Pending] = deque()
        self._owed: deque[_Pending] = deque(maxlen=most_owed)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._file: LogFile | None = None
        self._last = Link()
        self._since_checkpoint = checkpoint_every
        self._log = structlog.get_logger("mcp_ssh.audit")

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().run_in_executor(self._worker, self._make_folder)
        await self.append(Event.LOG_OPEN, {"pid": os.getpid(), "software": f"mcp-ssh {__version__}"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._worker, self._drain)
        await loop.run_in_executor(self._worker, self._close)
        self._worker.shutdown(wait=False)

    async def append(self, event: str, fields: Mapping[str, object]) -> None:
        """Return when the record is written. Raises `AuditUnavailableError`, also if the disk does not answer."""
        pending = self._queue(event, fields)
        self._worker.submit(self._drain)
        try:
            # A caller that is cancelled leaves its record behind: what was asked is written all the same.
            async with asyncio.timeout(write_wait_s):
                await asyncio.shield(asyncio.wrap_future(pending.done))
        except TimeoutError:
            raise self._unavailable(f"its disk has not answered for {write_wait_s:g} s") from None

    def note(self, event: str, fields: Mapping[str, object]) -> None:
        """Write a record in its turn, without waiting: with the next one, or in a moment if none comes.

        If that fails, the next command hears of it, and is not run.
        """
        try:
            self._queue(event, fields).done.add_done_callback(self._noted)
        except AuditUnavailableError as error:
            self._log.error("audit_unavailable", reason=error.message, record=event)
            return
        asyncio.get_running_loop().call_later(note_wait_s, self._write_notes)

    def _write_notes(self) -> None:
        if self._pending:  # nobody wrote them along since
            with suppress(RuntimeError):  # closed meanwhile: then it is written already
                self._worker.submit(self._drain)

    def _noted(self, done: "Future[None]") -> None:
        error = done.exception()
        if error is not None:
            self._log.error("audit_unavailable", reason=str(error))

    def _queue(self, event: str, fields: Mapping[str, object]) -> _Pending:
        check(fields)  # here, so that one caller's mistake fails no other's record
        if len(self._pending) >= most_waiting:
            raise self._unavailable(f"{most_waiting} records wait for its disk")
        pending = _Pending(Event(event), fields, self._clock.wall())
        self._pending.append(pending)
        return pending

    # --- in the worker thread

    def _make_folder(self) -> None:
        """Once, at the start: a folder that goes later took the evidence with it, and nothing runs until it is back."""
        try:
            os.makedirs(os.path.dirname(self._path) or ".", mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        except OSError as error:
            raise self._unavailable(error.strerror or str(error)) from None

    def _drain(self) -> None:
        """Write all that is pending."""
        batch = []
        while self._pending:
            batch.append(self._pending.popleft())
        if not batch:
            return
        try:
            self._write([*self._owed, *batch])
        except OSError as error:
            self._close()
            self._owed.extend(pending for pending in batch if pending.event in endings)
            failure = self._unavailable(error.strerror or str(error))
            for pending in batch:
                pending.done.set_exception(failure)
        except Exception as error:  # noqa: BLE001  the edge of a thread: whoever waits must hear of it
            for pending in batch:
                pending.done.set_exception(error)
        else:
            self._owed.clear()
            for pending in batch:
                pending.done.set_result(None)

    def _unavailable(self, reason: str) -> AuditUnavailableError:
        return AuditUnavailableError(
            f"the audit log {self._path} cannot be written: {reason}",
            hint="make room on its disk or mend the path in settings.audit_log; until then nothing runs",
        )

    def _write(self, batch: Sequence[_Pending]) -> None:
        with self._held() as file:
            if file.is_device or file.size < self._options.rotate_bytes:
                self._append(file, batch)
                return
            self._append(file, [_Pending(Event.ROTATE, {"reason": "goes on in a new file"}, batch[0].wall)])
            file.move_away(self._last)
        with self._held() as file:
            self._append(file, batch)

    @contextmanager
    def _held(self) -> Iterator[LogFile]:
        """The file that the path leads to, locked; another process may rotate it in the very moment."""
        for _ in range(open_attempts):
            if self._file is None:
                self._file = LogFile(self._path, self._options.key, self._last)
            with self._file.locked():
                if self._file.is_still_there():
                    yield self._file
                    return
            self._close()
        raise OSError(0, "it is moved away again and again")

    def _append(self, file: LogFile, batch: Sequence[_Pending]) -> None:
        tail = file.end()
        last, lines = tail.link, list[str]()
        notes = [_Pending(event, {"reason": reason}, batch[0].wall) for event, reason in tail.notes]
        for pending in (*notes, *batch):
            last = self._seal(lines, pending, last)
        last = self._with_checkpoint(lines, batch, last)
        needs_sync = self._options.sync_always or any(pending.event in before_it_happens for pending in batch)
        file.append(("\n" if tail.is_open else "") + "".join(f"{line}\n" for line in lines), last, sync=needs_sync)
        self._last = last
        if self._options.sends_on is not None:
            self._options.sends_on(lines)

    def _with_checkpoint(self, lines: list[str], batch: Sequence[_Pending], last: Link) -> Link:
        key = self._options.key
        if key is None:
            return last
        self._since_checkpoint += len(lines)
        if self._since_checkpoint < checkpoint_every and all(each.event is not Event.ROTATE for each in batch):
            return last
        self._since_checkpoint = 0
        fields = {"key": key.id, "mark": key.sign(last)}
        return self._seal(lines, _Pending(Event.CHECKPOINT, fields, batch[-1].wall), last)

    def _seal(self, lines: list[str], pending: _Pending, last: Link) -> Link:
        known, key = self._known_secrets(), self._options.key
        form = Form(
            lambda text: redact(text, known),
            key.command_hmac if key is not None else None,
            self._options.shows_command,
        )
        line, link = seal(fields_of(pending.event, pending.fields, pending.wall, form), last)
        lines.append(line)
        return link

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
