"""Whether a log is the one that was written: each line, the numbers, the chain, its checkpoints and its head.

Pure, and fast: a line is hashed and compared, and only what needs it is parsed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcp_ssh.audit.chain import Link, Place, place_of, recovery_reason
from mcp_ssh.audit.head import Head
from mcp_ssh.audit.keys import AuditKey
from mcp_ssh.audit.record import Event

_checkpoint = f'"event":"{Event.CHECKPOINT}"'.encode()
_recover = f'"event":"{Event.RECOVER}"'.encode()

Lines = Iterable[bytes]
most_torn_bytes = 1_048_576
"""More than one write ever is."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. `file` and `line` (from 1) name the first bad line, `last` the end of the good part.

    `signed` is the number of the last record that a checkpoint by the key covers, 0 without one. `torn` counts places
    that crashes tore and that a record tells of.
    """

    ok: bool
    records: int
    last: Link
    file: str = ""
    line: int = 0
    reason: str = ""
    signed: int = 0
    torn: int = 0


@dataclass(frozen=True, slots=True)
class Against:
    """What a log is held against: a head, links that were kept elsewhere, and a key."""

    head: Head | None = None
    known: Sequence[Link] = ()
    key: AuditKey | None = None


def verify(files: Iterable[tuple[str, Lines]], against: Against = Against()) -> Report:
    """Check the files of a log, the oldest first, line by line, without line ends."""
    check = _Check(against)
    name, number = "", 0
    for name, lines in files:
        for number, line in enumerate(lines, 1):
            fault = check.line(line)
            if fault:
                return check.report(name, number - check.torn_lines, fault)
        if check.torn:
            return check.report(name, number, "the last line is torn, and no record tells of it")
    fault = check.end()
    return check.report(name, number, fault) if fault else check.report()


class _Check:
    """The state of one verification."""

    def __init__(self, against: Against) -> None:
        self._key = against.key
        self._head = against.head
        self._known: dict[int, str] = {link.seq: link.hash for link in against.known}
        if against.head is not None:
            self._known.setdefault(against.head.link.seq, against.head.link.hash)
        self._last = Link()
        self._records = 0
        self._signed = 0
        self._torn = 0
        self.torn = b""
        self.torn_lines = 0

    def line(self, line: bytes) -> str:
        """What is wrong with the next line, or nothing."""
        place = place_of(line)
        if place is None:  # torn by a crash, perhaps: then the record behind it tells of exactly these bytes
            self.torn = self.torn + b"\n" + line if self.torn_lines else line
            self.torn_lines += 1
            return "" if len(self.torn) <= most_torn_bytes else "not a record"
        fault = self._fault(place) or self._content_fault(line)
        if not fault:
            self._last, self.torn, self.torn_lines = place.link, b"", 0
            self._records += 1
        return fault

    def _fault(self, place: Place) -> str:
        if not place.holds:
            return "its content does not match its hash"
        if place.seq != self._last.seq + 1:
            return _gap(self._last.seq, place.seq)
        if place.prev != self._last.hash:
            return "it does not follow the record before it"
        if self._known.get(place.seq, place.hash) != place.hash:
            return f"it is not the record {place.seq} that the head, or who kept its hash, tells of"
        return ""

    def _content_fault(self, line: bytes) -> str:
        record = _parsed(line) if self.torn_lines or _recover in line or _checkpoint in line else {}
        told = str(record.get("reason", "")) if record.get("event") == Event.RECOVER else ""
        if self.torn_lines:
            self._torn += 1
            return "" if told == recovery_reason(self.torn) else "not a record, and the next one does not tell of it"
        if told.startswith(_of_torn):
            return "it tells of a line that is gone"
        return self._checkpoint_fault(record) if record.get("event") == Event.CHECKPOINT else ""

    def _checkpoint_fault(self, record: Mapping[str, object]) -> str:
        if self._key is None or record.get("key") != self._key.id:
            return ""
        if not self._key.is_of(self._last, str(record.get("mark", ""))):
            return "a checkpoint that was not made with this key"
        self._signed = self._last.seq
        return ""

    def end(self) -> str:
        """What is wrong with the whole, or nothing."""
        latest = max(self._known, default=0)
        if latest > self._last.seq:
            missing = latest - self._last.seq
            whose = "the head file" if self._head and latest == self._head.link.seq else "who kept its hash"
            return f"{missing} record{'s' if missing > 1 else ''} missing at the end: {whose} tells of record {latest}"
        if self._key is None:
            return ""
        if self._head is not None and not self._head.is_of(self._key):
            return "the head file was not made with this key"
        return "" if self._signed or not self._records else "there is no checkpoint of this key"

    def report(self, file: str = "", line: int = 0, reason: str = "") -> Report:
        """What was found so far."""
        return Report(not reason, self._records, self._last, file, line, reason, self._signed, self._torn)


_of_torn = recovery_reason(b"").split(":")[0]


def _gap(last: int, seq: int) -> str:
    if last == 0:
        return f"it is record {seq}: the records before it are not here"
    return f"it is record {seq}, expected was {last + 1}"


def _parsed(line: bytes) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
