"""A kept output as one text for a reader without tools: how its command stands, its beginning, and how to read on."""

import codecs

from mcp_ssh.face.answers import ending_of, framed, notes_of
from mcp_ssh.face.hygiene import Shown, clean, one_line
from mcp_ssh.model.result import inline_stderr_chars
from mcp_ssh.service.activity import Run
from mcp_ssh.service.reading import ReadPart

_middles = bytes(range(0x80, 0xC0))
"""Bytes that begin no character of UTF-8."""


def of_output(stdout: ReadPart, stderr: ReadPart) -> str:
    """The beginning of both outputs of a command, or of what is left of them; stdout only where it is text."""
    run = stdout.run
    result = run.result if isinstance(run, Run) else None
    ending = ending_of(result) if result is not None else run.state.value
    is_shown = is_text(stdout)
    out = _whole_chars(stdout.data, stdout) if is_shown else stdout.data
    parts = out, _whole_chars(stderr.data[:inline_stderr_chars], stderr)
    lines = [f"{run.host}: {ending}", *(notes_of(result) if result is not None else []), *stdout.notes]
    if not is_shown:
        lines.append(f"its stdout is no text: {len(out)} bytes of it are beside this, as they are")
    if is_shown or parts[1]:
        lines += framed(run.host, _shown(out if is_shown else b""), _shown(parts[1]))
    for part, reading, which in zip(parts, (stdout, stderr), ("", " and stream stderr"), strict=True):
        after = (reading.offset or 0) + len(part)
        if after < reading.total:
            lines.append(f"more of its {reading.total} bytes: ssh_read {run.handle} with offset {after}{which}")
    if run.error is not None:
        lines.insert(1, f"{run.error.code}: {one_line(run.error.message)}")
    if run.task is not None:
        lines.append(f"it goes on: ssh_read {run.handle} with `wait` tells its end")
    return "\n".join(lines)


def is_text(part: ReadPart) -> bool:
    """Whether it is UTF-8, as far as one sees; at either end a character may be cut."""
    data = part.data.lstrip(_middles) if part.omitted else part.data
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=part.next_offset is None)
    except UnicodeDecodeError:
        return False
    return True


def _shown(data: bytes) -> Shown:
    return Shown(clean(data.decode("utf-8", "surrogateescape")), 0)


def _whole_chars(data: bytes, part: ReadPart) -> bytes:
    """The bytes without the beginning of a character at their end, where it goes on behind it."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    decoder.decode(data)
    begun = len(decoder.getstate()[0])
    return data[: len(data) - begun] if begun and (part.offset or 0) + len(data) < part.total else data
