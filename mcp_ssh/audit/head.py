"""The head file: the last record's number and hash, kept beside the log, so that a cut tail shows.

It is one line of a fixed size, written over in place after each write of the log, and never ahead of it. Whoever can
write it can cut the log and the head alike, unless the head is signed with a key; an older copy of both is still well
signed. What is sent to another machine (`audit.also`, a note of `mcp-ssh audit verify`) shows that.
"""

import json
from dataclasses import dataclass

from mcp_ssh.audit.chain import Link
from mcp_ssh.audit.keys import AuditKey

suffix = ".head"
size_bytes = 512


@dataclass(frozen=True, slots=True)
class Head:
    """What a head file tells: the end of the chain, and a mark with the id of the key that made it, if any did."""

    link: Link
    key: str = ""
    mark: str = ""

    def is_of(self, key: AuditKey) -> bool:
        """Whether that key made it."""
        return self.key == key.id and key.is_of(self.link, self.mark)


def text_of(link: Link, key: AuditKey | None) -> bytes:
    """The content of a head file."""
    fields: dict[str, object] = {"v": 1, "seq": link.seq, "hash": link.hash}
    if key is not None:
        fields |= {"key": key.id, "mark": key.sign(link)}
    return json.dumps(fields, separators=(",", ":")).ljust(size_bytes - 1).encode("ascii") + b"\n"


def head_of(data: bytes) -> Head | None:
    """What a head file says; None if it is none, such as one that a crash left half written."""
    try:
        told = json.loads(data)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    seq, digest = told.get("seq"), told.get("hash")
    if not isinstance(seq, int) or not isinstance(digest, str):
        return None
    return Head(Link(seq, digest), str(told.get("key", "")), str(told.get("mark", "")))
