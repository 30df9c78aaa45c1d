"""Which records somebody wants to see, and how one reads as a line."""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Record = Mapping[str, object]

_rest = {
    "decision": "{}",
    "command": "`{}`",
    "action": "{}",
    "outcome": "{}",
    "exit_code": "exit {}",
    "signal": "SIG{}",
    "duration_ms": "{} ms",
    "bytes": "{} bytes",
    "confirmed_by": "confirmed by {}",
    "approval": "{}",
    "address": "{}",
    "jump": "through {}",
    "user": "as {}",
    "path": "{}",
    "real_path": "at {}",
    "local": "here {}",
    "requests": "{} requests",
    "reason": "{}",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. Globs of names; `since` and `until` as records write times, the first in, the last out."""

    host: str | None = None
    principal: str | None = None
    event: str | None = None
    decision: str | None = None
    since: str | None = None
    until: str | None = None
    text: str | None = None

    def takes(self, record: Record) -> bool:
        """Whether the record is one of them."""
        stamp = str(record.get("ts", ""))
        return (
            all(_fits(record, name, glob) for name, glob in self._globs())
            and (self.since is None or stamp >= self.since)
            and (self.until is None or stamp < self.until)
            and (self.text is None or any(self.text.lower() in str(value).lower() for value in record.values()))
        )

    def _globs(self) -> Iterator[tuple[str, str]]:
        for name in ("host", "principal", "event", "decision"):
            glob = getattr(self, name)
            if glob is not None:
                yield name, glob


def _fits(record: Record, name: str, glob: str) -> bool:
    return fnmatch.fnmatchcase(str(record.get(name, "")), glob)


def as_line(record: Record) -> str:
    """The record as a person reads it; its text is not cleaned."""
    ts = str(record.get("ts", ""))[:19].replace("T", " ")
    words = [ts, str(record.get("event", "?")).ljust(13)]
    words += [str(record[name]) for name in ("principal", "host") if record.get(name)]
    words += [form.format(_told(record[name])) for name, form in _rest.items() if record.get(name) not in (None, "")]
    rules = record.get("rules")
    if isinstance(rules, list) and rules:
        words.append(f"[{', '.join(map(str, rules))}]")
    return "  ".join(words)


def _told(value: object) -> object:
    return " > ".join(map(str, value)) if isinstance(value, list) else value
