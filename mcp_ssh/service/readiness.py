"""How far a host is: configured, switched on, reached, open. Told from what is known; nothing is sent."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Permission, Principal
from mcp_ssh.service.authorize import check_permission, known_host
from mcp_ssh.service.nodeparts import NodeParts
from mcp_ssh.sessions.breaker import Contact


class Stage(StrEnum):
    """How far it is. `UNTRIED`: nobody has dialled it since its entry is what it is."""

    DISABLED = "disabled"
    UNTRIED = "untried"
    NOT_REACHABLE = "not_reachable"
    REACHABLE = "reachable"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What is known of a host. Times are seconds since the epoch (UTC); None where there is none to tell.

    `next_try_s`: seconds until it is tried again by itself, 0 for now; None where it is not held back, or where only
    somebody's wish makes a try, as `waits_for_wish` says.
    """

    host: Host
    stage: Stage
    sessions: int
    reached: float | None = None
    failed: float | None = None
    failures: int = 0
    error: McpSshError | None = None
    next_try_s: float | None = None
    waits_for_wish: bool = False
    facts_as_of: float | None = None


def stage_of(host: Host, sessions: int, contact: Contact | None) -> Stage:
    """The stage of a host with so many open sessions, of which the latest try ended like that."""
    if not host.enabled:
        return Stage.DISABLED
    if sessions:
        return Stage.OPEN
    if contact is None or (contact.error is None and contact.reached_at is None):
        return Stage.UNTRIED
    return Stage.REACHABLE if contact.error is None else Stage.NOT_REACHABLE


class Readiness:
    """Tells."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts

    def status(self, principal: Principal, name: str) -> HostStatus:
        """One host. Raises `UnknownHostError`, `PermissionMissingError`."""
        check_permission(principal, Permission.MANAGE)
        snapshot = self._parts.configuration.current
        host = known_host(name, snapshot.inventory, principal)
        sessions = sum(view.host == name for view in self._parts.pool.sessions())
        contact, told = self._parts.pool.contact(host), self._parts.kept.get(host, snapshot.policy)
        as_of = told.wall if told is not None and told.facts is not None else None
        stage = stage_of(host, sessions, contact)
        if contact is None:
            return HostStatus(host, stage, sessions, facts_as_of=as_of)
        has_failed = contact.error is not None
        return HostStatus(
            host,
            stage,
            sessions,
            reached=self._wall(contact.reached_at),
            failed=self._wall(contact.failed_at),
            failures=contact.failures,
            error=contact.error,
            next_try_s=max(0.0, contact.next_at - self._parts.clock.now()) if contact.next_at is not None else None,
            waits_for_wish=has_failed and contact.next_at is None,
            facts_as_of=as_of,
        )

    def _wall(self, at: float | None) -> float | None:
        return None if at is None else self._parts.clock.wall() - (self._parts.clock.now() - at)
