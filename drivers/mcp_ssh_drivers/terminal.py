"""Bytes of a terminal to text: lines that are final, and a short tail that is not.

Whatever is behind the last newline is the tail; everything before it is committed, never searched and never drawn
again, so the cost is linear however long an output is. A line is drawn as a whole, never piece by piece: escape
sequences and multi-byte characters cannot straddle a border, because there is none inside a line.

The drawing knows one line of infinite width: carriage return, backspace, cursor moves within the line, erasing. That
is what devices use to repaint prompts and to wipe pagers. Cursor moves to another line begin a new one. All other
sequences are dropped. There are no 8-bit controls: they would break UTF-8 and KOI8.
"""

import re

max_line_bytes = 65_536
"""A longer line is committed in pieces of this length."""

_controls = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_control_bytes = bytes(byte for byte in range(0x80) if _controls.match(chr(byte)))
_sequence = re.compile(
    r"\x1b(?:\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])?"  # CSI
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|[ -/]+[0-~]"  # charsets
    r"|(?P<plain>[0-~]))?"
)
_wipe = re.compile(r"(?:\x08+ +\x08+|\x08+\x1b\[K|\r +\r|\r?\x1b\[2?K\r?|\x1b\[[0-9;]*m|\x1b\[\?[0-9]+[hl])+")
"""How devices wipe a pager's line, at the very beginning of what follows it."""


class Terminal:
    """A stream of bytes as lines and a tail. `charset` is what bytes are that are no UTF-8; None shows them escaped."""

    def __init__(self, charset: str | None = None) -> None:
        self._charset = charset
        self._pending = bytearray()
        self._searched = 0
        self._wiped = False

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; gives the lines that became final, without their ends."""
        self._pending += chunk
        lines = self._plain_lines()
        while True:
            end = self._pending.find(b"\n", self._searched, max_line_bytes)
            if end < 0:
                if len(self._pending) < max_line_bytes:
                    self._searched = len(self._pending)
                    return lines
                lines += self._committed(max_line_bytes, max_line_bytes)
            else:
                lines += self._committed(end, end + 1)

    def _plain_lines(self) -> list[str]:
        """All complete lines at once where none has anything to draw, which is what long outputs are made of."""
        end = self._pending.rfind(b"\n") + 1
        if self._wiped or not 0 < end <= max_line_bytes:
            return []
        raw = bytes(self._pending[:end]).replace(b"\r\n", b"\n")
        if len(raw.translate(None, _control_bytes)) < len(raw):
            return []
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return []
        del self._pending[:end]
        self._searched = 0
        return text[:-1].split("\n")

    @property
    def tail(self) -> str:
        """What stands on the unfinished line now, as a person would see it."""
        return self._drawn(bytes(self._pending))[-1]

    @property
    def tail_bytes(self) -> int:
        """Bytes of the unfinished line, before drawing."""
        return len(self._pending)

    def drop_tail(self, *, wiped: bool = False) -> None:
        """Forget the unfinished line. `wiped`: the device will wipe it, and that is dropped as well."""
        self._pending.clear()
        self._searched = 0
        self._wiped = wiped

    def _committed(self, end: int, following: int) -> list[str]:
        raw = bytes(self._pending[:end])
        del self._pending[:following]
        self._searched = 0
        lines = self._drawn(raw.removesuffix(b"\r"))
        self._wiped = False
        return lines

    def _drawn(self, raw: bytes) -> list[str]:
        text = self._decoded(raw)
        if self._wiped:
            found = _wipe.match(text)
            text = text[found.end() :] if found else text
        return [text] if _controls.search(text) is None else draw(text)

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode(self._charset) if self._charset else raw.decode("utf-8", "backslashreplace")


def draw(text: str) -> list[str]:
    """Draw one line's text with its controls; several lines where the cursor left it."""
    pen = _Pen()
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\x1b":
            found = _sequence.match(text, position)
            assert found is not None  # noqa: S101  a lone escape matches
            pen.sequence(found)
            position = found.end()
            continue
        plain = _controls.search(text, position)
        end = plain.start() if plain else len(text)
        if end > position:
            pen.write(text[position:end])
            position = end
        else:
            pen.control(char)
            position += 1
    return pen.lines()


class _Pen:
    """One line of cells and a cursor."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._cells: list[str] = []
        self._at = 0

    def lines(self) -> list[str]:
        return [*self._done, "".join(self._cells)]

    def write(self, text: str) -> None:
        self._pad(self._at)
        self._cells[self._at : self._at + len(text)] = text
        self._at += len(text)

    def control(self, char: str) -> None:
        if char == "\r":
            self._at = 0
        elif char == "\b":
            self._at = max(0, self._at - 1)

    def sequence(self, found: re.Match[str]) -> None:
        if found["plain"] == "E":
            self._new_line()
        if found["final"] is not None:
            numbers = [int(part) for part in found["args"].split(";") if part.isdigit() and len(part) < 5]  # noqa: PLR2004
            self._control_sequence(found["final"], numbers)

    def _control_sequence(self, final: str, numbers: list[int]) -> None:
        count = max(1, numbers[0]) if numbers else 1
        match final:
            case "C":
                self._at += count
            case "D":
                self._at = max(0, self._at - count)
            case "G" | "`":
                self._at = count - 1
            case "K" | "J":
                self._erase(numbers[0] if numbers else 0)
            case "P":
                del self._cells[self._at : self._at + count]
            case "X":
                self._cells[self._at : self._at + count] = [" "] * len(self._cells[self._at : self._at + count])
            case "@":
                self._pad(self._at)
                self._cells[self._at : self._at] = [" "] * count
            case "H" | "f":
                self._move(numbers)
            case "L" | "B" | "E":
                self._new_line()
            case _:
                pass

    def _move(self, numbers: list[int]) -> None:
        """To another place of the screen: a new line, unless this one is still empty."""
        if "".join(self._cells).strip():
            self._new_line()
        self._at = max(0, numbers[1] - 1) if len(numbers) > 1 else 0

    def _erase(self, which: int) -> None:
        if which == 0:
            del self._cells[self._at :]
        elif which == 1:
            until = min(self._at + 1, len(self._cells))
            self._cells[:until] = [" "] * until
        else:
            self._cells.clear()

    def _new_line(self) -> None:
        self._done.append("".join(self._cells))
        self._cells.clear()
        self._at = 0

    def _pad(self, width: int) -> None:
        missing = width - len(self._cells)
        if missing > 0:
            self._cells += [" "] * missing
