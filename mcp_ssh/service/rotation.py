"""The key of mcp-ssh itself is replaced, host by host, without a moment in which a host knows neither.

The new key is made and lies beside the old one; every login offers both. On each host the new line is put in by a login
that still works, a second login by the new key alone proves it, and then the old line is taken out. The old key is
retired once no host needs it. Whatever could not be reached keeps it: the next call goes on where this one ended.
"""

import asyncio
from dataclasses import dataclass, replace

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation
from mcp_ssh.model.errors import HostDisabledError, McpSshError
from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.model.nodeerrors import KeyWorkLateError
from mcp_ssh.model.nodes import NodeAction, NodeWish, PublicKey
from mcp_ssh.model.principal import Caller, Permission
from mcp_ssh.service.adding import target_of
from mcp_ssh.service.authorize import check_permission
from mcp_ssh.service.judge import Judged
from mcp_ssh.service.keyfile import install, take_out
from mcp_ssh.service.nodeparts import NodeParts
from mcp_ssh.service.request import request_of
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.session import Session

at_once = 8


@dataclass(frozen=True, slots=True)
class Turned:
    """One host: it knows the new key alone, or why it does not."""

    host: str
    error: McpSshError | None


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new key, what became of each host, and whether the old key is gone."""

    key: PublicKey
    hosts: tuple[Turned, ...]
    is_retired: bool

    @property
    def left(self) -> tuple[Turned, ...]:
        """The hosts that still need the old key."""
        return tuple(each for each in self.hosts if each.error is not None)


class Rotation:
    """Replaces the key."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts

    async def rotate(self, caller: Caller, *, force: bool = False) -> Rotated:
        """Replace it. With `force` the old key goes even where hosts need it: those are to be added anew.

        Raises `PermissionMissingError`, `IdentityError`, `AuditUnavailableError`.
        """
        check_permission(caller.principal, Permission.MANAGE)
        await self._record(caller, "begin", "")
        key = await asyncio.to_thread(self._parts.keys.begin_rotation)
        turned = await self._all_turned(caller)
        is_done = force or all(each.error is None for each in turned)
        if is_done:
            await self._record(caller, "retire", key.fingerprint)
            await asyncio.to_thread(self._parts.keys.retire)
        return Rotated(key, turned, is_done)

    async def _all_turned(self, caller: Caller) -> tuple[Turned, ...]:
        """Every host, also those that were added meanwhile with the key that was the newest when that began."""
        slots, turned = asyncio.Semaphore(at_once), dict[str, Turned]()
        while hosts := [host for host in self._hosts() if host.name not in turned]:
            for each in await asyncio.gather(*(self._turned(caller, host, slots) for host in hosts)):
                turned[each.host] = each
            self._parts.reload.now(caller.principal.name)
        return tuple(turned.values())

    def _hosts(self) -> list[Host]:
        hosts = self._parts.configuration.current.inventory.hosts.values()
        return [host for host in hosts if host.auth.method is AuthMethod.GATEWAY]

    async def _turned(self, caller: Caller, host: Host, slots: asyncio.Semaphore) -> Turned:
        request = request_of(
            caller, Operation.ROTATE_IDENTITY, host.name, node=NodeWish(NodeAction.ROTATE, host), is_part=True
        )
        async with slots:
            try:
                await self._parts.pipeline.dispatch(request, self._work)
            except HostDisabledError as error:
                error.hint = "mcp-ssh hosts enable, or `enabled: true` in hosts.yaml, then rotate again"
                return Turned(host.name, error)
            except McpSshError as error:
                return Turned(host.name, error)
        return Turned(host.name, None)

    async def _work(self, session: Session, judged: Judged, left_s: float) -> None:
        new, *old = await asyncio.to_thread(self._parts.keys.all_public)
        try:
            async with (
                asyncio.timeout(left_s),
                self._parts.store.alone(target_of(judged.host)),
                session.open_files() as files,
            ):
                await install(files, judged.host, new)
                await self._proven(judged, session.seat.via)
                await take_out(files, judged.host, old)
        except TimeoutError:
            raise KeyWorkLateError(f"{judged.host.name} was too slow; it keeps the old key") from None

    async def _proven(self, judged: Judged, via: Seat | None) -> None:
        """A login by the new key alone, by the same way."""
        by_new = replace(judged.host, auth=Auth(AuthMethod.KEY, key_path=self._parts.keys.next_path))
        secrets = self._parts.keyrings.of(judged.request.principal)
        seat = Seat(by_new, via=via)
        async with self._parts.pool.lend(seat, judged.addresses, secrets, judged.hops, forced=True) as proof:
            await self._parts.pool.disconnect(proof.id)

    async def _record(self, caller: Caller, action: str, fingerprint: str) -> None:
        fields = {"principal": caller.principal.name, "client": caller.client, "action": action, "key": fingerprint}
        await self._parts.audit.append(Event.IDENTITY.value, fields)
