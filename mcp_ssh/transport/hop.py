"""The way through a jump host: a channel of its connection (direct-tcpip, RFC 4254 7.2) in place of a socket.

The jump host is told the address that was judged, never a name: what it would make of one nobody here could judge.
"""

import contextlib
from collections.abc import Callable, Iterator

import asyncssh

from mcp_ssh.model.errors import JumpFailedError, SessionLostError
from mcp_ssh.model.host import Host
from mcp_ssh.ports import Through
from mcp_ssh.transport import failure
from mcp_ssh.transport.connection import SshConnection


class Hop:
    """The jump host that one connection rests on. asyncssh takes it for its `tunnel`."""

    def __init__(self, host: Host, hop: str, address: str, connection: SshConnection) -> None:
        self._host = host
        self._hop = hop
        self._address = address
        self._connection = connection

    @property
    def has_ended(self) -> bool:
        """Whether the jump host is gone, and with it all that goes through it."""
        return self._connection.has_ended

    def why(self, error: Exception | None) -> SessionLostError:
        """Why a connection through it ended: because it is gone itself, or for a reason of its own."""
        if self._connection.has_ended:
            return failure.hop_gone(self._hop, self._connection.reason())
        return failure.while_open(error, self._hop)

    def lean(self, change: int) -> None:
        """One more, or one less, needs to hear soon when the link falls silent."""
        self._connection.lean(change)

    @contextlib.contextmanager
    def leaned_on(self) -> Iterator[None]:
        """For as long as somebody waits on the other side of it."""
        self.lean(+1)
        try:
            yield
        finally:
            self.lean(-1)

    async def create_connection(
        self, session_factory: Callable[[], asyncssh.SSHTCPSession[bytes]], remote_host: str, remote_port: int
    ) -> tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]:
        """Called by asyncssh in place of a connect. Raises what the jump host's refusal means."""
        del remote_host  # the host's name, under which its key is looked up
        try:
            return await self._connection.reach(session_factory, self._address, remote_port)
        except asyncssh.ChannelOpenError as error:
            where = failure.where(self._address, remote_port)
            raise failure.while_reaching(error, self._host, where, self._hop) from error

    def close(self) -> None:
        """Nothing is closed: the connection to the jump host belongs to whoever lent it."""

    async def wait_closed(self) -> None:
        """At once, as nothing is closed."""


def hop_of(host: Host, address: str, through: Through | None) -> Hop | None:
    """What the way to that address of the host rests on; None for the network itself.

    Raises `JumpFailedError` where there is nothing to go through: a host behind another one is never dialled directly.
    """
    if host.jump is None:
        return None
    bare = through.connection.bare if through is not None else None
    if not isinstance(bare, SshConnection):
        raise JumpFailedError(
            f"{host.name} is reached through {host.jump.name}, which carries no connections; nothing was sent",
            hint=f"check `jump` of {host.name} in hosts.yaml",
        )
    return Hop(host, host.jump.name, address, bare)
