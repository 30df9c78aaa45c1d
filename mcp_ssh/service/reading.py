"""Reading on in an output: by place, its end, or the lines that fit a pattern."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import inline_chars
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.background import Background

longest_wait_s = 300.0
match_timeout_s = 5.0
most_tail_lines = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """Which part is wanted: from a byte or a line on (the first is 1), the last lines, or those that fit a pattern."""

    stream: Stream = Stream.STDOUT
    offset: int = 0
    tail: int | None = None
    grep: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part of an output. `offset` and `next_offset` are None where lines were picked.

    `omitted` bytes at the beginning of the output were dropped; `next_line` is given where it was read by line.
    """

    run: Activity
    data: bytes
    offset: int | None
    next_offset: int | None
    total: int
    notes: Sequence[str] = ()
    omitted: int = 0
    next_line: int | None = None


class Reader:
    """Reads what is kept. Touches no host."""

    def __init__(self, background: Background) -> None:
        self._background = background

    async def read(self, caller: Caller, handle: str, place: Place, wait_s: float = 0.0) -> ReadPart:
        """A part of the output, after the command's end or that many seconds. Raises `InvalidArgumentError`."""
        run = self._background.named(caller, handle)
        pattern = _pattern(place)
        if not 0 <= wait_s <= longest_wait_s:
            raise InvalidArgumentError(f"wait {wait_s:g} is not within 0 and {longest_wait_s:g} seconds")
        await self._background.wait(run, wait_s)
        kept, stream = run.kept, place.stream
        total, omitted, notes = kept.total(stream), kept.omitted(stream), _missing(kept, stream)
        if pattern is not None:
            found, cut = await asyncio.to_thread(_grep, run.kept, place, pattern)
            if cut:
                notes.append(f"only the first lines that fit are here: {inline_chars} characters; narrow the pattern")
            return ReadPart(run, found, None, None, total, notes, omitted)
        if place.tail is not None:
            lines = await asyncio.to_thread(_tail, run.kept, place.stream, place.tail)
            return ReadPart(run, lines, None, None, total, notes, omitted)
        start = place.offset if place.line is None else kept.offset_of(stream, place.line - 1)
        offset = max(start, omitted)
        data = kept.read(stream, offset, inline_chars)
        next_line = None
        if place.line is not None:
            data = _whole_lines(data, is_all=run.task is None and offset + len(data) >= total)
            ends = data.count(b"\n")
            next_line = max(place.line, kept.lines_omitted(stream) + 1) + ends if ends else None
        after = offset + len(data)
        is_over = run.task is None and after >= total
        return ReadPart(run, data, offset, None if is_over else after, total, notes, omitted, next_line)

    def handles(self, caller: Caller) -> tuple[str, ...]:
        """The handles of the commands whose output the caller can read, the newest first."""
        return tuple(each.handle for each in self._background.readable_by(caller) if isinstance(each, Run))


def _pattern(place: Place) -> "regex.Pattern[bytes] | None":
    if place.line is not None and (place.line < 1 or place.offset):
        raise InvalidArgumentError("lines count from 1 on, and either `line` or `offset` is given")
    if place.offset < 0 or (place.tail is not None and not 0 < place.tail <= most_tail_lines):
        raise InvalidArgumentError(f"offset counts bytes from 0 on, tail lines from 1 to {most_tail_lines}")
    if place.grep is None:
        return None
    try:
        return regex.compile(place.grep.encode("utf-8", "surrogateescape"))
    except regex.error as error:
        raise InvalidArgumentError(f"grep is not a regular expression: {error}") from None


def _grep(kept: Kept, place: Place, pattern: "regex.Pattern[bytes]") -> tuple[bytes, bool]:
    """The lines that fit, as many as an answer shows, and whether there are more."""
    found: deque[bytes] = deque(maxlen=place.tail)
    size = 0
    try:
        for line in kept.lines(place.stream):
            if pattern.search(line, timeout=match_timeout_s) is None:
                continue
            size += len(line) + 1
            if size > inline_chars and place.tail is None:
                return b"\n".join(found), True
            found.append(line)
    except TimeoutError:
        raise InvalidArgumentError("the pattern takes too long on this output", hint="give a simpler one") from None
    return b"\n".join(found)[-inline_chars:], False


def _tail(kept: Kept, stream: Stream, lines: int) -> bytes:
    return b"\n".join(deque(kept.lines(stream), maxlen=lines))[-inline_chars:]


def _whole_lines(data: bytes, *, is_all: bool) -> bytes:
    """Without the beginning of a line whose rest is still to come; a line that is longer than an answer is cut."""
    cut = data.rfind(b"\n") + 1
    return data if is_all or not cut else data[:cut]


def _missing(kept: Kept, stream: Stream) -> list[str]:
    missing = kept.missing[stream]
    omitted = kept.omitted(stream)
    notes = [f"the first {omitted} bytes were dropped to make room for the newest"] if omitted else []
    return notes + ([f"{missing} bytes after these were not kept: the disk was full"] if missing else [])
