"""asciicast v2: a header, then a line an event (docs.asciinema.org/manual/asciicast/v2). Pure.

A player takes text, so bytes that are no UTF-8 are shown as U+FFFD; a character that is cut by a chunk's end waits for
the next.
"""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass

version = 2


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `timestamp`: seconds since the epoch."""

    width: int
    height: int
    timestamp: int
    title: str
    term: str = ""

    def line(self) -> str:
        """As it stands in the file."""
        fields: dict[str, object] = {
            "version": version,
            "width": self.width,
            "height": self.height,
            "timestamp": self.timestamp,
            "title": self.title,
        }
        return json.dumps(fields | ({"env": {"TERM": self.term}} if self.term else {})) + "\n"


class Events:
    """The lines of what a terminal showed, `seconds` after its beginning."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")

    def output(self, seconds: float, data: bytes, *, ends: bool = False) -> str:
        """The line for some output; empty if it makes no character yet."""
        text = self._decode.decode(data, ends)
        return json.dumps([round(seconds, 6), "o", text]) + "\n" if text else ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was shown, that many seconds after the beginning."""

    seconds: float
    text: str


def header_of(line: str) -> Header:
    """The first line of a file. Raises `ValueError` if it is none of ours."""
    told = json.loads(line)
    if not isinstance(told, dict) or told.get("version") != version:
        raise ValueError("not an asciicast of version 2")
    return Header(
        int(told.get("width", 80)),
        int(told.get("height", 24)),
        int(told.get("timestamp", 0)),
        str(told.get("title", "")),
    )


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """What was shown, in order; a last line that a crash cut is the end."""
    for line in lines:
        try:
            seconds, kind, text = json.loads(line)
        except (ValueError, TypeError):
            return
        if kind == "o" and isinstance(text, str):
            yield Event(float(seconds), text)
