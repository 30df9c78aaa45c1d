"""Output of a host is untrusted: no escape sequence reaches the reply, and nothing in it is invisible.

What is removed: terminal escape sequences (ECMA-48 CSI, OSC, DCS, APC, PM, SOS and two-byte ones). What is made
visible as its code point: other control characters, bidirectional controls, zero-width and tag characters, and bytes
that are no UTF-8.
"""

import base64
import unicodedata
from dataclasses import dataclass

import regex

from mcp_ssh.model.result import Captured

exact_bytes = 16_384
"""Up to here output that is no UTF-8 is also given exactly, as base64."""

_escape = regex.compile(
    r"""\x1b (?: \[ [0-?]* [ -/]* [@-~]?            # CSI
              | [\]PX^_] (?: [^\x07\x1b\x9c]*+ (?:\x07|\x1b\\|\x9c)   # OSC, DCS, SOS, PM, APC with their text
                        | [^\x07\x1b\x9c\n]*+ )                       # without an end they take their line alone
              | [ -/]* [0-~]? )                     # two-byte and charset sequences
    """,
    regex.VERBOSE,
)
_hidden = regex.compile(r"(?<!\p{So}|\p{Sm}|[0-9#*])[\ufe0e\ufe0f]|(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}")
"""What is drawn as nothing, whatever its category; how a symbol is drawn may be said behind it."""
_written_over = regex.compile(r"[^\n]*\r(?=[^\r\n])")
_kept_controls = "\n\t"


@dataclass(frozen=True, slots=True)
class Shown:
    """An output as it is shown: clean text, and how many bytes of it are not in the text."""

    text: str
    left_out_bytes: int
    base64: str | None = None


def shown(output: Captured, limit_chars: int, *, terminal: bool = False) -> Shown:
    """The output as text of about `limit_chars` characters at most: head and tail, with a line between them.

    `terminal`: it was drawn on one, and lines are shown as they stood last.
    """
    draw = drawn_over if terminal else str
    raw = output.head + output.tail
    head, tail = _decode(output.head), _decode(output.tail)
    is_exact = output.omitted == 0 and len(raw) <= exact_bytes and not _is_utf8(raw)
    exact = base64.b64encode(raw).decode("ascii") if is_exact else None
    if output.omitted == 0 and len(head) <= limit_chars:
        return Shown(clean(draw(head)), 0, exact)
    if output.omitted == 0:
        tail = head
    keep = max(0, limit_chars * 2 // 3), max(0, limit_chars // 3)
    first, last = head[: keep[0]], tail[len(tail) - min(keep[1], len(tail)) :]
    left_out = output.total - len(_encode(first)) - len(_encode(last))
    return Shown(f"{clean(draw(first))}\n[... {left_out} bytes left out ...]\n{clean(draw(last))}", left_out, exact)


def drawn_over(text: str) -> str:
    """Lines as they stood last on a terminal: what a carriage return let be written over is progress, and gone."""
    return _written_over.sub("", text)


def clean(text: str) -> str:
    """Text without escape sequences, with everything invisible made visible. Line ends become LF."""
    plain = _escape.sub("", text).replace("\r\n", "\n")
    if plain.isascii() and plain.isprintable():
        return plain
    if not plain.isascii():
        plain = _hidden.sub(lambda found: "".join(_named(char) for char in found[0]), plain)
    return "".join(char if char in _kept_controls or _is_visible(char) else _named(char) for char in plain)


def one_line(text: str) -> str:
    """Clean text that adds no line of its own to what it stands in."""
    return clean(text).replace("\n", "\\n")


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _named(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  a byte that was no UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
