"""The SSH server that devices dial in to: its socket, and the logins that are under way at once."""

import asyncio
import contextlib
import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from types import TracebackType
from typing import Self

import asyncssh
import structlog

from mcp_ssh.model.settings import Settings
from mcp_ssh.transport.listenerkey import ListenerKey
from mcp_ssh.transport.tunnelgate import Gate
from mcp_ssh.transport.tunnelkeeper import TunnelKeeper
from mcp_ssh.transport.tunnels import Tunnels, idle_probe_s, idle_probes

most_logins, patience_s, login_wait_s = 50, 5.0, 20.0
"""Logins at once; further ones wait to be accepted. Where all are taken, the oldest that lasts longer makes room."""
look_every_s, again_s, breath_s = 1.0, 5.0, 1.0
stop_wait_s = 3.0
backlog = 128

_exchanges = "-curve25519-sha256,*-sha512*,*sha1,rsa*"
"""Key exchanges that are not offered, of asyncssh's own list.

dropbear sends a packet for its first one at once (RFC 4253 7.1), and sends it again unless ours is the same; asyncssh
takes the first for good wherever it knows it. So what dropbear puts first is either our first (mlkem768x25519-sha256)
or none of ours (sntrup761x25519-sha512 since 2024.86, curve25519-sha256 before). That curve is there under its older
name, curve25519-sha256@libssh.org.
"""


_signatures = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


@dataclass(frozen=True, slots=True)
class _Login:
    task: asyncio.Task[None]
    began: float


class TunnelListener:
    """An async context: it listens for as long as that lasts, if the settings want it.

    A port that another process has is asked for again every few seconds: daemons of one configuration take turns.
    """

    def __init__(self, settings: Settings, tunnels: Tunnels, keeper: TunnelKeeper) -> None:
        self._where = settings.tunnel_listener
        self._state_dir = settings.state_dir
        self._tunnels = tunnels
        self._keeper = keeper
        self._tasks = asyncio.TaskGroup()
        self._keepers: list[asyncio.Task[None]] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._logins: OrderedDict[object, _Login] = OrderedDict()
        self._login_over, self._news = asyncio.Event(), asyncio.Event()
        self._options: Mapping[str, object] = {}
        self._log = structlog.get_logger("mcp_ssh.tunnels")

    async def __aenter__(self) -> Self:
        """Raises `KeyFileError` if its host key cannot be used."""
        await self._tasks.__aenter__()
        if self._where.enabled:
            self._options = _options((await asyncio.to_thread(ListenerKey, self._state_dir)).key)
            await self._keeper.look()
            sock = await self._bound()
            self._keepers = [self._tasks.create_task(work) for work in (self._keep_looking(), self._listen(sock))]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (*self._keepers, *(login.task for login in self._logins.values())):
            task.cancel()
        self._keeper.end()
        if self._serving:
            await asyncio.wait(self._serving, timeout=stop_wait_s)
        for task in self._serving:
            task.cancel()
        # Without the error: a task group would wrap it, and it is none of the listener's.
        await self._tasks.__aexit__(None, None, None)
        if self._where.enabled:
            await self._keeper.look()

    def hears(self) -> None:
        """The configuration was taken anew: look at once."""
        self._news.set()

    # --- what goes on by itself

    async def _keep_looking(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(look_every_s):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._keeper.look()
            except Exception as error:  # noqa: BLE001  the edge of a background task: the next look may do better
                self._log.error("devices_not_looked_at", reason=repr(error))

    async def _listen(self, sock: socket.socket | None) -> None:
        while sock is None:
            await asyncio.sleep(again_s)
            sock = await self._bound()
        with sock:
            await self._take(sock)

    async def _bound(self) -> socket.socket | None:
        host, port = self._where.host, self._where.port
        try:
            sock = await _listening_on(host, port)
        except OSError as error:
            reason = f"this process does not listen for devices on {host}, port {port}: {error.strerror or error}"
            if reason != self._tunnels.silence:  # it is tried again and again, and told once
                self._log.warning("tunnel_listener_waits", reason=reason)
            self._tunnels.silence = reason
            return None
        self._tunnels.silence = ""
        self._log.info("devices_dial_in", host=host, port=port)
        return sock

    async def _take(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room()
            try:
                client, peer = await loop.sock_accept(sock)
            except OSError as error:  # no descriptors left, or somebody who left at once
                self._log.warning("device_not_taken", reason=error.strerror)
                await asyncio.sleep(breath_s)
                continue
            address = _plain(str(peer[0]))
            if self._keeper.admits(address):
                self._begin(client, address)
            else:
                client.close()

    async def _room(self) -> None:
        """Wait until one more may log in."""
        now = asyncio.get_running_loop().time
        while len(self._logins) >= most_logins:
            mark, oldest = next(iter(self._logins.items()))
            left_s = oldest.began + patience_s - now()
            if left_s <= 0:
                del self._logins[mark]
                oldest.task.cancel()
                return
            self._login_over.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._login_over.wait()

    # --- one connection

    def _begin(self, client: socket.socket, address: str) -> None:
        mark, began = object(), asyncio.get_running_loop().time()
        task = self._tasks.create_task(self._serve(client, address, mark))
        self._logins[mark] = _Login(task, began)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, client: socket.socket, address: str, mark: object) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                gate = Gate(self._keeper, address, tasks)
                connection = await self._logged_in(client, gate, mark)
                if connection is not None:
                    await self._keeper.attend(connection, gate)
        except Exception as error:  # noqa: BLE001  the edge of a background task: no device ends the others
            self._log.error("device_failed", address=address, reason=repr(error))

    async def _logged_in(self, client: socket.socket, gate: Gate, mark: object) -> asyncssh.SSHServerConnection | None:
        """The connection of a device that has proven its key; None of anybody else."""
        began = asyncio.get_running_loop().time()
        try:
            return await asyncssh.run_server(client, server_factory=lambda: gate, **self._options)
        except (asyncssh.Error, OSError, TimeoutError):
            return None
        finally:
            self._logins.pop(mark, None)
            self._login_over.set()
            if not gate.is_in:
                client.close()
                self._keeper.failed(gate, lingered=asyncio.get_running_loop().time() - began >= patience_s)


def _options(key: asyncssh.SSHKey) -> Mapping[str, object]:
    """One way in, a public key, and nothing of what a session could have."""
    return {
        "config": None,
        "server_host_keys": [key],
        "public_key_auth": True,
        "password_auth": False,
        "kbdint_auth": False,
        "host_based_auth": False,
        "gss_host": None,
        "gss_kex": False,
        "gss_auth": False,
        "x509_trusted_certs": None,
        "allow_pty": False,
        "agent_forwarding": False,
        "kex_algs": _exchanges,
        "signature_algs": _signatures,
        "compression_algs": None,
        "login_timeout": login_wait_s,
        "keepalive_interval": idle_probe_s,
        "keepalive_count_max": idle_probes,
    }


async def _listening_on(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = rows[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.listen(backlog)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _plain(address: str) -> str:
    """An IPv4 address that came to a socket of IPv6 as what it is."""
    try:
        mapped = IPv6Address(address.partition("%")[0]).ipv4_mapped
    except ValueError:
        return address
    return str(mapped) if mapped is not None else address
