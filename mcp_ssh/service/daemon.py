"""The daemon about itself: its hosts, its health."""

from dataclasses import dataclass

from mcp_ssh.ports import Clock
from mcp_ssh.service.inventory import HostView, listed
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

    def hosts(self, tag: str | None = None) -> tuple[HostView, ...]:
        """The configured hosts, all or those with the tag."""
        return listed(self._configuration.current.inventory, self._pool.sessions(), tag)

    def health(self) -> Health:
        """How it is now."""
        return Health(
            hosts=len(self._configuration.current.inventory.hosts),
            sessions=len(self._pool.sessions()),
            uptime_s=self._clock.now() - self._started_at,
        )
