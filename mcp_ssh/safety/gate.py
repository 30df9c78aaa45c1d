"""The bytes gate: what a person would not see, or a terminal would act on, has no place in a command.

The bytes that were judged are the bytes that run, so nothing is cleaned here: it is refused.
"""

import unicodedata
from collections.abc import Iterator

from mcp_ssh.model.decision import Finding, Level
from mcp_ssh.model.host import Shell

_bidi = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_allowed = {Shell.POSIX: frozenset("\n\t"), Shell.CLI: frozenset("\n")}
_suggestion = "type the command again in plain characters"


def gate(command: str, shell: Shell) -> Iterator[Finding]:
    """One finding for each kind of hidden character, at its first place."""
    if command.isascii() and command.isprintable():
        return
    seen: set[str] = set()
    allowed = _allowed[shell]
    for position, char in enumerate(command):
        if char in allowed or (char.isascii() and char.isprintable()):
            continue
        rule = _rule(char)
        if rule is not None and rule not in seen:
            seen.add(rule)
            yield _finding(rule, position, char)


def homoglyph(word: str, start: int) -> Finding | None:
    """A letter that is none of ASCII in a command's name: it looks like another program's."""
    for offset, char in enumerate(word):
        if not char.isascii() and _rule(char) is None:
            return _finding("bytes.homoglyph", start + offset, char)
    return None


def _finding(rule: str, position: int, char: str) -> Finding:
    name = unicodedata.name(char, "")
    reason = f"{_words[rule]} U+{ord(char):04X}{f' ({name.lower()})' if name else ''}"
    return Finding(rule, Level.DANGEROUS, reason, (position, position + 1), _suggestion)


_words = {
    "bytes.control": "the command holds the control character",
    "bytes.bidi": "the command holds a character that changes the reading direction:",
    "bytes.invisible": "the command holds the invisible character",
    "bytes.space": "the command holds a blank that shells do not take for one:",
    "bytes.homoglyph": "the program's name holds a letter that only looks like another:",
}


def _rule(char: str) -> str | None:
    category = unicodedata.category(char)
    if char in _bidi:
        return "bytes.bidi"
    if category == "Cc":
        return "bytes.control"
    if category in {"Zs", "Zl", "Zp"}:
        return "bytes.space"
    # Format, surrogate, private and unassigned characters, tags among them; variation selectors draw nothing either.
    if category in {"Cf", "Cs", "Co", "Cn"} or 0xFE00 <= ord(char) <= 0xFE0F:  # noqa: PLR2004
        return "bytes.invisible"
    return None
