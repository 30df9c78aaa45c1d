"""asciicast v2: a header, then a line an event (docs.asciinema.org/manual/asciicast/v2). Pure."""

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


def event_line(seconds: float, text: str) -> str:
    """The line for what a terminal showed that many seconds after its beginning."""
    return json.dumps([round(seconds, 6), "o", text]) + "\n"


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
    try:
        width, height, began = (int(told.get(name, 0)) for name in ("width", "height", "timestamp"))
    except TypeError:
        raise ValueError("its header holds something else than numbers") from None
    return Header(width, height, began, str(told.get("title", "")))


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """What was shown, in order; a last line that a crash cut is the end."""
    for line in lines:
        try:
            seconds, kind, text = json.loads(line)
            event = Event(float(seconds), str(text))
        except (ValueError, TypeError):
            return
        if kind == "o":
            yield event
