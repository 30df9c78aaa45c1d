"""The hash chain: each record carries the hash of the one before it, so that no line changes, goes or comes unseen.

The hash is SHA-256 over the canonical line without its own `hash`, the previous hash and the number included. A plain
chain shows every change by somebody who cannot recompute what follows; whoever can rewrite the whole file is not
stopped by it, and a cut tail shows only against a head that was kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcp_ssh.audit.record import Event, line_of, order

genesis = "0" * 64


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number and hash of its last record."""

    seq: int = 0
    hash: str = genesis


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. `line` counts from 1 and names the first bad line."""

    ok: bool
    records: int
    line: int = 0
    reason: str = ""


def seal(fields: Mapping[str, object], last: Link) -> tuple[str, Link]:
    """The line of a record behind `last`, and the new end of the chain."""
    whole = {**fields, "seq": last.seq + 1, "prev": last.hash}
    ordered = {name: whole[name] for name in order if name in whole}
    body = line_of(ordered)
    digest = hashlib.sha256(body.encode("ascii")).hexdigest()
    return f'{body[:-1]},"hash":"{digest}"}}', Link(last.seq + 1, digest)


def verify(lines: Iterable[str]) -> Report:
    """Check a whole log, line by line, without line ends."""
    last, torn, records, number = Link(), "", 0, 0
    for number, line in enumerate(lines, 1):
        record = _parsed(line)
        if record is None and not torn:
            torn = line  # a crash tears a line; the record behind it must tell of exactly this one
            continue
        fault = "not a record" if record is None else _fault(line, record, last) or _torn_fault(record, torn)
        if fault or record is None:
            return Report(ok=False, records=records, line=number, reason=fault)
        last, torn, records = Link(last.seq + 1, str(record["hash"])), "", records + 1
    if torn:
        return Report(ok=False, records=records, line=number, reason="the last line is torn, and no record tells of it")
    return Report(ok=True, records=records)


def recovery_reason(torn: bytes) -> str:
    """What the record behind a torn line says of it; `verify` compares."""
    return f"the line before was torn by a crash: {len(torn)} bytes, sha256 {hashlib.sha256(torn).hexdigest()}"


def end_of(line: str) -> Link | None:
    """The link that a line is, if it is a record whose own hash holds."""
    record = _parsed(line)
    if record is None or _digest(line) != record.get("hash"):
        return None
    seq, digest = record.get("seq"), record.get("hash")
    return Link(seq, digest) if isinstance(seq, int) and isinstance(digest, str) else None


def _fault(line: str, record: Mapping[str, object], last: Link) -> str:
    if _digest(line) != record.get("hash"):
        return "its content does not match its hash"
    if record.get("prev") != last.hash:
        return "it does not follow the record before it"
    if record.get("seq") != last.seq + 1:
        return f"its number is {record.get('seq')}, expected was {last.seq + 1}"
    return ""


def _torn_fault(record: Mapping[str, object], torn: str) -> str:
    told = record.get("reason") if record.get("event") == Event.RECOVER else ""
    expected = recovery_reason(torn.encode("utf-8", "surrogateescape")) if torn else ""
    if told == expected:
        return ""
    return (
        "the line before is no record, and this one does not tell of it" if torn else "it tells of a line that is gone"
    )


def _parsed(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _digest(line: str) -> str:
    body, found, rest = line.rpartition(',"hash":"')
    if not found or len(rest) != 66 or not rest.endswith('"}'):  # noqa: PLR2004  64 hex digits and the end
        return ""
    return hashlib.sha256(f"{body}}}".encode("utf-8", "surrogateescape")).hexdigest()
