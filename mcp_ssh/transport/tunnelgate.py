"""What one device may do at the tunnel listener: log in by its own key, ask for its own port, and nothing else.

Everything else that SSH knows is refused where it begins, so that nothing behind it has to be refused one by one: a
session channel carries shells, commands, subsystems, terminals, agents and X11.
"""

import asyncio
from typing import Protocol

import asyncssh

from mcp_ssh.model.host import Host
from mcp_ssh.transport.hostkeys import fingerprint
from mcp_ssh.transport.tunnels import Tunnel

loopback_names = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a client says for a port on loopback (ssh: `localhost` where nothing is given; RFC 4254 7.1)."""
most_keys, most_wishes, most_user_chars = 6, 10, 64


class Keeper(Protocol):
    """Who keeps the listener."""

    def owner(self, print_: str) -> Host | None:
        """Whose key that is."""
        ...

    def refused(self, gate: "Gate", wish: str) -> None:
        """A device wanted what it may not have."""
        ...

    async def granted(self, gate: "Gate", tunnel: Tunnel) -> bool:
        """Whether the tunnel stands now, on record."""
        ...


class Gate(asyncssh.SSHServer):
    """One connection. `host` is set from the first key of a device on, `is_in` once that is proven.

    `settled` is set when there is a tunnel, or when there never will be one. `user` is None until a login is tried.
    """

    def __init__(self, keeper: Keeper, address: str, tasks: asyncio.TaskGroup) -> None:
        self._keeper = keeper
        self._tasks = tasks
        self._connection: asyncssh.SSHServerConnection | None = None
        self._wishes = 0
        self._is_lost = False
        self.address = address
        self.user: str | None = None
        self.host: Host | None = None
        self.key = ""
        self.is_in = False
        self.strangers: dict[str, str] = {}
        self.tunnel: Tunnel | None = None
        self.settled = asyncio.Event()
        self.reason = ""

    def close(self, reason: str) -> None:
        """End the connection at once; the device is told why, if it still listens."""
        self.reason = self.reason or reason
        if self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, reason)

    def given_back(self) -> None:
        """The device wants its port no longer, or its connection is gone and asyncssh clears up after it."""
        if not self._is_lost:
            self.close("the device gave its port back")

    # --- asyncssh's side: the login

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Somebody has connected."""
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, for whatever reason."""
        self._is_lost = True
        self.settled.set()
        self.reason = self.reason or (fact(str(exc)) if exc else "the device closed it")

    def begin_auth(self, username: str) -> bool:
        """Everybody has to prove a key; the user name is for the record alone."""
        self.user = username[:most_user_chars]
        return True

    def public_key_auth_supported(self) -> bool:
        """The one method that there is."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is that of a device. asyncssh asks before the proof, and again with it."""
        del username  # the key says who it is
        shown = fingerprint(key)
        if self.host is not None:
            return shown == self.key  # a connection is one device's: the key that was taken first is the one to prove
        owner = self._keeper.owner(shown)
        if owner is not None:
            self.host, self.key = owner, shown
            return True
        self.strangers[shown] = key.export_public_key("openssh").decode("ascii", "replace").strip()
        if len(self.strangers) >= most_keys:
            self.close("too many keys; offer the device's own alone")
        return False

    def auth_completed(self) -> None:
        """The key is proven."""
        self.is_in = True

    # --- its one wish

    async def server_requested(self, listen_host: str, listen_port: int) -> "asyncssh.SSHListener | bool":
        """The device's own port on loopback, once; anything else is refused."""
        host, connection = self.host, self._connection
        if host is None or host.tunnel is None or connection is None:
            return False
        if listen_port != host.tunnel.port or listen_host not in loopback_names:
            return self._refuse(
                f"port {listen_port} on {_word(listen_host)}; its own is {host.tunnel.port} on localhost"
            )
        if self.tunnel is not None:
            return self._refuse(f"port {listen_port} a second time")
        self.tunnel = Tunnel(connection, host.name, self.address, (listen_host, listen_port), self._tasks)
        if not await self._keeper.granted(self, self.tunnel):
            self.tunnel = None
            return False
        self.settled.set()
        return _Place(self)

    # --- and all others

    def session_requested(self) -> bool:
        """A session channel: refused."""
        return self._refuse("a session: a shell, a command or a subsystem (ssh -N asks for none)")

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """A channel to somewhere behind us: refused."""
        del orig_host, orig_port
        return self._refuse(f"a connection to {_word(dest_host)}, port {dest_port} (ssh -L, -D, -W, -J)")

    def unix_connection_requested(self, dest_path: str) -> bool:
        """A channel to a socket of this machine: refused."""
        return self._refuse(f"a connection to the socket {_word(dest_path)} (ssh -L)")

    def unix_server_requested(self, listen_path: str) -> bool:
        """A socket in place of a port: refused."""
        return self._refuse(f"to listen on the socket {_word(listen_path)} (ssh -R)")

    def tun_requested(self, unit: int | None) -> bool:
        """A network device of layer 3: refused."""
        del unit
        return self._refuse("a network device (ssh -w)")

    def tap_requested(self, unit: int | None) -> bool:
        """A network device of layer 2: refused."""
        del unit
        return self._refuse("a network device (ssh -w)")

    def _refuse(self, wish: str) -> bool:
        self._wishes += 1
        self._keeper.refused(self, wish)
        if self._wishes >= most_wishes:
            self.close("too many requests for what is not given")
        return False


def fact(text: str) -> str:
    """What an error says, or the other side in it: one line, bounded, and nothing that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split())[:200])


class _Place(asyncssh.SSHListener):
    """What asyncssh keeps for a port that was granted; it is given back by closing it."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def close(self) -> None:
        asyncio.get_running_loop().call_soon(self._gate.given_back)  # of a lost connection it is known by then


def _word(text: str) -> str:
    return ascii(text[:100])
