"""The configuration, read again: on a signal, or when its file has changed. Whole, or not at all."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from mcp_ssh.audit.record import Event
from mcp_ssh.config.added import stamp
from mcp_ssh.config.snapshot import Changes, Configuration, Snapshot
from mcp_ssh.model.errors import SessionLimitError
from mcp_ssh.model.faults import ConfigurationError, ConfigurationKeptError
from mcp_ssh.model.principal import Permission, Principal
from mcp_ssh.ports import AuditSink
from mcp_ssh.service.authorize import check_permission
from mcp_ssh.sessions.pool import Pool

most_listeners = 1_000


def tell_warnings(snapshot: Snapshot) -> None:
    """What stands in the user's SSH configuration and is not done, in the log; what has no meaning here quietly."""
    log = structlog.get_logger("mcp_ssh.ssh_config")
    for each in snapshot.warnings:
        tell = log.info if "has no meaning here" in each.message else log.warning
        tell("ssh_config", where=f"{each.file}:{each.line}", keyword=each.key, reason=each.message)


def _stamp_of(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  a text, as the snapshot has it
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Reload:
    """Reads again, tells what changed, and lets go of the sessions of hosts that are not what they were."""

    def __init__(self, configuration: Configuration, pool: Pool, audit: AuditSink) -> None:
        self._configuration = configuration
        self._audit = audit
        self._pool = pool
        self._log = structlog.get_logger("mcp_ssh.reload")
        self._listeners: dict[object, Callable[[], object]] = {}

    def now(self, principal: str = "") -> bool:
        """Read the file; one with faults changes nothing, and its faults are told. Whether it was taken.

        Hosts, their patterns and limits, and tokens count from the next call on. Sessions of changed and removed hosts
        close when their commands are over. What belongs to the running daemon itself is told to need a restart.
        """
        try:
            self._take(principal)
        except ConfigurationError:
            return False
        return True

    def for_principal(self, principal: Principal) -> Changes:
        """Read the file on somebody's behalf; tells of the hosts that he sees, or saw before.

        Raises `PermissionMissingError`, and `ConfigurationKeptError` for a file with faults, which changes nothing.
        """
        check_permission(principal, Permission.MANAGE)
        before = self._configuration.current.inventory.hosts
        try:
            changes = self._take(principal.name)
        except ConfigurationError as error:
            faults = "\n".join(str(fault) for fault in error.faults) if principal.sees_all else error.message
            raise ConfigurationKeptError(
                f"the configuration stays as it was: {faults}", hint="whoever runs mcp-ssh finds the faults in its log"
            ) from None
        after = self._configuration.current.inventory.hosts
        seen = {host.name for host in (*before.values(), *after.values()) if principal.sees(host)}
        return changes.among(seen)

    def _take(self, principal: str = "") -> Changes:
        try:
            changes = self._configuration.reload()
        except ConfigurationError as error:
            self._audit.note(Event.RELOAD.value, {"principal": principal, "decision": "deny", "reason": error.message})
            self._log.warning("configuration_kept", faults=[str(fault) for fault in error.faults])
            raise
        tell_warnings(self._configuration.current)
        self._pool.drain(self._configuration.current.inventory.hosts.values())
        told: dict[str, object] = {"added": changes.added, "removed": changes.removed, "changed": changes.changed}
        self._audit.note(Event.RELOAD.value, {"principal": principal, "decision": "allow"} | told)
        self._log.info("configuration_read", **told, settings_changed=changes.settings)
        self._tell_left_out()
        if changes.settings:
            self._log.warning("restart_needed", reason="timeouts, paths and session limits are those of the start")
        for hears in tuple(self._listeners.values()):
            hears()
        return changes

    def _tell_left_out(self) -> None:
        left_out = self._configuration.current.left_out
        if left_out:
            self._log.warning("added_hosts_left_out", faults=[str(fault) for fault in left_out])

    @contextmanager
    def listening(self, hears: Callable[[], object]) -> Iterator[None]:
        """`hears` is called whenever a configuration was taken, for as long as the context lasts.

        It must neither wait nor raise. Raises `SessionLimitError` where too many listen already.
        """
        if len(self._listeners) >= most_listeners:
            raise SessionLimitError(f"{most_listeners} clients are told of changes already", hint="end some of them")
        key = object()
        self._listeners[key] = hears
        try:
            yield
        finally:
            del self._listeners[key]

    @asynccontextmanager
    async def watching(self, interval_s: float) -> AsyncIterator[None]:
        """Read again whenever the file or an added host has changed; looks every `interval_s` seconds, never for 0."""
        self._tell_left_out()
        task = asyncio.ensure_future(self._watch(interval_s))
        if interval_s == 0:
            task.cancel()
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _watch(self, interval_s: float) -> None:
        seen = self._stamp()
        while True:
            await asyncio.sleep(interval_s)
            now = self._stamp()
            if now is not None and now != seen:
                watched = self._configuration.current.watched
                self.now()
                seen = now if self._configuration.current.watched == watched else self._stamp()

    def _stamp(self) -> tuple[object, ...] | None:
        """What the files are now; None while the configuration's own is not there, as when an editor replaces it."""
        current = self._configuration.current
        own = _stamp_of(current.path)
        if own is None:
            return None
        return (own, stamp(current.settings.state_dir), *(_stamp_of(path) for path in current.watched))
