"""SSH in process: connections and exec channels on asyncssh."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence

import asyncssh

from mcp_ssh.model.errors import (
    ConnectionFailedError,
    McpSshError,
    UnsupportedHostError,
)
from mcp_ssh.model.host import Host, HostKeyChecking
from mcp_ssh.model.question import person_wait_s
from mcp_ssh.model.result import HostKey, Peer
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets, Through
from mcp_ssh.transport import failure, legacy
from mcp_ssh.transport.algorithms import cheapest_first
from mcp_ssh.transport.connection import Ended, SshConnection
from mcp_ssh.transport.credentials import Credentials
from mcp_ssh.transport.dial import dialled
from mcp_ssh.transport.hop import Hop, hop_of
from mcp_ssh.transport.hostkeys import HostKeyJudge, fingerprint, known_as, look_up
from mcp_ssh.transport.login import gather
from mcp_ssh.transport.options import configured, host_key_algorithms, in_family, preferred
from mcp_ssh.transport.questions import Questions, gone, waited_s, who_is_asked
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

    def __init__(self, judge: HostKeyJudge | None, credentials: Credentials, questions: Questions) -> None:
        self._judge = judge
        self._credentials = credentials
        self.questions = questions
        self._tried: set[str] = set()
        self.ended: Ended = asyncio.get_running_loop().create_future()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port  # the judge knows the host under the name that the file gives it
        return self._judge is None or self._judge.accepts(key)

    def refusal(self) -> McpSshError:
        """Why the host's key was not taken."""
        assert self._judge is not None  # noqa: S101  without a judge nothing is verified
        return self._judge.refusal or self._judge.untrusted()

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
        return await self.questions.answers(name, instructions, prompts)

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

    def __init__(self, settings: Settings, tunnels: Tunnels | None = None) -> None:
        self._settings = settings
        self._tunnels = tunnels or Tunnels(Sightings(settings.state_dir))

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """Try the addresses in order; each gets an equal share of what is left of the connect timeout.

        The time of a person who is asked does not count, here or on the way.
        """
        addresses = in_family(host, addresses)
        credentials = await gather(host.auth, secrets)
        try:
            return await self._tried(host, addresses, credentials, secrets, through)
        finally:
            await credentials.close()

    async def _tried(
        self,
        host: Host,
        addresses: Sequence[str],
        credentials: Credentials,
        secrets: Secrets,
        through: Through | None,
    ) -> Connection:
        limit_s = host.ssh.connect_timeout_s or self._settings.connect_timeout_s
        now = asyncio.get_running_loop().time
        until = limit_s + (now() if through is None else through.since + waited_s(secrets))
        problem: McpSshError | None = None
        for position, address in enumerate(addresses):
            hop, where = hop_of(host, address, through), failure.where(address, _port(host))
            try:
                async with asyncio.timeout(max(until - now(), 0) / (len(addresses) - position)) as limit:
                    questions = Questions(host, credentials.password, who_is_asked(secrets), limit)
                    return await self._connect(host, address, credentials, questions, hop)
            except TimeoutError:
                problem = failure.timed_out(host, where, limit_s)
            except (McpSshError, asyncssh.Error, OSError) as error:
                if hop is not None and hop.has_ended:
                    raise hop.why(error) from error
                problem = failure.while_connecting(error, host, where, credentials.told)
                if not isinstance(error, OSError) and type(error) is not ConnectionFailedError:
                    break  # the host answered: its other addresses would say the same, or are another host's
        assert problem is not None  # noqa: S101  a resolver never answers with no address
        raise problem

    async def _connect(
        self, host: Host, address: str, credentials: Credentials, questions: Questions, hop: Hop | None
    ) -> Connection:
        judge = await self._judge(host)
        client = _Client(judge, credentials, questions)
        options = self._options(host, judge, credentials)
        with hop.leaned_on() if hop is not None else contextlib.nullcontext():
            connection = await self._handshake(host, address, client, options, hop)
        return await self._established(connection, client, host, judge, address, hop)

    async def _handshake(
        self, host: Host, address: str, client: _Client, options: Mapping[str, object], hop: Hop | None
    ) -> asyncssh.SSHClientConnection:
        """Dial, or open a channel of the jump host or of the host's own tunnel, and log in there."""
        over = self._tunnels.dialled(host, address) if host.tunnel is not None else hop
        sock = None if over is not None else await dialled(address, host)
        try:
            return await asyncssh.connect(
                host.address, host.port, sock=sock, tunnel=over, client_factory=lambda: client, **options
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise client.refusal() from error
        except asyncssh.PermissionDenied as error:
            raise client.questions.problem or error from error
        except (asyncssh.Error, OSError) as error:
            raise (gone(host) if client.questions.waits else error) from error
        except BaseException:
            if sock is not None:
                sock.close()
            raise

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
        if host.fast:
            options["encryption_algs"] = [*cheapest_first()]
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
        idle_s = host.ssh.keepalive_s or self._settings.keepalive_interval_s
        opened = SshConnection(connection, client.ended, peer, idle_s, hop)
        if "windows" in version.lower():
            await opened.close()
            raise UnsupportedHostError(
                f"{host.name} is a Windows host ({version}); mcp-ssh works on POSIX hosts and network devices",
                hint="remove this host, or point it at a POSIX system",
            )
        return opened


def _port(host: Host) -> int:
    """The port that is dialled; none of a host that dials in."""
    return 0 if host.tunnel is not None else host.port
