"""SSH in process: connections and exec channels on asyncssh."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping, Sequence

import asyncssh

from mcp_ssh.model.errors import (
    ConnectionFailedError,
    McpSshError,
    UnsupportedHostError,
)
from mcp_ssh.model.host import Host, HostKeyChecking
from mcp_ssh.model.result import HostKey, Peer
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets, Through
from mcp_ssh.transport import failure, legacy
from mcp_ssh.transport.connection import Ended, SshConnection
from mcp_ssh.transport.hop import Hop, hop_of
from mcp_ssh.transport.hostkeys import HostKeyJudge, fingerprint, look_up
from mcp_ssh.transport.login import Credentials, gather
from mcp_ssh.transport.sightings import Sightings
from mcp_ssh.transport.tunnels import Tunnels

_old: dict[str, object] = {
    "kex_algs": legacy.kex,
    "encryption_algs": legacy.ciphers,
    "mac_algs": legacy.macs,
    "server_host_key_algs": legacy.signatures,
    "signature_algs": legacy.signatures,
}


class _Client(asyncssh.SSHClient):
    """Answers asyncssh's questions during one login."""

    def __init__(self, judge: HostKeyJudge | None, credentials: Credentials) -> None:
        self._judge = judge
        self._password = credentials.password
        self._keyboard_only = credentials.keyboard_only
        self._tried: set[str] = set()
        self.ended: Ended = asyncio.get_running_loop().create_future()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port  # the judge knows the host under the name that the file gives it
        return self._judge is None or self._judge.accepts(key)

    def refusal(self) -> McpSshError:
        """Why the host's key was not taken."""
        assert self._judge is not None  # noqa: S101  without a judge nothing is verified
        return self._judge.refusal or self._judge.untrusted()

    def password_auth_requested(self) -> str | None:
        return None if self._keyboard_only else self._once("password")

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._password is not None and "keyboard" not in self._tried else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        del name, instructions, lang
        if not prompts:
            return []
        # One hidden prompt asks for the password. Anything else (a code, a new password, two questions) is not ours
        # to guess, and a password is never the answer to a visible prompt.
        if len(prompts) == 1 and not prompts[0][1] and "password" in prompts[0][0].lower():
            answer = self._once("keyboard")
            return None if answer is None else [answer]
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    def _once(self, method: str) -> str | None:
        if self._password is None or method in self._tried:
            return None
        self._tried.add(method)
        return self._password.reveal()


class SshTransport:
    """A `Transport` on asyncssh. Never reads ~/.ssh/config, never forwards an agent."""

    def __init__(self, settings: Settings, tunnels: Tunnels | None = None) -> None:
        self._settings = settings
        self._tunnels = tunnels or Tunnels(Sightings(settings.state_dir))

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """Try the addresses in order; each gets an equal share of what is left of the connect timeout."""
        limit_s = self._settings.connect_timeout_s
        now = asyncio.get_running_loop().time
        until = (now() if through is None else through.since) + limit_s
        credentials = await gather(host.auth, secrets)
        problem: McpSshError | None = None
        for position, address in enumerate(addresses):
            hop, where = hop_of(host, address, through), failure.where(address, _port(host))
            try:
                async with asyncio.timeout(max(until - now(), 0) / (len(addresses) - position)):
                    return await self._connect(host, address, credentials, hop)
            except TimeoutError:
                problem = failure.timed_out(host, where, limit_s)
            except (McpSshError, asyncssh.Error, OSError) as error:
                if hop is not None and hop.has_ended:
                    raise hop.why(error) from error
                problem = failure.while_connecting(error, host, where)
                if not isinstance(error, OSError) and type(error) is not ConnectionFailedError:
                    break  # the host answered: its other addresses would say the same, or are another host's
        assert problem is not None  # noqa: S101  a resolver never answers with no address
        raise problem

    async def _connect(self, host: Host, address: str, credentials: Credentials, hop: Hop | None) -> Connection:
        judge = await self._judge(host)
        client = _Client(judge, credentials)
        options = self._options(host, judge, credentials)
        with hop.leaned_on() if hop is not None else contextlib.nullcontext():
            connection = await self._handshake(host, address, client, options, hop)
        return await self._established(connection, client, host, judge, address, hop)

    async def _handshake(
        self, host: Host, address: str, client: _Client, options: Mapping[str, object], hop: Hop | None
    ) -> asyncssh.SSHClientConnection:
        """Dial, or open a channel of the jump host or of the host's own tunnel, and log in there."""
        over = self._tunnels.dialled(host, address) if host.tunnel is not None else hop
        sock = None if over is not None else await _dial(address, host.port)
        try:
            return await asyncssh.connect(
                host.address, host.port, sock=sock, tunnel=over, client_factory=lambda: client, **options
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise client.refusal() from error
        except BaseException:
            if sock is not None:
                sock.close()
            raise

    async def _judge(self, host: Host) -> HostKeyJudge | None:
        if host.host_key_checking is HostKeyChecking.OFF and not host.host_key:
            return None
        own = os.path.join(self._settings.state_dir, "known_hosts")  # noqa: PTH118
        known = await asyncio.to_thread(look_up, [*self._settings.known_hosts, own], host.address, host.port)
        return HostKeyJudge(host, known, own)

    def _options(self, host: Host, judge: HostKeyJudge | None, credentials: Credentials) -> dict[str, object]:
        options: dict[str, object] = {
            "config": None,
            "username": host.user,
            "client_keys": [*credentials.keys] if credentials.keys else None if credentials.agent_path is None else (),
            "agent_path": credentials.agent_path,
            "preferred_auth": credentials.methods(),
            "gss_auth": False,
            "gss_kex": False,
            "x509_trusted_certs": None,
            "known_hosts": None,
            "compression_algs": None,
        }
        if host.legacy_crypto:
            options |= _old
        if judge is not None:
            known = judge.known
            options["known_hosts"] = lambda *_: (judge.trusted_keys(), known.authorities, known.revoked)
            if not known.authorities:
                options["server_host_key_algs"] = [
                    *known.algorithms(),
                    *((legacy.key_type,) if host.legacy_crypto else ()),
                ]
        return options

    async def _established(  # noqa: PLR0913, PLR0917  each is a part of one login
        self,
        connection: asyncssh.SSHClientConnection,
        client: _Client,
        host: Host,
        judge: HostKeyJudge | None,
        address: str,
        hop: Hop | None,
    ) -> Connection:
        key = connection.get_server_host_key()
        shown = None
        if key is not None and judge is not None:
            shown = HostKey(key.get_algorithm(), fingerprint(key), newly_pinned=judge.pinned_now)
        version = str(connection.get_extra_info("server_version", ""))
        peer = Peer(address=address, port=_port(host), user=host.user, version=version, host_key=shown)
        opened = SshConnection(connection, client.ended, peer, self._settings.keepalive_interval_s, hop)
        if "windows" in version.lower():
            await opened.close()
            raise UnsupportedHostError(
                f"{host.name} is a Windows host ({version}); mcp-ssh works on POSIX hosts and network devices",
                hint="remove this host, or point it at a POSIX system",
            )
        return opened


async def _dial(address: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    family, kind, protocol, _, target = rows[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _port(host: Host) -> int:
    """The port that is dialled; none of a host that dials in."""
    return 0 if host.tunnel is not None else host.port
