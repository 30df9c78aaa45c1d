"""Takes known secrets out of what a host puts out, wherever the chunks of it are cut.

Pure: bytes in, bytes out. What may be the beginning of a secret is held back until it is known; nothing else is.
"""

from collections.abc import Callable, Sequence

import re2

from mcp_ssh.audit.record import secret_mark

mark = secret_mark.encode("ascii")
shortest_bytes = 8
longest_bytes = 1_024
shortest_piece = 4
"""Of a secret that was cut off where output was left out: fewer bytes than these say nothing."""

Known = Callable[[], Sequence[str]]


class Needles:
    """What is looked for: the lines of all secrets that are long enough to be told from other words."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._seen: Sequence[str] | None = None
        self.values: tuple[bytes, ...] = ()
        self.pattern: re2._Regexp | None = None
        self._by_first: dict[int, list[bytes]] = {}
        self.longest = 0

    def look(self) -> bool:
        """Take what is known by now; whether there is anything to look for."""
        known = self._known()
        if known != self._seen:
            self._seen = known
            lines = {line.encode("utf-8", "surrogateescape")[:longest_bytes] for text in known for line in _lines(text)}
            self.values = tuple(sorted((line for line in lines if len(line) >= shortest_bytes), key=len, reverse=True))
            self.pattern = _any_of(self.values) if self.values else None
            self._by_first = {}
            for value in self.values:
                self._by_first.setdefault(value[0], []).append(value)
            self.longest = max(map(len, self.values), default=0)
        return self.pattern is not None

    def held_from(self, data: bytes, start: int) -> int:
        """The first place from which on the data may be the beginning of a secret; its end if there is none."""
        for place in range(max(start, len(data) - self.longest + 1), len(data)):
            values = self._by_first.get(data[place])
            if values is None:
                continue
            rest = data[place:]
            if any(value.startswith(rest) and value != rest for value in values):
                return place
        return len(data)


def _any_of(values: Sequence[bytes]) -> "re2._Regexp":
    """Linear however many there are; of those that begin at a place, the longest."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.max_mem = 64 * 1_048_576
    return re2.compile(b"|".join(map(re2.escape, values)), options)


def _lines(text: str) -> list[str]:
    """A terminal ends lines in its own way, so a secret of several lines is looked for by each."""
    return text.splitlines() or [text]


class Scrubber:
    """One stream. `count` is how many secrets were taken out."""

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._held = b""
        self.count = 0

    def feed(self, chunk: bytes) -> bytes:
        """The bytes that are clean by now."""
        if not self._needles.look():
            held, self._held = self._held, b""
            return held + chunk
        clean, self._held = self._cut(self._held + chunk, ends=False)
        return clean

    def finish(self) -> bytes:
        """What is still held: nothing more will come."""
        clean, _ = self._cut(self._held, ends=True)
        self._held = b""
        return clean

    def _cut(self, data: bytes, *, ends: bool) -> tuple[bytes, bytes]:
        pattern, parts, at = self._needles.pattern, list[bytes](), 0
        held = len(data) if ends else self._needles.held_from(data, at)
        while True:
            found = pattern.search(data, at) if pattern is not None else None
            if found is None or found.start() >= held:
                return b"".join([*parts, data[at:held]]), data[held:]
            parts += [data[at : found.start()], mark]
            at = found.end()
            self.count += 1
            if at > held:
                held = self._needles.held_from(data, at)


def scrubbed_text(text: str, needles: Needles) -> str:
    """A short text without secrets."""
    if not text or not needles.look():
        return text
    raw = Scrubber(needles)
    data = raw.feed(text.encode("utf-8", "surrogateescape")) + raw.finish()
    return data.decode("utf-8", "surrogateescape")


def without_end_piece(data: bytes, needles: Needles) -> bytes:
    """The bytes without a secret's beginning at their end, where the rest of it was left out."""
    for place in range(max(0, len(data) - needles.longest + 1), len(data) - shortest_piece + 1):
        if any(value.startswith(data[place:]) for value in needles.values):
            return data[:place] + mark
    return data


def without_start_piece(data: bytes, needles: Needles) -> bytes:
    """The bytes without a secret's end at their beginning, where the rest of it was left out."""
    for end in range(min(len(data), needles.longest - 1), shortest_piece - 1, -1):
        if any(value.endswith(data[:end]) for value in needles.values):
            return mark + data[end:]
    return data
