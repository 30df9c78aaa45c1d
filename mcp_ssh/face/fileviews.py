"""What a model sees of files: content as text or base64, names that cannot be mistaken, what was written or moved."""

import base64
import stat
from datetime import UTC, datetime
from typing import Any

from mcp_types import CallToolResult

from mcp_ssh.face.fileschemas import DirectoryList, FileDone, FilePart
from mcp_ssh.face.frame import in_frame
from mcp_ssh.face.hygiene import clean
from mcp_ssh.face.views import key_notes, reply
from mcp_ssh.model.files import (
    Entry,
    Facts,
    FileResult,
    Kind,
    ListResult,
    ReadResult,
    TransferResult,
    WriteResult,
    most_inline_bytes,
    named,
)
from mcp_ssh.service.pipeline import Done

_types = {Kind.FILE: stat.S_IFREG, Kind.FOLDER: stat.S_IFDIR, Kind.LINK: stat.S_IFLNK, Kind.OTHER: 0}


def of_read(done: Done[ReadResult]) -> CallToolResult:
    """A part of a file."""
    result, facts = done.result, done.result.facts
    assert facts is not None  # noqa: S101  what was read was looked at
    raw = result.data.decode("utf-8") if result.is_text else ""
    content = clean(raw) if result.is_text else base64.b64encode(result.data).decode("ascii")
    encoding, notes = "text" if result.is_text else "base64", _notes(done)
    if result.is_text and content != raw:
        notes.append("some characters are shown in another form (CR LF as LF, invisible ones); base64 gives the bytes")
    if result.scrubbed:
        notes.append(f"{result.scrubbed} known secret{'s were' if result.scrubbed > 1 else ' was'} taken out")
    told = _present(
        {
            "size": facts.size,
            "mode": _mode(facts.mode),
            "owner": facts.owner,
            "modified": _time(facts.mtime),
            "sha256": result.sha256,
        }
    )
    view = FilePart(
        host=done.session.host.name,
        path=named(result.path),
        content=content,
        next_offset=result.next_offset,
        facts=told | {"offset": result.offset, "encoding": encoding},
        notes=notes,
    )
    end = "to its end" if view.next_offset is None else f"more from offset {view.next_offset} on"
    head = f"{view.host}: {view.path}, {_listed(told)}"
    part = f"{encoding} of {result.size} bytes from offset {result.offset}, {end}"
    lines = [head, part, *notes, *(in_frame(view.host, file=content) or ["nothing is in it"])]
    return reply(view, "\n".join(lines))


def of_list(done: Done[ListResult]) -> CallToolResult:
    """Names of a folder, as many as an answer holds."""
    result, page = done.result, done.result.page
    rows, lines, chars = list[dict[str, Any]](), list[str](), 0
    for entry in page.entries:
        row = _row(entry)
        line = _line(row, entry.facts)
        chars += len(line)
        if chars > most_inline_bytes and rows:
            break
        rows.append(row)
        lines.append(line)
    after = result.offset + len(rows)
    notes = _notes(done)
    if any(str(row["name"]).startswith("$'") for row in rows):
        notes.append("names in $'…' are written as a shell has them, since something in them cannot be seen")
    if page.is_cut:
        notes.append(f"the folder has more than the {page.total} names that were counted; ssh_run finds one by name")
    view = DirectoryList(
        host=done.session.host.name,
        path=named(result.path),
        entries=rows,
        total=page.total,
        next_offset=after if after < page.total else None,
        notes=notes,
    )
    what = f"{len(rows)} of {page.total} names" if result.is_folder else "a single file"
    more = [f"more from offset {view.next_offset} on"] if view.next_offset is not None else []
    body = in_frame(view.host, names="\n".join(lines))
    return reply(view, "\n".join([f"{view.host}: {view.path}, {what}", *more, *notes, *body]))


def of_written(done: Done[WriteResult], *, appended: bool) -> CallToolResult:
    """A file that was written."""
    result = done.result
    facts = _present({"bytes": result.size, "mode": _mode(result.mode), "sha256": result.sha256})
    view = _done_view(done, facts)
    did = "created" if result.created else "appended" if appended else "replaced"
    lines = [f"{view.host}: {view.path} {did}, {_listed(facts)}", *view.notes]
    return reply(view, "\n".join(lines))


def of_transferred(done: Done[TransferResult], direction: str) -> CallToolResult:
    """A file that was moved."""
    result = done.result
    facts = {"bytes": result.size, "sha256": result.sha256, "seconds": round(result.seconds, 2)}
    view = _done_view(done, facts | {"local": named(result.local)})
    here, did = f"{named(result.local)} here", "created" if result.created else "replaced"
    way = f"{view.path} to {here}" if direction == "download" else f"{here} to {view.path}"
    return reply(view, "\n".join([f"{view.host}: {direction} of {way} ({did}), {_listed(facts)}", *view.notes]))


def _done_view(done: "Done[WriteResult] | Done[TransferResult]", facts: dict[str, Any]) -> FileDone:
    result = done.result
    return FileDone(
        host=done.session.host.name,
        path=named(result.path),
        facts=facts | {"created": result.created},
        notes=_notes(done),
    )


def _listed(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _present(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in {None, ""}}


def _notes(done: "Done[ReadResult] | Done[ListResult] | Done[WriteResult] | Done[TransferResult]") -> list[str]:
    result: FileResult = done.result
    return [*key_notes(done.session.connection.peer.host_key, first=done.first), *result.notes]


def _row(entry: Entry) -> dict[str, Any]:
    facts = entry.facts
    row = {"name": named(entry.name), "kind": facts.kind.value, "size": facts.size}
    return row | _present(
        {
            "mode": _mode(facts.mode),
            "modified": _time(facts.mtime),
            "target": entry.target and named(entry.target),
        }
    )


def _line(row: dict[str, Any], facts: Facts) -> str:
    letters = stat.filemode(_types[facts.kind] | (facts.mode or 0))
    arrow = f" -> {row['target']}" if "target" in row else ""
    return f"{letters} {row['size']:>10} {row.get('modified', '-'):20} {row['name']}{arrow}"


def _mode(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:04o}"


def _time(mtime: int | None) -> str | None:
    if mtime is None or not 0 <= mtime < 253_402_300_800:  # noqa: PLR2004  the year 10000
        return None
    return datetime.fromtimestamp(mtime, UTC).isoformat().replace("+00:00", "Z")
