"""One record: one line of JSON, ASCII, with its fields in a fixed order and bounded."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

version = 1
max_text_chars = 4_096
max_command_chars = 65_536
cut_mark = "[cut]"
secret_mark = "[redacted]"  # noqa: S105  what stands instead of one
_free_texts = frozenset({"command", "reason", "host", "path", "real_path", "local", "client", "session", "secret"})
"""What comes from outside as it is: whoever confuses two fields may have put a secret into any of them."""

order = tuple(
    "v seq ts event id principal client tool action session host address jump user host_key pinned recording command "
    "command_hmac secret verdict rules decision override confirmed_by approval sent outcome exit_code signal ended "
    "duration_ms bytes scrubbed truncated output_sha256 reason added removed changed status path real_path local "
    "forwarded_for requests key mark pid software prev".split()
)


class Event(StrEnum):
    """What a record is about."""

    LOG_OPEN = "log.open"
    RECOVER = "recover"
    ROTATE = "rotate"
    CHECKPOINT = "checkpoint"
    AUTH = "auth"
    CONNECT = "connect"
    DECIDED = "decided"
    OVERRIDE = "override"
    APPROVAL = "approval"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    FILE_READ = "file.read"
    FILE_WRITE = "file.write"
    ASKED = "asked"
    REFUSED = "request.refused"
    SESSION_OPEN = "session.open"
    SESSION_CLOSE = "session.close"
    RECORDING = "recording"
    RELOAD = "reload"
    INVENTORY = "inventory"
    IDENTITY = "identity"
    TUNNEL_OPEN = "tunnel.open"
    TUNNEL_CLOSE = "tunnel.close"
    TUNNEL_REFUSED = "tunnel.refused"


before_it_happens = frozenset(
    {
        Event.LOG_OPEN,
        Event.RECOVER,
        Event.ROTATE,
        Event.CONNECT,
        Event.DECIDED,
        Event.OVERRIDE,
        Event.INVENTORY,
        Event.IDENTITY,
    }
)
"""On the disk before what they tell of is done; the others are known to the kernel when they are said to be written."""

endings = frozenset(
    {
        Event.FINISHED,
        Event.FAILED,
        Event.CANCELLED,
        Event.FILE_READ,
        Event.FILE_WRITE,
        Event.SESSION_CLOSE,
        Event.TUNNEL_CLOSE,
    }
)
"""What has happened already: one that could not be written is written as soon as the disk is well again."""


class CommandText(str):
    """A command exactly as it was given, with the spans of the secrets in it, which are not shown."""

    __slots__ = ("secrets",)
    secrets: tuple[tuple[int, int], ...]

    def __new__(cls, text: str, secrets: Sequence[tuple[int, int]] = ()) -> Self:
        """The text with its spans, in order and apart."""
        made = super().__new__(cls, text)
        made.secrets = tuple(secrets)
        return made

    def shown(self, mark: str) -> str:
        """The text with that mark in place of each secret."""
        parts, at = list[str](), 0
        for start, end in self.secrets:
            parts += [self[at:start], mark]
            at = end
        return "".join([*parts, self[at:]])


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Form:
    """How texts are written: without secrets, and a command by its HMAC beside it or, if it is not shown, instead."""

    redact: Callable[[str], str] = _as_it_is
    command_hmac: Callable[[str], str] | None = None
    shows_command: bool = True


def fields_of(event: str, fields: Mapping[str, object], wall: float, form: Form) -> dict[str, object]:
    """The fields of a record but for its place in the chain. Empty ones are left out, texts redacted and bounded."""
    stamp = datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    whole = {**fields, "v": version, "ts": stamp, "event": event} | _command(fields.get("command"), form)
    present = {name: whole[name] for name in order if whole.get(name) not in (None, "", [], ())}
    return {name: _bounded(name, value, form.redact) for name, value in present.items()}


def _command(text: object, form: Form) -> dict[str, object]:
    if not isinstance(text, str) or not text:
        return {}
    shown = text.shown(secret_mark) if isinstance(text, CommandText) else text
    if form.command_hmac is None:
        return {"command": shown}
    return {"command": shown if form.shows_command else None, "command_hmac": form.command_hmac(text)}


def _bounded(name: str, value: object, redact: Callable[[str], str]) -> object:
    if not isinstance(value, str):
        return value
    limit = max_command_chars if name == "command" else max_text_chars
    text = redact(value) if name in _free_texts else value
    return text if len(text) <= limit else text[:limit] + cut_mark


def check(fields: Mapping[str, object]) -> None:
    """Raise `KeyError` for a field that has no place in `order`: a record is a promise, not a bag."""
    unknown = set(fields) - set(order)
    if unknown:
        raise KeyError(f"unknown audit fields: {', '.join(sorted(unknown))}")


def line_of(fields: Mapping[str, object]) -> str:
    """The canonical text of a record, without a line end."""
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
