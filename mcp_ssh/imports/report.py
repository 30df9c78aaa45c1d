"""What an import makes, and what it tells."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """The parts of a hosts.yaml, and notes of what changed on the way and what was left behind.

    `ways` are the jump hosts of a host, as they were written.
    """

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def host(self, name: str, entry: Mapping[str, Any]) -> None:
        """One host; a name that hosts.yaml does not take is changed, one that is taken already is left."""
        own = host_name(name)
        if own != name:
            self.changed.append(f"host {name!r} is called {own!r}: names have letters, digits, . _ -")
        if own in self.hosts:
            self.left.append(f"host {name!r}: another one has that name")
            return
        self.hosts[own] = {key: value for key, value in entry.items() if value not in (None, "", [], {})}

    def leave(self, where: str, data: Mapping[str, Any], known: Collection[str]) -> None:
        """Tell of keys that have no counterpart."""
        for key, value in data.items():
            if key not in known and value not in (None, "", [], {}, False):
                self.left.append(f"{where}: {key}")

    def document(self) -> dict[str, Any]:
        """As hosts.yaml has it."""
        parts = {
            "version": 1,
            "credentials": self.credentials,
            "hosts": self.hosts,
            "policy": self.policy,
            "tokens": self.tokens,
            "settings": self.settings,
        }
        return {key: value for key, value in parts.items() if value}


def host_name(text: str) -> str:
    """A name that hosts.yaml takes."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text.strip()).strip("-._")
    return plain[:100] or "host"


def variable(*words: str) -> str:
    """The name of an environment variable made of words."""
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_") or "SECRET"
