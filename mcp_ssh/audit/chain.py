"""The hash chain: each record carries the hash of the one before it, so that no line changes, goes or comes unseen.

The hash is SHA-256 over the canonical line without its own `hash`, the previous hash and the number included. The chain
goes on across rotated files. Whoever can rewrite the whole log can compute a plain chain anew: a key that is kept
elsewhere (see keys.py) or a head that was kept elsewhere shows that.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_ssh.audit.record import line_of, order

genesis = "0" * 64
_tail = re.compile(rb',"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}')
_head = re.compile(rb'\{"v":[0-9]{1,4},"seq":([0-9]{1,18}),')
_tail_bytes = len(',"prev":"","hash":""}') + 128
_hash_bytes = len(',"hash":""}') + 64


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number and hash of its last record."""

    seq: int = 0
    hash: str = genesis


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line says that it stands: its number, the hash before it and its own, which fits its content or not."""

    seq: int
    prev: str
    hash: str
    holds: bool

    @property
    def link(self) -> Link:
        """The chain up to here."""
        return Link(self.seq, self.hash)


def seal(fields: Mapping[str, object], last: Link) -> tuple[str, Link]:
    """The line of a record behind `last`, and the new end of the chain."""
    whole = {**fields, "seq": last.seq + 1, "prev": last.hash}
    ordered = {name: whole[name] for name in order if name in whole}
    body = line_of(ordered)
    digest = hashlib.sha256(body.encode("ascii")).hexdigest()
    return f'{body[:-1]},"hash":"{digest}"}}', Link(last.seq + 1, digest)


def place_of(line: bytes) -> Place | None:
    """Where a line stands, without its line end; None if it is no record.

    It takes no JSON parser: number and hashes stand at fixed places of a canonical line.
    """
    head, tail = _head.match(line), _tail.fullmatch(line, max(0, len(line) - _tail_bytes))
    if head is None or tail is None:
        return None
    digest = hashlib.sha256(line[:-_hash_bytes] + b"}").hexdigest()
    told = tail[2].decode()
    return Place(int(head[1]), tail[1].decode(), told, holds=digest == told)


def recovery_reason(torn: bytes) -> str:
    """What the record behind a torn line says of it; a verification compares."""
    return f"the line before was torn by a crash: {len(torn)} bytes, sha256 {hashlib.sha256(torn).hexdigest()}"
