"""A part of a file as an answer shows it: exact, but for known secrets. Pure."""

import codecs
from dataclasses import dataclass

from mcp_ssh.audit.scrub import Needles, mark

base64_share = 3, 4
"""How many bytes stand in how many characters of base64."""
control_share = 1, 16
"""What has more control characters than this part is no text: each would be shown by four."""
_controls = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r\f\v\b\x1b")


@dataclass(frozen=True, slots=True)
class FilePart:
    """`length`: how many bytes of the file it stands for. `is_text`: it is UTF-8 and without a NUL."""

    data: bytes
    length: int
    has_more: bool
    is_text: bool
    scrubbed: int


def part_of(around: bytes, start: int, size: int, needles: Needles, *, as_base64: bool) -> FilePart:
    """The `size` bytes from `start` on, out of bytes that reach as far to both sides as a secret is long, and one more.

    A character is not cut; what is shown as base64 is cut shorter, so that it takes no more room.
    """
    wanted = around[start : start + size]
    is_text = not as_base64 and _whole_chars(wanted) is not None
    kept = _whole_chars(wanted) if is_text else wanted[: size * base64_share[0] // base64_share[1] or 1]
    assert kept is not None  # noqa: S101  text is cut at a character
    data, scrubbed = _scrubbed(around, start, start + len(kept), needles)
    return FilePart(data, len(kept), len(around) > start + len(kept), is_text, scrubbed)


def _whole_chars(data: bytes) -> bytes | None:
    """The bytes up to the last whole character, if they are text; None if not."""
    controls = len(data) - len(data.translate(None, _controls))
    if b"\0" in data or controls * control_share[1] > len(data) * control_share[0]:
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return None
    held = decoder.getstate()[0]
    whole = data[: len(data) - len(held)]
    return whole if whole or not data else None


def _scrubbed(around: bytes, start: int, end: int, needles: Needles) -> tuple[bytes, int]:
    """The bytes between two places; a secret that lies there in part is taken out in part, and counted."""
    pattern = needles.pattern if needles.look() else None
    parts, at, count, place = list[bytes](), start, 0, 0
    while pattern is not None and (found := pattern.search(around, place)) is not None:
        place = found.end()
        if found.end() > start and found.start() < end:
            parts += [around[at : max(at, found.start())], mark]
            at, count = min(found.end(), end), count + 1
    return b"".join([*parts, around[at:end]]), count
