"""The guards of all hosts under one configuration, and what they said of the commands that come again and again."""

from collections import OrderedDict
from dataclasses import dataclass, field

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.decision import Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.safety.classify import Guard

most_kept = 128
"""Verdicts of one host."""
longest_kept = 1_000
"""In characters: of a longer command the verdict is not kept."""


@dataclass(slots=True)
class _Kept:
    guard: Guard
    verdicts: OrderedDict[tuple[str, str | None, str | None], Verdict] = field(default_factory=OrderedDict)


class Guards:
    """Patterns are compiled once a configuration; a verdict is a value of text, mode and directory alone."""

    def __init__(self) -> None:
        self._of: dict[Host, _Kept] = {}
        self._under: Snapshot | None = None

    def of(self, host: Host, snapshot: Snapshot) -> Guard:
        """The guard of a host under this configuration."""
        return self._kept(host, snapshot).guard

    def classify(
        self, host: Host, snapshot: Snapshot, command: str, mode: str | None = None, directory: str | None = None
    ) -> Verdict:
        """What the guard says, as `Guard.classify`; of a command that came a moment ago, what it said then."""
        kept = self._kept(host, snapshot)
        key = command, mode, directory
        verdict = kept.verdicts.get(key)
        if verdict is None:
            verdict = kept.guard.classify(command, host=host.name, mode=mode, directory=directory)
            if len(command) <= longest_kept:
                kept.verdicts[key] = verdict
        if len(kept.verdicts) > most_kept:
            kept.verdicts.popitem(last=False)
        return verdict

    def _kept(self, host: Host, snapshot: Snapshot) -> _Kept:
        if snapshot is not self._under:
            self._under, self._of = snapshot, {}
        kept = self._of.get(host)
        if kept is None:
            kept = self._of[host] = _Kept(_built(host, snapshot))
        return kept


def _built(host: Host, snapshot: Snapshot) -> Guard:
    settings = snapshot.settings
    return Guard.build(
        builtin=settings.builtin_deny,
        patterns=(*settings.deny_patterns, *host.deny_patterns),
        shell=host.shell,
        platform=host.platform or "",
    )
