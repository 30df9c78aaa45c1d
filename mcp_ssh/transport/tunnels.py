"""The tunnels that stand: connections that devices dialled in with, and the way through them to their hosts.

No port is bound for a device. It asks for one (`tcpip-forward`, RFC 4254 7.1) and is told that it has it; when we dial,
a channel is opened in its connection as if somebody had connected there (`forwarded-tcpip`, 7.2). So there is no port
that another process of this machine could use, take before us, or listen on in a device's place.
"""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import asyncssh

from mcp_ssh.model.errors import ConnectionFailedError, McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.transport.sightings import Sightings

idle_probe_s, idle_probes = 15.0, 3
probe_s, probes = 0.5, 3
"""While somebody wants to know whether a device is there: one that does not answer is gone after two seconds."""
answer_wait_s = 2.5
most_tunnels, kept_descriptors = 1_000, 512
"""Open files that are kept for everything else that the daemon does; each tunnel takes one."""

Opened = tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]
SessionFactory = Callable[[], asyncssh.SSHTCPSession[bytes]]


class Tunnel:
    """One device's connection. `place` is what it asked for: to it, channels are opened there."""

    def __init__(
        self,
        connection: asyncssh.SSHServerConnection,
        host: str,
        address: str,
        place: tuple[str, int],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._connection = connection
        self._tasks = tasks
        self._place = place
        self._probing = 0
        self.host = host
        self.address = address
        self.is_granted = False
        """Whether its opening is on record; nothing goes through it before."""

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return not self._connection.is_closed()

    async def create_connection(self, factory: SessionFactory, host: str, port: int) -> Opened:
        """A channel to the SSH server of the device; asyncssh asks for it by this name.

        Raises `TunnelAwayError` for a device that does not answer, `ConnectionFailedError` where nothing is behind it.
        """
        del host, port  # the device knows the way by what it asked for
        if not self.is_open:
            raise self._gone()
        opening = self._tasks.create_task(self._opened(factory))
        try:
            with self._probed():
                opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_closed)  # else the device would keep a channel that nobody has
            raise
        if isinstance(opened, McpSshError):
            raise opened
        return opened

    async def answers(self) -> bool:
        """Whether the device is there; one that is not has no connection any more when this returns."""
        with self._probed():
            try:
                async with asyncio.timeout(answer_wait_s):
                    await self._connection.wait_closed()
            except TimeoutError:
                return True
        return False

    async def _opened(self, factory: SessionFactory) -> Opened | McpSshError:
        try:
            return await self._connection.create_connection(factory, *self._place)
        except (asyncssh.Error, OSError) as error:
            if not self.is_open:
                return self._gone()
            reason = " ".join(str(error).split())[:200].rstrip(".")
            return ConnectionFailedError(
                f"{self.host} has dialled in, and no SSH server answers behind its tunnel ({reason}); nothing was sent",
                hint="see on the device that an SSH server runs, and that -R PORT:localhost:22 leads to it",
            )

    def _gone(self) -> TunnelAwayError:
        return TunnelAwayError(
            f"the tunnel of {self.host} has just ended; nothing was sent", hint="call again when the device is back"
        )

    @contextmanager
    def _probed(self) -> Iterator[None]:
        self._probing += 1
        self._connection.set_keepalive(probe_s, probes)
        try:
            yield
        finally:
            self._probing -= 1
            if not self._probing and self.is_open:
                self._connection.set_keepalive(idle_probe_s, idle_probes)


def _descriptors() -> int:
    """How many open files tunnels may take."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most_tunnels if soft == resource.RLIM_INFINITY else max(soft - kept_descriptors, 1)


def _closed(opening: asyncio.Task[Opened | McpSshError]) -> None:
    if not opening.cancelled() and not isinstance(opened := opening.result(), McpSshError):
        opened[0].abort()


class Tunnels:
    """All that stand, by host; one a host."""

    def __init__(self, sightings: Sightings) -> None:
        self._standing: dict[str, Tunnel] = {}
        self._sightings = sightings
        self.silence = "this process takes no devices: tunnel_listener is not enabled"
        """Why nobody can dial in here; empty where they can."""

    def address(self, host: Host) -> str:
        """Where the host's device has dialled in from. Raises `TunnelAwayError`, at once, if it has not."""
        return self._of(host).address

    def dialled(self, host: Host, address: str) -> Tunnel:
        """The host's tunnel, if it still comes from the address that was judged. Raises `TunnelAwayError`."""
        tunnel = self._of(host)
        if tunnel.address != address:
            raise TunnelAwayError(
                f"{host.name} dialled in anew, from {tunnel.address} instead of {address}; nothing was sent",
                hint="call again: the new address is judged then",
            )
        return tunnel

    async def place(self, tunnel: Tunnel) -> str:
        """Let it be the host's; the reason where it is not.

        Whoever has the key is the device, but the one that stands may carry commands: it keeps its place for as long
        as it answers. A device that restarted does not, and the new one has the place within two seconds.
        """
        old = self._standing.get(tunnel.host)
        if old is not None and old.is_open and await old.answers():
            return f"its tunnel from {old.address} stands and answers"
        if not tunnel.is_open or self._standing.get(tunnel.host) not in {None, old}:
            return "another connection of its was faster"
        most = min(most_tunnels, _descriptors())
        if len(self._standing) >= most:
            return f"{most} tunnels stand already (ulimit -n allows no more, below {most_tunnels})"
        self._standing[tunnel.host] = tunnel
        return ""

    def forget(self, tunnel: Tunnel) -> None:
        """It is gone, or nobody's any more."""
        if self._standing.get(tunnel.host) is tunnel:
            del self._standing[tunnel.host]

    def _of(self, host: Host) -> Tunnel:
        tunnel = self._standing.get(host.name)
        if tunnel is None or not tunnel.is_open or not tunnel.is_granted:
            raise self._away(host)
        return tunnel

    def _away(self, host: Host) -> TunnelAwayError:
        if self.silence:
            why, hint = self.silence, "its operator finds `tunnel_listener` in hosts.yaml"
        else:
            seen = self._sightings.device(host.name)
            why = f"last here {_time(seen.at)} from {seen.address}" if seen else "it has never been here"
            hint = "see that the ssh -R of the device runs and reaches this machine; it dials in again by itself"
        return TunnelAwayError(f"{host.name} dials in by itself and is away ({why}); nothing was sent", hint=hint)


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC,"
