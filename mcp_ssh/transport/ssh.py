"""SSH in process: connections and exec channels on asyncssh."""

import asyncio
import os
import socket
from collections.abc import Sequence

import asyncssh

from mcp_ssh.model.errors import (
    McpSshError,
    UnsupportedHostError,
)
from mcp_ssh.model.host import Host, HostKeyChecking
from mcp_ssh.model.question import person_wait_s
from mcp_ssh.model.result import HostKey, Peer
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets
from mcp_ssh.transport import failure, legacy
from mcp_ssh.transport.connection import Ended, SshConnection
from mcp_ssh.transport.credentials import Credentials
from mcp_ssh.transport.hostkeys import HostKeyJudge, fingerprint, known_as, look_up
from mcp_ssh.transport.login import gather
from mcp_ssh.transport.options import configured, host_key_algorithms, in_family, preferred
from mcp_ssh.transport.questions import Questions, gone, who_is_asked

_old: dict[str, object] = {
    "kex_algs": legacy.kex,
    "encryption_algs": legacy.ciphers,
    "mac_algs": legacy.macs,
    "server_host_key_algs": legacy.signatures,
    "signature_algs": legacy.signatures,
}


class _Client(asyncssh.SSHClient):
    """Answers asyncssh's questions during one login."""

    def __init__(self, judge: HostKeyJudge | None, credentials: Credentials, questions: Questions) -> None:
        self._judge = judge
        self._credentials = credentials
        self._questions = questions
        self._tried: set[str] = set()
        self.ended: Ended = asyncio.get_running_loop().create_future()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port  # the judge knows the host under the name that the file gives it
        return self._judge is None or self._judge.accepts(key)

    def public_key_auth_requested(self) -> None:
        """The host took none of our keys. One that took a key asks for what it wants beside it without this."""
        self._tried.add("publickey")

    def password_auth_requested(self) -> str | None:
        password = self._credentials.password
        if password is None or self._credentials.keyboard_only or not self._may("password"):
            return None
        return password.reveal()

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._may("keyboard") else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        del lang
        return await self._questions.answers(name, instructions, prompts)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    def _may(self, method: str) -> bool:
        """Once each, and not in place of keys that were refused: those are what the entry logs in by."""
        if method in self._tried or "publickey" in self._tried:
            return False
        self._tried.add(method)
        return True


class SshTransport:
    """A `Transport` on asyncssh. Never reads ~/.ssh/config by itself, never forwards an agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def connect(self, host: Host, addresses: Sequence[str], secrets: Secrets) -> Connection:
        """Try the addresses in order; each gets an equal share of what is left of the connect timeout.

        The time of a person who is asked does not count.
        """
        addresses = in_family(host, addresses)
        credentials = await gather(host.auth, secrets)
        try:
            return await self._tried(host, addresses, credentials, secrets)
        finally:
            await credentials.close()

    async def _tried(
        self, host: Host, addresses: Sequence[str], credentials: Credentials, secrets: Secrets
    ) -> Connection:
        limit_s = host.ssh.connect_timeout_s or self._settings.connect_timeout_s
        left_s = limit_s
        problem: McpSshError | None = None
        for position, address in enumerate(addresses):
            share_s = max(left_s, 0) / (len(addresses) - position)
            began = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(share_s) as limit:
                    questions = Questions(host, credentials.password, who_is_asked(secrets), limit)
                    return await self._connect(host, address, credentials, questions)
            except TimeoutError:
                problem = failure.timed_out(host, _where(address, host.port), limit_s)
            except (McpSshError, asyncssh.Error, OSError) as error:
                problem = failure.while_connecting(error, host, _where(address, host.port), credentials.told)
                if not isinstance(error, OSError):
                    break  # the host answered: its other addresses would say the same, or are another host's
            left_s -= asyncio.get_running_loop().time() - began
        assert problem is not None  # noqa: S101  a resolver never answers with no address
        raise problem

    async def _connect(self, host: Host, address: str, credentials: Credentials, questions: Questions) -> Connection:
        judge = await self._judge(host)
        sock = await _dial(address, host)
        client = _Client(judge, credentials, questions)
        try:
            connection = await asyncssh.connect(
                host.address,
                host.port,
                sock=sock,
                client_factory=lambda: client,
                **self._options(host, judge, credentials),
            )
        except asyncssh.HostKeyNotVerifiable as error:
            assert judge is not None  # noqa: S101  without a judge nothing is verified
            raise judge.refusal or judge.untrusted() from error
        except asyncssh.PermissionDenied as error:
            raise questions.problem or error from error
        except (asyncssh.Error, OSError) as error:
            raise (gone(host) if questions.waits else error) from error
        except BaseException:
            sock.close()
            raise
        return await self._established(connection, client, host, judge, address)

    async def _judge(self, host: Host) -> HostKeyJudge | None:
        if host.host_key_checking is HostKeyChecking.OFF and not host.host_key:
            return None
        own = os.path.join(self._settings.state_dir, "known_hosts")  # noqa: PTH118
        files = self._settings.known_hosts if host.ssh.known_hosts is None else host.ssh.known_hosts
        known = await asyncio.to_thread(look_up, [*files, own], *known_as(host))
        return HostKeyJudge(host, known, own)

    def _options(self, host: Host, judge: HostKeyJudge | None, credentials: Credentials) -> dict[str, object]:
        options: dict[str, object] = {
            "config": None,
            "username": host.user,
            "client_keys": [*credentials.keys] or None,
            "agent_path": None,
            "preferred_auth": preferred(host, credentials),
            "login_timeout": self._settings.connect_timeout_s + person_wait_s,
            "gss_auth": False,
            "gss_kex": False,
            "x509_trusted_certs": None,
            "known_hosts": None,
            "compression_algs": None,
        }
        if host.legacy_crypto:
            options |= _old
        options |= configured(host)
        if judge is not None:
            known = judge.known
            options["known_hosts"] = lambda *_: (judge.trusted_keys(), known.authorities, known.revoked)
            if not known.authorities:
                old = (legacy.key_type,) if host.legacy_crypto else ()
                options["server_host_key_algs"] = host_key_algorithms(host, [*known.algorithms(), *old])
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
        peer = Peer(address=address, port=host.port, user=host.user, version=version, host_key=shown)
        idle_s = host.ssh.keepalive_s or self._settings.keepalive_interval_s
        opened = SshConnection(connection, client.ended, peer, idle_s)
        if "windows" in version.lower():
            await opened.close()
            raise UnsupportedHostError(
                f"{host.name} is a Windows host ({version}); mcp-ssh works on POSIX hosts and network devices",
                hint="remove this host, or point it at a POSIX system",
            )
        return opened


async def _dial(address: str, host: Host) -> socket.socket:
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(address, host.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    family, kind, protocol, _, target = rows[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if host.ssh.bind_address:
            sock.bind((host.ssh.bind_address, 0))
        await loop.sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _where(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
