"""The daemon about itself: its hosts, its health."""

from dataclasses import dataclass

from mcp_ssh.model.host import Inventory
from mcp_ssh.model.principal import Principal
from mcp_ssh.ports import Clock
from mcp_ssh.service.authorize import known_host
from mcp_ssh.service.inventory import Capabilities, HostView, capabilities, listed
from mcp_ssh.service.judge import Configured
from mcp_ssh.sessions.pool import Pool


@dataclass(frozen=True, slots=True)
class Health:
    """Figures that tell whether the daemon is well."""

    hosts: int
    sessions: int
    uptime_s: float


class Daemon:
    """Questions that touch no host."""

    def __init__(self, *, configuration: Configured, pool: Pool, clock: Clock) -> None:
        self._configuration = configuration
        self._pool = pool
        self._clock = clock
        self._started_at = clock.now()

    def hosts(self, principal: Principal, tag: str | None = None) -> tuple[HostView, ...]:
        """The hosts that the principal sees, all or those with the tag."""
        return listed(self._seen_by(principal), self._pool.sessions(), tag)

    def host(self, principal: Principal, name: str) -> HostView:
        """One host. Raises `UnknownHostError`, for one that the principal does not see as well."""
        host = known_host(name, self._configuration.current.inventory, principal)
        return listed(Inventory({host.name: host}), self._pool.sessions())[0]

    def tags(self, principal: Principal) -> tuple[str, ...]:
        """The tags of the hosts that the principal sees, sorted."""
        return tuple(sorted({tag for host in self._seen_by(principal).hosts.values() for tag in host.tags}))

    def capabilities(self, principal: Principal, name: str) -> Capabilities:
        """What can be done with a host. Raises `UnknownHostError`."""
        snapshot = self._configuration.current
        return capabilities(known_host(name, snapshot.inventory, principal), snapshot.settings)

    def health(self, principal: Principal) -> Health:
        """How it is now, with the figures of what the principal sees."""
        seen = self._seen_by(principal).hosts
        return Health(
            hosts=len(seen),
            sessions=sum(view.host in seen for view in self._pool.sessions()),
            uptime_s=self._clock.now() - self._started_at,
        )

    @property
    def tool_groups(self) -> tuple[str, ...]:
        """The groups of tools that are offered."""
        return self._configuration.current.settings.tool_groups

    @property
    def progress_interval_s(self) -> float:
        """How often a client hears that something goes on."""
        return self._configuration.current.settings.task_progress_interval_s

    def is_quiet(self) -> bool:
        """Whether nothing is open to any host, and no device may dial in."""
        listens = self._configuration.current.settings.tunnel_listener.enabled
        return not listens and not self._pool.sessions()

    def _seen_by(self, principal: Principal) -> Inventory:
        hosts = self._configuration.current.inventory.hosts
        return Inventory({name: host for name, host in hosts.items() if principal.sees(host)})
