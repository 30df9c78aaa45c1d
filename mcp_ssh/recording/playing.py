"""What of a recording may reach the terminal of whoever watches it: what draws, and nothing that does more. Pure.

A host chose these bytes. Text, colours, movements and erasing pass; titles, clipboards, links, notifications, questions
that a terminal would answer as if they were typed, and modes that outlive the recording do not.
"""

import regex

_sequence = regex.compile(
    r"""(?:\x1b\[|\x9b) (?P<private>[<-?]?) (?P<numbers>[0-9;:]*) (?P<between>[ -/]*) (?P<final>[@-~])
      | (?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f]) [^\x07\x1b\x9c]*+ (?:\x07|\x1b\\|\x9c|$)?
      | \x1b [()] [0-~]
      | \x1b [78DEMc=>]
      | \x1b [ -/]* [0-~]?
      | [\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x9f]""",
    regex.VERBOSE,
)
_cut = regex.compile(
    r"""(?: (?:\x1b\[|\x9b) [<-?]? [0-9;:]* [ -/]*
          | (?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f]) [^\x07\x1b\x9c]*+ \x1b?
          | \x1b [()]?
          | \x1b [ -/]+ ) \Z""",
    regex.VERBOSE,
)
"""A sequence whose end has not come yet."""
_string_end = regex.compile(r"\x07|\x1b\\|\x9c|(?=\n)")
_hidden = regex.compile(r"[\p{Cf}\p{Default_Ignorable_Code_Point}--[\ufe0e\ufe0f]]", regex.V1)
_drawing = frozenset("ABCDEFGHIJKLMPSTXZ@`abdefm")
_modes = frozenset({"1049", "47", "1047", "25", "7"})
"""The other screen, the cursor, wrapping: what programs draw with. They are undone at the end."""
most_digits = 24
_single = frozenset({"\x1b7", "\x1b8", "\x1bD", "\x1bE", "\x1bM"})

undo = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[0m\x1b[?1049l\x1b[?25h\x1b[?7h\x1b(B\r\n"
"""Puts a terminal back."""


class Filter:
    """Takes text piece by piece; a sequence that is cut waits for the rest, up to a bound."""

    most_held = 4_096

    def __init__(self) -> None:
        self._held = ""
        self._skips = False

    def feed(self, text: str) -> str:
        """What may be shown."""
        if self._skips:
            text = self._behind_the_end(text)
        text = self._held + text
        cut = _cut.search(text)
        start = cut.start() if cut is not None else len(text)
        self._held = text[start:]
        if len(self._held) > self.most_held:  # a string without an end: all of it goes, up to that or the line's end
            self._held, self._skips = "", True
        return _hidden.sub("", _sequence.sub(_passed, text[:start]))

    def _behind_the_end(self, text: str) -> str:
        end = _string_end.search(text)
        if end is None:
            return ""
        self._skips = False
        return text[end.end() :]


def _passed(found: "regex.Match[str]") -> str:
    whole, final = found[0], found["final"]
    if final is None:
        return whole if whole in _single or (whole[:2] in {"\x1b(", "\x1b)"} and len(whole) == 3) else ""  # noqa: PLR2004  a character set
    if found["between"]:
        return ""
    numbers = found["numbers"]
    if len(numbers) > most_digits or (final == "J" and "3" in numbers) or (final == "T" and ";" in numbers):
        return ""  # what would take for ever, wipe what was there before, or follow the mouse
    if found["private"] == "?":
        return whole if final in "hl" and set(found["numbers"].split(";")) <= _modes else ""
    return whole if not found["private"] and final in _drawing else ""
