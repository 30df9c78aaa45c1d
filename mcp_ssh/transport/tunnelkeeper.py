"""Who has dialled in: whose key is whose, what is granted and refused, and what goes on record of it."""

import asyncio
from typing import Protocol

import asyncssh
import structlog

from mcp_ssh.audit.record import Event
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.model.host import Host
from mcp_ssh.ports import AuditSink, Clock
from mcp_ssh.transport.sightings import Sightings
from mcp_ssh.transport.throttle import Failures, Tally
from mcp_ssh.transport.tunnelgate import Gate
from mcp_ssh.transport.tunnels import Tunnel, Tunnels

wish_wait_s = 10.0
"""How long a device may be in without a tunnel; it is longer than the look at one that stands already."""
most_of_device = 3
"""Connections of one device at once: one that stands, one that died unseen, one that takes over."""
present_every_s = 60.0
"""How exact the last time of a device is if we crash; when it leaves, that is written as it is."""


class Keys(Protocol):
    """Whose key is whose."""

    def owner(self, fingerprint: str) -> Host | None:
        """The enabled host whose device has it."""
        ...

    def has(self, fingerprint: str) -> bool:
        """Whether it is the key of some host, let in or not."""
        ...

    def look(self) -> None:
        """Read what has changed; in a thread."""
        ...


class TunnelKeeper:
    """Knows all connections of devices."""

    def __init__(self, *, tunnels: Tunnels, keys: Keys, sightings: Sightings, audit: AuditSink, clock: Clock) -> None:
        self._tunnels = tunnels
        self._keys = keys
        self._sightings = sightings
        self._audit = audit
        self._clock = clock
        self._gates: set[Gate] = set()
        self._failures = Failures()
        self._tally = Tally()
        self._log = structlog.get_logger("mcp_ssh.tunnels")

    # --- who comes

    def admits(self, address: str) -> bool:
        """Whether somebody may try to log in from there; if not, that is on record."""
        if self._failures.admits(address, self._clock.now()):
            return True
        self._turned_away(address, "too many failed logins from there")
        return False

    def owner(self, print_: str) -> Host | None:
        """Whose key that is."""
        return self._keys.owner(print_)

    def failed(self, gate: Gate, *, lingered: bool) -> None:
        """Somebody did not come in. Who only looked whether we are there, and went, is nobody."""
        if gate.user is None and not lingered:
            return
        self._failures.failed(gate.address, self._clock.now())
        unknown = {print_: key for print_, key in gate.strangers.items() if not self._keys.has(print_)}
        for print_, key in unknown.items():
            self._sightings.stranger(print_, key, gate.address, gate.user or "", self._clock.wall())
        if unknown:
            self._turned_away(gate.address, "the key is no device's", next(iter(unknown)))
        elif gate.strangers:
            self._turned_away(gate.address, "the key's host is disabled, or shares it", next(iter(gate.strangers)))
        else:
            self._turned_away(gate.address, "no login")

    async def attend(self, connection: asyncssh.SSHServerConnection, gate: Gate) -> None:
        """Stay with a device that has come in until it has left."""
        if sum(each.key == gate.key for each in self._gates) >= most_of_device:
            self.refused(gate, f"more than {most_of_device} connections at once")
            gate.close("too many connections of this device")
        self._gates.add(gate)
        try:
            try:
                async with asyncio.timeout(wish_wait_s):
                    await gate.settled.wait()
            except TimeoutError:
                self.refused(gate, f"nothing within {wish_wait_s:g} s")
                gate.close("no tunnel was asked for")
            await connection.wait_closed()
        finally:
            self._gates.discard(gate)
            connection.abort()
            if gate.tunnel is not None and gate.tunnel.is_granted:
                self._ended(gate, gate.tunnel)

    # --- what a device wants

    async def granted(self, gate: Gate, tunnel: Tunnel) -> bool:
        """Whether the tunnel stands now, on record."""
        reason = await self._tunnels.place(tunnel)
        if reason:
            self.refused(gate, f"a tunnel, while {reason}")
            return False
        fields = {"host": tunnel.host, "address": tunnel.address, "key": gate.key}
        try:
            await self._audit.append(Event.TUNNEL_OPEN.value, fields)
        except AuditUnavailableError as error:
            self._tunnels.forget(tunnel)
            self._log.error("audit_unavailable", reason=error.message)
            return False
        self._sightings.present(tunnel.host, tunnel.address, self._clock.wall())
        self._log.info(Event.TUNNEL_OPEN.value, **fields)
        tunnel.is_granted = True
        return True

    def refused(self, gate: Gate, wish: str) -> None:
        """A device wanted what it may not have; the same wish is one record a second.

        Each counts as a login that failed, so that other words each time fill no disk.
        """
        self._failures.failed(gate.address, self._clock.now())
        host = gate.host.name if gate.host is not None else ""
        count = self._tally.count((host, wish), self._clock.now())
        if count:
            fields = {"host": host, "address": gate.address, "decision": "deny", "reason": f"asked for {wish}"}
            self._log.warning(Event.TUNNEL_REFUSED.value, **fields)
            self._audit.note(Event.TUNNEL_REFUSED.value, fields | {"requests": count})

    # --- what changes meanwhile

    async def look(self) -> None:
        """See whose key is whose now, end the connections that are no device's any more, write who was here."""
        await asyncio.to_thread(self._keys.look)
        for gate in tuple(self._gates):
            owner, host = self._keys.owner(gate.key), gate.host
            if owner is None or host is None or (owner.name, owner.tunnel) != (host.name, host.tunnel):
                gate.close("its key or its host is not in force any more")
            elif gate.tunnel is not None and gate.tunnel.is_granted:
                self._still_here(gate.tunnel)
        for stranger in self._sightings.strangers:
            if self._keys.has(stranger.fingerprint):
                self._sightings.forget(stranger.fingerprint)
        text = self._sightings.unsaved()
        try:
            if text is not None:
                await asyncio.to_thread(self._sightings.write, text)
        except OSError as error:
            self._log.warning("devices_unwritten", reason=str(error))

    def _still_here(self, tunnel: Tunnel) -> None:
        seen, now = self._sightings.device(tunnel.host), self._clock.wall()
        if seen is None or now - seen.at > present_every_s:
            self._sightings.present(tunnel.host, tunnel.address, now)

    def end(self) -> None:
        """Close all connections."""
        for gate in tuple(self._gates):
            gate.close("mcp-ssh stops")

    def _ended(self, gate: Gate, tunnel: Tunnel) -> None:
        self._tunnels.forget(tunnel)
        self._sightings.present(tunnel.host, tunnel.address, self._clock.wall())
        fields = {"host": tunnel.host, "address": tunnel.address, "reason": gate.reason}
        self._log.info(Event.TUNNEL_CLOSE.value, **fields)
        self._audit.note(Event.TUNNEL_CLOSE.value, fields)

    def _turned_away(self, address: str, reason: str, key: str = "") -> None:
        count = self._tally.count(reason, self._clock.now())
        if count:
            fields = {"address": address, "decision": "deny", "reason": f"tunnel listener: {reason}", "key": key}
            self._audit.note(Event.AUTH.value, fields | {"requests": count})
