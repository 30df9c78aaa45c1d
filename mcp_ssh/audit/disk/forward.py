"""Records sent on to where others keep them: stderr, for container log drivers, and the system's log.

The disk is the record. What is sent on has a thread and a bounded queue of its own, so that a reader who is slow holds
nobody up; what the queue cannot hold is counted, and the count is sent when there is room again.
"""

import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from logging import INFO, LogRecord
from logging.handlers import SysLogHandler
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import structlog

most_waiting = 10_000
most_datagram_bytes = 8_000
"""What syslog daemons take in one message; rsyslog's default is 8 kB."""


class Way(Protocol):
    """One place that lines are sent on to."""

    def send(self, line: str) -> None:
        """Send a line. Raises `OSError`."""
        ...

    def close(self) -> None:
        """Nothing more is sent."""
        ...


sockets = ("/dev/log", "/var/run/syslog")


class Forward:
    """Sends lines on, in order. A context; on exit what waits is given a moment."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="audit-forward")
        self._is_told = False
        self._log = structlog.get_logger("mcp_ssh.audit")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown(wait=True)
        for way in self._ways:
            way.close()

    def __call__(self, lines: Sequence[str]) -> None:
        """Send these; returns at once."""
        for line in lines:
            if len(self._waiting) >= most_waiting:
                self._lost += 1
            else:
                self._waiting.append(line)
        self._worker.submit(self._drain)

    def _drain(self) -> None:
        while self._waiting:
            line = self._waiting.popleft()
            for way in self._ways:
                self._sent(way, line)
        if lost := self._lost:
            self._lost -= lost
            for way in self._ways:
                self._sent(way, f'{{"event":"forward.lost","records":{lost}}}')

    def _sent(self, way: Way, line: str) -> None:
        try:
            way.send(line)
        except OSError as error:
            if not self._is_told:  # once: a log that is away is no reason to fill another
                self._log.error("audit_not_sent_on", reason=error.strerror or str(error))
            self._is_told = True
        else:
            self._is_told = False


class Stderr:
    """One line a record on stderr."""

    def send(self, line: str) -> None:
        """Write it."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Others write there as well."""


class Syslog:
    """The system's log, facility `auth`, under the name `mcp-ssh`; a record longer than a datagram is cut."""

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._handler: _Handler | None = None

    def send(self, line: str) -> None:
        """Send it."""
        if self._handler is None:
            found = next((each for each in sockets if Path(each).exists()), sockets[0])
            self._handler = _Handler(self._address or found)
        text = line if len(line) <= most_datagram_bytes else line[:most_datagram_bytes] + "[cut]"
        self._handler.emit(LogRecord("mcp-ssh", INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Close the socket."""
        if self._handler is not None:
            self._handler.close()


class _Handler(SysLogHandler):
    """Fails aloud: the standard one prints a traceback to stderr instead."""

    def __init__(self, address: str) -> None:
        super().__init__(address=address, facility=SysLogHandler.LOG_AUTH)
        self.ident = "mcp-ssh: "

    def handleError(self, record: LogRecord) -> None:  # noqa: N802  the name is the library's
        """In the handler of what went wrong."""
        del record
        raise  # noqa: PLE0704
