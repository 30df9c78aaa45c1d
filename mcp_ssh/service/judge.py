"""Steps 1 to 4: what is found out about a request before anything is recorded or sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Decision, Verdict
from mcp_ssh.model.host import Host
from mcp_ssh.policy.decide import decide
from mcp_ssh.ports import Resolver
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.authorize import authorize


class Configured(Protocol):
    """Whoever holds the current configuration."""

    @property
    def current(self) -> Snapshot:
        """The snapshot that is in force now."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A request with all that was found about it. `addresses` are those that may be dialled, and no others."""

    request: Request
    host: Host
    addresses: Sequence[str]
    verdict: Verdict | None
    decision: Decision


class Judge:
    """Carries a request through the four steps under the configuration that is in force."""

    def __init__(self, configuration: Configured, resolver: Resolver) -> None:
        self._configuration = configuration
        self._resolver = resolver
        self._guards: dict[Host, Guard] = {}
        self._guards_of: Snapshot | None = None

    async def judge(self, request: Request) -> Judged:
        """All four steps. No packet goes to the host. Raises what `authorize` and the resolver raise."""
        host = self.authorized(request)
        addresses = await self._resolver.resolve(host.address, host.port)
        return self.decided(request, host, addresses)

    def authorized(self, request: Request) -> Host:
        """Step 1 alone."""
        snapshot = self._configuration.current
        return authorize(request, snapshot.inventory, snapshot.settings)

    def decided(self, request: Request, host: Host, addresses: Sequence[str]) -> Judged:
        """Steps 3 and 4."""
        verdict = None
        if request.command is not None:
            verdict = self._guard(host).classify(request.command.text, host=host.name)
        return Judged(request, host, addresses, verdict, decide(request, host, verdict))

    def _guard(self, host: Host) -> Guard:
        """The guard of a host: patterns are compiled once a configuration, not once a command."""
        snapshot = self._configuration.current
        if snapshot is not self._guards_of:
            self._guards_of, self._guards = snapshot, {}
        guard = self._guards.get(host)
        if guard is None:
            settings = snapshot.settings
            patterns = (*settings.deny_patterns, *host.deny_patterns)
            guard = Guard.build(builtin=settings.builtin_deny, patterns=patterns, shell=host.shell)
            self._guards[host] = guard
        return guard
