"""SSH in process: connections and exec channels on asyncssh."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Sequence

import asyncssh

from mcp_ssh.model.errors import (
    McpSshError,
    UnsupportedHostError,
)
from mcp_ssh.model.host import Host, HostKeyChecking
from mcp_ssh.model.result import HostKey, Peer
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets
from mcp_ssh.transport import failure, legacy
from mcp_ssh.transport.connection import Ended, SshConnection
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

    async def connect(self, host: Host, addresses: Sequence[str], secrets: Secrets) -> Connection:
        """Try the addresses in order; each gets an equal share of what is left of the connect timeout."""
        limit_s = self._settings.connect_timeout_s
        until = asyncio.get_running_loop().time() + limit_s
        credentials = await gather(host.auth, secrets)
        problem: McpSshError | None = None
        for position, address in enumerate(addresses):
            where = _where(address, _port(host))
            left_s = until - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(max(left_s, 0) / (len(addresses) - position)):
                    return await self._connect(host, address, credentials)
            except TimeoutError:
                problem = failure.timed_out(host, where, limit_s)
            except (McpSshError, asyncssh.Error, OSError) as error:
                problem = failure.while_connecting(error, host, where)
                if not isinstance(error, OSError):
                    break  # the host answered: its other addresses would say the same, or are another host's
        assert problem is not None  # noqa: S101  a resolver never answers with no address
        raise problem

    async def _connect(self, host: Host, address: str, credentials: Credentials) -> Connection:
        judge = await self._judge(host)
        client = _Client(judge, credentials)
        try:
            async with self._carrier(host, address) as carrier:
                connection = await asyncssh.connect(
                    host.address,
                    host.port,
                    client_factory=lambda: client,
                    **carrier,
                    **self._options(host, judge, credentials),
                )
        except asyncssh.HostKeyNotVerifiable as error:
            assert judge is not None  # noqa: S101  without a judge nothing is verified
            raise judge.refusal or judge.untrusted() from error
        return await self._established(connection, client, host, judge, address)

    @contextlib.asynccontextmanager
    async def _carrier(self, host: Host, address: str) -> AsyncIterator[dict[str, object]]:
        """What SSH is spoken over, in asyncssh's words. It is closed if nothing comes of it."""
        if host.tunnel is not None:
            async with self._tunnels.dialled(host, address) as tunnel:
                yield {"tunnel": tunnel}
            return
        sock = await _dial(address, host.port)
        try:
            yield {"sock": sock}
        except BaseException:
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
            "client_keys": [credentials.key] if credentials.key else None if credentials.agent_path is None else (),
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

    async def _established(
        self,
        connection: asyncssh.SSHClientConnection,
        client: _Client,
        host: Host,
        judge: HostKeyJudge | None,
        address: str,
    ) -> Connection:
        key = connection.get_server_host_key()
        shown = None
        if key is not None and judge is not None:
            shown = HostKey(key.get_algorithm(), fingerprint(key), newly_pinned=judge.pinned_now)
        version = str(connection.get_extra_info("server_version", ""))
        peer = Peer(address=address, port=_port(host), user=host.user, version=version, host_key=shown)
        opened = SshConnection(connection, client.ended, peer, self._settings.keepalive_interval_s)
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


def _where(address: str, port: int) -> str:
    if not port:
        return f"by its tunnel from {address}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
