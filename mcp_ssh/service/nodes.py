"""Added hosts, once they are there: switched on and off, and removed, with our key on them or without."""

import asyncio
from dataclasses import dataclass

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation
from mcp_ssh.model.errors import ConnectionFailedError, HostDisabledError, InvalidArgumentError
from mcp_ssh.model.fileerrors import FileError
from mcp_ssh.model.host import AuthMethod, Host
from mcp_ssh.model.nodeerrors import KeyWorkLateError, NotAddedError
from mcp_ssh.model.nodes import NodeAction, NodeWish, PublicKey
from mcp_ssh.model.principal import Caller, Permission, Principal
from mcp_ssh.service import records
from mcp_ssh.service.adding import Adder, target_of
from mcp_ssh.service.authorize import check_permission, known_host
from mcp_ssh.service.judge import Judged
from mcp_ssh.service.keyfile import take_out
from mcp_ssh.service.nodeparts import NodeParts
from mcp_ssh.service.readiness import Readiness
from mcp_ssh.service.request import request_of
from mcp_ssh.service.rotation import Rotation
from mcp_ssh.sessions.session import Session

keeps_key = "remove_key: false (--keep-key) takes the host out alone, and our line stays there"


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of an added host. `key_removed`: None where nobody looked. `is_known`: the daemon knows of it now."""

    host: str
    action: NodeAction
    key_removed: bool | None
    is_known: bool


class Nodes:
    """Questions about hosts that come and go. `adder` adds them, `readiness` tells of any host."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self.adder = Adder(parts)
        self.readiness = Readiness(parts)
        self.rotation = Rotation(parts)

    async def public_key(self, principal: Principal) -> PublicKey:
        """The public key of mcp-ssh itself; made if there is none. Raises `IdentityError`."""
        check_permission(principal, Permission.MANAGE)
        return await asyncio.to_thread(self._parts.keys.public)

    async def enable(self, caller: Caller, name: str, *, enabled: bool) -> Changed:
        """Switch an added host on or off. Raises `NotAddedError` for one that stands in the operator's file."""
        host = self._added(caller.principal, name)
        action = NodeAction.ENABLE if enabled else NodeAction.DISABLE
        await self._record(caller, Operation.ENABLE_HOST, NodeWish(action, host))
        await asyncio.to_thread(self._parts.store.enable, name, enabled=enabled)
        return Changed(name, action, None, self._parts.reload.now(caller.principal.name))

    async def remove(self, caller: Caller, name: str, *, remove_key: bool = True) -> Changed:
        """Take an added host out; before that, our key from the host, unless it is to stay there."""
        host = self._added(caller.principal, name)
        wish = NodeWish(NodeAction.REMOVE, host)
        removed = await self._key_removed(caller, wish) if remove_key else None
        await self._record(caller, Operation.REMOVE_HOST, wish)
        await asyncio.to_thread(self._parts.store.remove, name)
        return Changed(name, wish.action, removed, self._parts.reload.now(caller.principal.name))

    async def _key_removed(self, caller: Caller, wish: NodeWish) -> bool:
        self._refuse_shared(wish.host)
        request = request_of(caller, Operation.REMOVE_HOST, wish.host.name, node=wish)
        try:
            return (await self._parts.pipeline.dispatch(request, self._out)).result
        except (ConnectionFailedError, HostDisabledError, FileError) as error:
            error.hint = f"{error.hint}; {keeps_key}".removeprefix("; ")
            raise

    async def _out(self, session: Session, judged: Judged, left_s: float) -> bool:
        keys = await asyncio.to_thread(self._parts.keys.all_public)
        try:
            async with (
                asyncio.timeout(left_s),
                self._parts.store.alone(target_of(judged.host)),
                session.open_files() as files,
            ):
                return await take_out(files, judged.host, keys)
        except TimeoutError:
            raise KeyWorkLateError(
                f"{judged.host.name} was too slow for its key to be taken out; the host is still added"
            ) from None

    def _refuse_shared(self, host: Host) -> None:
        """One line on a host may be what several names are reached by."""
        for other in self._parts.configuration.current.inventory.hosts.values():
            is_other = other.name != host.name and other.auth.method is AuthMethod.GATEWAY
            if is_other and other.jump is None and target_of(other) == target_of(host):
                raise InvalidArgumentError(
                    f"{other.name} is reached by the same key as {host.name}; nothing was sent", hint=keeps_key
                )

    def _added(self, principal: Principal, name: str) -> Host:
        check_permission(principal, Permission.MANAGE)
        host = known_host(name, self._parts.configuration.current.inventory, principal)
        if not host.is_added:
            raise NotAddedError(
                f"{name} stands in hosts.yaml, which is its operator's alone; nothing was changed",
                hint="its operator changes it there, or with manage_hosts.py",
            )
        return host

    async def _record(self, caller: Caller, operation: Operation, wish: NodeWish) -> None:
        request = request_of(caller, operation, wish.host.name, node=wish)
        await self._parts.audit.append(Event.INVENTORY.value, records.of_request(request))
