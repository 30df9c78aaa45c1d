"""One record: one line of JSON, ASCII, with its fields in a fixed order and bounded."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

version = 1
max_text_chars = 4_096
max_command_chars = 65_536
cut_mark = "[cut]"

order = tuple(
    "v seq ts event id principal client tool session host address user host_key pinned command verdict rules decision "
    "override confirmed_by sent outcome exit_code signal ended duration_ms bytes truncated output_sha256 reason "
    "status path forwarded_for requests pid software prev".split()
)


class Event(StrEnum):
    """What a record is about."""

    LOG_OPEN = "log.open"
    RECOVER = "recover"
    DECIDED = "decided"
    OVERRIDE = "override"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SESSION_OPEN = "session.open"
    SESSION_CLOSE = "session.close"
    REFUSED = "request.refused"


def fields_of(event: str, fields: Mapping[str, object], wall: float, redact: Callable[[str], str]) -> dict[str, object]:
    """The fields of a record but for its place in the chain. Empty ones are left out, texts redacted and bounded."""
    stamp = datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    whole = {**fields, "v": version, "ts": stamp, "event": event}
    present = {name: whole[name] for name in order if whole.get(name) not in (None, "", [], ())}
    return {name: _bounded(name, value, redact) for name, value in present.items()}


def _bounded(name: str, value: object, redact: Callable[[str], str]) -> object:
    if not isinstance(value, str):
        return value
    limit = max_command_chars if name == "command" else max_text_chars
    text = redact(value) if name in {"command", "reason"} else value
    return text if len(text) <= limit else text[:limit] + cut_mark


def check(fields: Mapping[str, object]) -> None:
    """Raise `KeyError` for a field that has no place in `order`: a record is a promise, not a bag."""
    unknown = set(fields) - set(order)
    if unknown:
        raise KeyError(f"unknown audit fields: {', '.join(sorted(unknown))}")


def line_of(fields: Mapping[str, object]) -> str:
    """The canonical text of a record, without a line end."""
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
