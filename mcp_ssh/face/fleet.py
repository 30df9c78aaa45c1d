"""What a model sees of a command on many hosts: equal answers once, the most frequent first, and who differs."""

import secrets
from collections.abc import Sequence

from mcp_types import CallToolResult

from mcp_ssh.face.answers import endings
from mcp_ssh.face.hygiene import Shown, clean, one_line, shown
from mcp_ssh.face.schemas import FleetGroup, FleetResult
from mcp_ssh.face.views import reply
from mcp_ssh.model.state import State
from mcp_ssh.service.fleet import Fleet, Row, told

output_chars, most_chars = 12_000, 8_000
"""How much of all outputs an answer shows, shared by the different answers that are shown at length."""
shown_groups, line_chars = 20, 60
"""So many different answers are shown at length; of each further one the beginning, in a line."""
named_hosts = 12
"""So many hosts of a group are named in its line; the structured answer has all."""


def of_fleet(fleet: Fleet) -> CallToolResult:
    """What came of it until now."""
    groups = _groups(fleet)
    limit = min(most_chars, output_chars // max(1, min(shown_groups, len(groups))))
    views = [_view(rows, limit if at < shown_groups else line_chars) for at, rows in enumerate(groups)]
    running, waiting = sorted(fleet.runs), fleet.waiting
    view = FleetResult(
        task=fleet.handle if fleet.is_told else None,
        state=fleet.state.value,
        total=len(fleet.hosts),
        groups=[group for group, _ in views],
        running=running or None,
        waiting=waiting or None,
        notes=_notes(fleet),
    )
    word = _word([output.text for _, outputs in views for output in outputs])
    lines = [_head(fleet), *view.notes]
    for number, (group, outputs) in enumerate(views[:shown_groups]):
        lines += _group_lines(group, outputs, word, differs=number > 0)
    lines += _in_short(views[shown_groups:], word)
    return reply(view, "\n".join(lines), is_error=fleet.state is State.UNKNOWN)


def progress_of_fleet(fleet: Fleet, since: int) -> tuple[float, float, str]:
    """How many of how many hosts are over, and what came of those since then."""
    new = list(fleet.rows.values())[since:]
    said = ", ".join(f"{row.host}: {told(row)}" for row in new[-5:])
    more = f"{len(new) - 5} more, " if len(new) > 5 else ""  # noqa: PLR2004  as above
    return len(fleet.rows), len(fleet.hosts), f"{fleet.handle}: {more}{said}" if said else fleet.handle


def _groups(fleet: Fleet) -> list[list[Row]]:
    """The rows that are equal, the largest group first; within one, and among equals, in the order of the hosts."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for host in fleet.hosts:
        if (row := fleet.rows.get(host.name)) is not None:
            groups.setdefault(row.answer, []).append(row)
    return sorted(groups.values(), key=len, reverse=True)


def _view(rows: Sequence[Row], limit: int) -> tuple[FleetGroup, tuple[Shown, Shown]]:
    first = rows[0]
    result, error = first.result, first.error
    stdout = stderr = Shown("", 0)
    if result is not None:
        stderr = shown(result.stderr, limit // 3)
        stdout = shown(result.stdout, limit - len(stderr.text))
    handles = {row.host: row.handle for row in rows if row.handle is not None}
    view = FleetGroup(
        hosts=[row.host for row in rows],
        outcome=_outcome(first),
        exit_code=result.exit_code if result is not None else None,
        error=error.code if error is not None else None,
        message=_message(first),
        stdout=stdout.text if result is not None else None,
        stderr=stderr.text if result is not None else None,
        handles=handles or None,
    )
    return view, (stdout, stderr)


def _outcome(row: Row) -> str:
    if row.result is not None:
        return row.result.outcome.value
    return "unknown" if row.error is not None and row.error.sent else "not_run"


def _message(row: Row) -> str | None:
    """What else is to be said of it."""
    if row.error is not None:
        hint = f"\nhint: {row.error.hint}" if row.error.hint else ""
        return clean(row.error.message) + hint
    result = row.result
    if result is None:
        return "cancelled before anything was sent"
    ended = endings[result.ended] if result.ended is not None else None
    for text in (result.device_error, result.question, result.lost.message if result.lost else None, ended):
        if text is not None:
            return one_line(text)
    return None


def _group_line(group: FleetGroup, *, differs: bool = False) -> str:
    """How many hosts, what came of them, and who they are."""
    count = len(group.hosts)
    which = f"{count} host{'s' if count != 1 else ''}{' differ' if differs and count != 1 else ''}"
    what = group.error or (f"exit {group.exit_code}" if group.exit_code is not None else group.outcome)
    names = ", ".join(group.hosts[:named_hosts]) + (f" and {count - named_hosts} more" if count > named_hosts else "")
    return f"{which}: {what}: {names}"


def _group_lines(group: FleetGroup, outputs: tuple[Shown, Shown], word: str, *, differs: bool) -> list[str]:
    lines = [_group_line(group, differs=differs)]
    if group.message is not None:
        lines.append(f"  {group.message}".replace("\n", "\n  "))
    for name, part in zip(("stdout", "stderr"), outputs, strict=True):
        if part.text:
            lines += [f"--- {name} [{word}]", part.text.removesuffix("\n"), f"--- end of {name} [{word}]"]
    if group.handles:
        handle = next(iter(group.handles.values()))
        whose = "its output is" if len(group.hosts) == 1 else "their outputs are"
        lines.append(
            f"  {whose} longer: ssh_read {handle} gives all" + (" of the first" if len(group.hosts) > 1 else "")
        )
    return lines


def _in_short(views: Sequence[tuple[FleetGroup, tuple[Shown, Shown]]], word: str) -> list[str]:
    """Each further answer in a line; what hosts said stands in a frame here as well."""
    if not views:
        return []
    rows = [
        f"{_group_line(group)}: {one_line(stdout.text or stderr.text)[:line_chars]}"
        for group, (stdout, stderr) in views
    ]
    return [f"{len(views)} more answers, each in a line [{word}]", *rows, f"--- end of answers [{word}]"]


def _head(fleet: Fleet) -> str:
    over, total = len(fleet.rows), len(fleet.hosts)
    good = sum(row.is_good for row in fleet.rows.values())
    return f"{fleet.state.value}: {over} of {total} hosts are over, {good} of them did it, in {fleet.age_s:.1f} s"


def _notes(fleet: Fleet) -> list[str]:
    notes = []
    if fleet.stopped_by:
        notes.append(f"it stopped after {fleet.stopped_by}, which did not do it")
    if fleet.task is not None:
        notes.append(f"running now: {len(fleet.runs)}, waiting for their turn: {len(fleet.waiting)}")
        notes.append(f"it goes on: ssh_task {fleet.handle} tells more, ssh_cancel ends it")
    elif fleet.waiting:
        notes.append(f"not asked: {len(fleet.waiting)}, {', '.join(fleet.waiting[:named_hosts])}")
    return notes


def _word(inside: Sequence[str]) -> str:
    """A random word that nothing inside of the frames can know."""
    word = secrets.token_hex(4)
    while any(word in text for text in inside):
        word = secrets.token_hex(4)
    return word
