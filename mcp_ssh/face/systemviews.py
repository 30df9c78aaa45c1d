"""What a model sees of machines, services and packages."""

from datetime import UTC, datetime

from mcp_types import CallToolResult, TextContent

from mcp_ssh.face.answers import of_answer
from mcp_ssh.face.frame import in_frame
from mcp_ssh.face.hygiene import one_line
from mcp_ssh.face.systemschemas import ChangeRow, FactRow, Installed, ServiceStatus, SystemInfo
from mcp_ssh.face.views import reply
from mcp_ssh.service.facts import Fact, Value
from mcp_ssh.service.installs import Installation
from mcp_ssh.service.keptfacts import kept_s
from mcp_ssh.service.packages import Versions
from mcp_ssh.service.system import ServiceState, Surveyed

_units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_step = 1024.0


def of_survey(surveyed: Surveyed) -> CallToolResult:
    """The facts with their sources, and when they were told."""
    told = surveyed.told
    view = SystemInfo(
        host=surveyed.host,
        as_of=datetime.fromtimestamp(told.wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        age_seconds=round(surveyed.age_s, 1),
        fresh=surveyed.is_fresh,
        facts={fact.name: FactRow(value=_clean(fact.value), source=fact.source) for fact in told.facts or ()},
        notes=[one_line(note) for note in told.notes],
    )
    age = "asked just now" if view.fresh else f"told {view.age_seconds:.0f} s ago; refresh: true asks again"
    kept = f", kept for {kept_s:g} s" if view.fresh and not view.notes else ""
    facts = "\n".join(_fact_line(fact) for fact in told.facts or ())
    head = f"{view.host}: as of {view.as_of}, {age}{kept}"
    return reply(view, "\n".join([head, *view.notes, *in_frame(view.host, facts=facts)]))


def _clean(value: Value) -> object:
    match value:
        case str():
            return one_line(value)
        case list():
            return [
                {key: _clean(part) for key, part in each.items()} if isinstance(each, dict) else each for each in value
            ]
        case _:
            return value


def _fact_line(fact: Fact) -> str:
    return f"{fact.name.removesuffix('_seconds')}: {_told(fact.name, fact.value)}  ({fact.source})"


def _told(name: str, value: Value) -> str:
    match value:
        case str():
            return one_line(value)
        case dict():
            return ", ".join(f"{key.removesuffix('_bytes')} {_size(size)}" for key, size in value.items())
        case list():
            return ", ".join(_row(each) if isinstance(each, dict) else f"{each:g}" for each in value)
        case _:
            return _duration(int(value)) if name.endswith("_seconds") else str(value)


def _row(row: dict[str, str | int]) -> str:
    """A disk or an address."""
    if "mount" not in row:
        return one_line(f"{row['interface']} {row['address']}")
    size, available = int(row["size_bytes"]), int(row["available_bytes"])
    return f"{one_line(str(row['mount']))} {_size(available)} free of {_size(size)}"


def _size(size: int) -> str:
    amount, unit = float(size), 0
    while abs(amount) >= _step and unit < len(_units) - 1:
        amount, unit = amount / _step, unit + 1
    return f"{amount:.1f} {_units[unit]}" if unit else f"{size} B"


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"{days} d {rest // 3600:02d}:{rest // 60 % 60:02d} h"


def of_service(state: ServiceState) -> CallToolResult:
    """One service: whether it is there, runs, and starts by itself."""
    unit = state.unit
    view = ServiceStatus(
        host=state.host,
        service=state.name,
        init=state.init,
        exists=unit.exists,
        active=unit.is_active,
        state=one_line(unit.state),
        enabled=one_line(unit.enabled),
        pid=unit.pid,
        since=one_line(unit.since),
        description=one_line(unit.description),
        notes=[one_line(note) for note in state.notes],
    )
    return reply(view, "\n".join([f"{view.host}: {view.service} {_state(view)}", *view.notes]))


def _state(view: ServiceStatus) -> str:
    if view.exists is None:
        return "is not known: nobody there could tell"
    if not view.exists:
        return f"does not exist ({view.init})"
    active = {True: "is active", False: "is not active", None: "may be active or not"}[view.active]
    parts = [f"{active}: {view.state}" if view.state else active]
    parts += [view.enabled] if view.enabled else []
    parts += [f"pid {view.pid}"] if view.pid is not None else []
    parts += [f"since {view.since}"] if view.since and view.active else []
    return f"{', '.join(parts)} ({view.init}){f'  {view.description}' if view.description else ''}"


def of_installation(installation: Installation) -> CallToolResult:
    """What is installed now that was not before, and the command that did it."""
    answered = of_answer(installation.answer) if installation.answer is not None else None
    said = (answered.structured_content or {}) if answered is not None else {}
    notes = [*map(one_line, installation.notes), *said.get("notes", [])]
    view = Installed(
        host=installation.host,
        manager=installation.manager,
        changes=[ChangeRow(package=name, before=before, after=after) for name, before, after in _changes(installation)],
        before=_versions(installation.before),
        after=None if installation.after is None else _versions(installation.after),
        outcome=said.get("outcome"),
        exit_code=said.get("exit_code"),
        handle=said.get("handle"),
        stdout=said.get("stdout", ""),
        stderr=said.get("stderr", ""),
        notes=notes,
    )
    lines = [f"{view.host}: {_told_changes(view)} ({view.manager})", *map(one_line, installation.notes)]
    if answered is not None:
        lines += [block.text for block in answered.content if isinstance(block, TextContent)]
    return reply(view, "\n".join(lines), is_error=answered is not None and answered.is_error)


def _versions(versions: Versions) -> dict[str, str]:
    return {name: one_line(version) for name, version in versions.items()}


def _changes(installation: Installation) -> list[tuple[str, str | None, str | None]]:
    return [
        (name, before and one_line(before), after and one_line(after)) for name, before, after in installation.changes
    ]


def _told_changes(view: Installed) -> str:
    if view.changes:
        return "; ".join(
            f"{row.package} {row.before or 'not installed'} -> {row.after or 'not installed'}" for row in view.changes
        )
    there = ", ".join(f"{name} {version}" for name, version in view.before.items())
    if view.after is None:
        return f"what is installed now is not known; before: {there or 'none of it'}"
    return f"nothing is changed; {f'installed: {there}' if there else 'none of it is installed'}"
