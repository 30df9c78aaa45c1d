"""The way to each host: which others it is reached through, from the names under `jump`.

A list that a host has itself is its way. Without one it has that of the defaults, and a host that stands there has the
part before itself: nobody is reached through himself. The first host of a list is reached by its own way, as with ssh.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_ssh.config.check import Checker
from mcp_ssh.config.lines import Path
from mcp_ssh.model.host import Host, Shell, Way

most_hops = 8


@dataclass(frozen=True, slots=True)
class Jumps:
    """Ties hosts together; faults go to the checker. `entries` are all hosts of the file, those with faults as well."""

    checker: Checker
    default: Sequence[str]
    entries: Mapping[str, Any]
    hosts: Mapping[str, Host]

    def tied(self) -> dict[str, Host]:
        """The hosts, each with the way to it."""
        self._check(("defaults", "jump"), "", self.default)
        good = {name for name in self.entries if self._is_good(name)}
        return {name: self._tied(name) if name in good else host for name, host in self.hosts.items()}

    def _listed(self, name: str) -> tuple[Sequence[str], Path]:
        """The names on the list of a host, and where that stands. A list with faults of its own is none."""
        entry = self.entries.get(name)
        own = entry.get("jump") if isinstance(entry, Mapping) else None
        if own is not None:
            good = isinstance(own, list) and all(isinstance(each, str) for each in own)
            return own if good else (), ("hosts", name, "jump")
        if isinstance(entry, Mapping) and entry.get("connect") == "tunnel":
            return (), ("hosts", name, "jump")  # it dials in
        if name in self.default:
            return self.default[: self.default.index(name)], ("defaults", "jump")
        return self.default, ("defaults", "jump")

    def _is_good(self, name: str) -> bool:
        """Whether all that is on the list can be gone through, and ends nowhere where it began."""
        names, path = self._listed(name)
        if not names:
            return True
        if not self._check(path, name, names):
            return False
        words = self._wrong_way(name) or self._wrong_host(name, path)
        if words:
            self.checker.add(path if path[0] == "hosts" else ("hosts", name), words)
        return not words

    def _check(self, path: Path, name: str, names: Sequence[str]) -> bool:
        told = [self._wrong(name, each, names[:place]) for place, each in enumerate(names)]
        for place, words in enumerate(told):
            if words:
                self.checker.add((*path, place), words)
        return not any(told)

    def _wrong(self, name: str, hop: str, before: Sequence[str]) -> str:
        if hop == name:
            return "a host is not reached through itself; `jump: []` switches jump hosts off"
        if hop not in self.entries:
            near = difflib.get_close_matches(hop, list(self.entries), n=1)
            return f"there is no host {hop!r}" + (f", did you mean {near[0]!r}?" if near else "")
        if hop in before:
            return f"{hop!r} stands twice"
        return self._unfit(self.hosts.get(hop))

    @staticmethod
    def _unfit(hop: Host | None) -> str:
        """Why a host carries nobody; one with other faults is not looked at."""
        if hop is None:
            return ""
        if not hop.enabled:
            return f"{hop.name!r} is disabled, so nothing goes through it"
        if hop.shell is Shell.CLI or hop.way is Way.COMMAND:
            return f"{hop.name!r} is a cli host; only posix hosts are jump hosts"
        if hop.way not in {Way.ASYNCSSH, Way.TUNNEL}:
            return f"{hop.name!r} has `transport: {hop.way}`; only with asyncssh is a host a jump host"
        return ""

    def _wrong_host(self, name: str, path: Path) -> str:
        """Why the host itself is reached through nobody."""
        host = self.hosts.get(name)
        if host is None or host.way in {Way.ASYNCSSH, Way.TUNNEL}:
            return ""
        instead = (
            "write ProxyJump for it into ssh's own configuration"
            if host.way is Way.OPENSSH
            else "its program finds the way by itself"
        )
        off = "" if path[0] == "hosts" else " and `jump: []` here"
        return f"`jump` goes not with `transport: {host.way}`: {instead}{off}"

    def _wrong_way(self, name: str) -> str:
        """Why the whole way, with that to its first host, leads nowhere."""
        way = [*self._way(name, [name]), name]
        again = next((each for place, each in enumerate(way) if each in way[:place]), None)
        if again is not None:
            return f"the way goes in a circle: {' > '.join(way)}"
        if len(way) > most_hops + 1:
            return f"the way has {len(way) - 1} jump hosts, the limit is {most_hops}: {' > '.join(way)}"
        return ""

    def _way(self, name: str, seen: Sequence[str]) -> Iterator[str]:
        """All names on the way, the first that is dialled first; up to where it meets itself."""
        names, _ = self._listed(name)
        if names and names[0] not in seen and names[0] in self.entries:
            yield from self._way(names[0], [*seen, names[0]])
        yield from names

    def _tied(self, name: str) -> Host:
        host, names = self.hosts[name], self._listed(name)[0]
        if not names or any(each not in self.hosts for each in names):
            return host
        jump = self._tied(names[0])
        for each in names[1:]:
            jump = replace(self.hosts[each], jump=jump)
        return replace(host, jump=jump)
