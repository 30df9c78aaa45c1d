"""The lines of an ssh_config file: a keyword and its words, as OpenSSH cuts them (readconf.c, misc.c: argv_split)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_keyword = re.compile(r'[ \t\r]*"?([^\s="#]+)"?[ \t]*(?:=[ \t]*)?')

raw_keywords = frozenset({"proxycommand", "localcommand", "remotecommand", "knownhostscommand"})
"""Whose value is the rest of the line as it stands, for a shell."""


class LineError(ValueError):
    """A line that ssh would not take; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `keyword` is in lower case, `written` as it stands; `words` are what is behind it."""

    file: str
    number: int
    keyword: str
    written: str
    words: tuple[str, ...]

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.file}:{self.number}"


def lines_of(text: str, file: str) -> Iterator[Line | tuple[int, LineError]]:
    """Every setting of a file in its order; a line that is none comes as its number and what is wrong with it."""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip(" \t\r\n\f")
        if not line.strip() or line.lstrip()[0] == "#":
            continue
        try:
            yield _line(line, number, file)
        except LineError as error:
            yield number, error


def _line(line: str, number: int, file: str) -> Line:
    found = _keyword.match(line)
    if found is None:
        raise LineError("no keyword")
    written, rest = found[1], line[found.end() :]
    keyword = written.lower()
    if not rest:
        raise LineError(f"{written} has no value")
    words = (rest.strip(),) if keyword in raw_keywords else tuple(split(rest))
    if not words:
        raise LineError(f"{written} has no value")
    return Line(file, number, keyword, written, words)


def split(text: str) -> list[str]:
    """Words with their quotes taken off; `#` at the beginning of one ends the line. Raises `LineError`."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        if text[at] == "#":
            break
        word, at = _word(text, at)
        words.append(word)
    return words


def _word(text: str, at: int) -> tuple[str, int]:
    """The word that begins there, and where it ends."""
    made, quote = list[str](), ""
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "\\" and (following in {"'", '"', "\\"} or (not quote and following == " ")):
            made.append(following)
            at += 1
        elif not quote and char in " \t":
            break
        elif not quote and char in {'"', "'"}:
            quote = char
        elif quote and char == quote:
            quote = ""
        else:
            made.append(char)
        at += 1
    if quote:
        raise LineError("a quote has no end")
    return "".join(made), at
