"""What hosts told of themselves, kept for a while: bounded, and only as long as the host's entry is what it was."""

from dataclasses import dataclass

from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Policy
from mcp_ssh.ports import Clock
from mcp_ssh.service.facts import Fact
from mcp_ssh.service.survey import Kind

kept_s = 300.0
most_hosts = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a host told, and when: `at` by the clock, `wall` in UTC. `facts` is None where its kind alone was asked."""

    kind: Kind
    facts: tuple[Fact, ...] | None
    notes: tuple[str, ...]
    at: float
    wall: float


class KeptFacts:
    """All that is kept in this process, by host; what was told last is behind all others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, tuple[Host, Policy, Told]] = {}

    def told(self, kind: Kind, facts: tuple[Fact, ...] | None, notes: tuple[str, ...] = ()) -> Told:
        """What a host told just now."""
        return Told(kind, facts, notes, self._clock.now(), self._clock.wall())

    def keep(self, host: Host, policy: Policy, told: Told) -> Told:
        """Keep what the host told, under the entry and the policy that it was asked under."""
        self._told.pop(host.name, None)
        self._told[host.name] = (host, policy, told)
        if len(self._told) > most_hosts:
            del self._told[next(iter(self._told))]
        return told

    def get(self, host: Host, policy: Policy) -> Told | None:
        """What is known of the host, unless it is too old, or its entry or the policy is another one now."""
        found = self._told.get(host.name)
        if found is None:
            return None
        if (found[0], found[1]) != (host, policy) or self.age_s(found[2]) >= kept_s:
            del self._told[host.name]
            return None
        return found[2]

    def age_s(self, told: Told) -> float:
        """Seconds since it was told."""
        return self._clock.now() - told.at
