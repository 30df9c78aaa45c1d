"""A host is added: by a password that is used once, so that from then on our own key is enough.

The order is what keeps it whole: the host's key is pinned, then the password goes there, then our public key stands in
the login's file, then a second login proves it, and only then the host is written down. Whatever breaks on the way, our
line is taken out again if it was we who put it there, and nothing is left but the pinned key of the host.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import ValidationError

from mcp_ssh.audit.record import Event
from mcp_ssh.config.added import AddedEntry, host_name
from mcp_ssh.hostfiles import Files
from mcp_ssh.model.command import Operation, Request
from mcp_ssh.model.errors import (
    AuthenticationError,
    InvalidArgumentError,
    McpSshError,
    SecretMissingError,
)
from mcp_ssh.model.fileerrors import FileError
from mcp_ssh.model.host import Auth, AuthMethod, Host, HostKeyChecking
from mcp_ssh.model.nodeerrors import IdentityError, KeyNotTakenError, KeyWorkLateError
from mcp_ssh.model.nodes import NodeAction, NodeWish, PublicKey, bootstrap_prefix
from mcp_ssh.model.policy import Confirm
from mcp_ssh.model.principal import Caller, Permission
from mcp_ssh.model.result import HostKey
from mcp_ssh.model.secret import Secret
from mcp_ssh.service import records
from mcp_ssh.service.authorize import check_permission
from mcp_ssh.service.judge import Judged
from mcp_ssh.service.keyfile import install, take_out, untouched
from mcp_ssh.service.nodeparts import NodeParts
from mcp_ssh.service.request import request_of
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.session import Session
from mcp_ssh_drivers.cancellation import undisturbed

given_name = "the password that was given"
take_back_s = 10.0
_needs_password = f"name a secret that begins with {bootstrap_prefix}, or let the operator run: mcp-ssh hosts add"
_secret_name = re.compile(rf"{bootstrap_prefix}[A-Za-z0-9_]{{1,200}}\Z")


@dataclass(frozen=True, slots=True)
class NewHost:
    """A host to be. `host_key` is the fingerprint that it must show; without one the first that it shows is pinned."""

    name: str
    address: str
    user: str
    port: int = 22
    password_secret: str | None = None
    host_key: str | None = None


@dataclass(frozen=True, slots=True)
class AddedHost:
    """A host that was added, with the key it showed. `was_there`: our public key stood there already."""

    name: str
    address: str
    port: int
    user: str
    host_key: HostKey
    was_there: bool
    is_known: bool


class Adder:
    """Adds hosts. Holds nothing of its own."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts

    async def add(self, caller: Caller, new: NewHost) -> AddedHost:
        """Add it. Raises an error of its own for each thing that can be wrong; then there is no such host.

        Where a person must say yes, and give the password, that is an `ApprovalRequiredError`: the answer comes with
        the next call.
        """
        check_permission(caller.principal, Permission.MANAGE)
        _check(new, caller)
        wish = NodeWish(NodeAction.ADD, self._candidate(new), new.password_secret)
        if caller.principal.sees(wish.host):  # else the pipeline says no, and does not say what is there
            await asyncio.to_thread(self._parts.store.check, new.name)
        with self._with_password(caller) as own:
            request = request_of(own, Operation.ADD_HOST, new.name, node=wish)
            try:
                return (await self._parts.pipeline.dispatch(request, self._work)).result
            except AuthenticationError as error:
                error.hint = (
                    "the one-time password is not the right one, or the host takes none; nothing was changed there"
                )
                raise
            except SecretMissingError:
                if new.password_secret is not None:
                    raise
                raise InvalidArgumentError("nobody gave the password; nothing was sent", hint=_needs_password) from None
            except FileError as error:
                raise untouched(error, wish.host) from None

    def _candidate(self, new: NewHost) -> Host:
        """The host with the login that the password is for. Its key is always looked at."""
        checking = self._parts.configuration.current.settings.host_key_checking
        return Host(
            name=new.name,
            address=new.address,
            user=new.user,
            auth=Auth(AuthMethod.PASSWORD, password_env=new.password_secret or given_name),
            port=new.port,
            host_key=new.host_key,
            host_key_checking=HostKeyChecking.ACCEPT_NEW if checking is HostKeyChecking.OFF else checking,
            confirm=Confirm.HUMAN,
            is_added=True,
        )

    @contextlib.contextmanager
    def _with_password(self, caller: Caller) -> Iterator[Caller]:
        """The caller with the password that a person gave, for as long as the host is being added."""
        if caller.answer is None or not caller.answer.values:
            yield caller
            return
        with self._parts.keyrings.attached(_OneSecret(caller.answer.values[0])) as keyring:
            yield replace(caller, principal=replace(caller.principal, keyring=keyring))

    async def _work(self, session: Session, judged: Judged, left_s: float) -> AddedHost:
        """On the session that the password opened, which ends with it."""
        request, host, shown = judged.request, judged.host, session.connection.peer.host_key
        assert shown is not None  # noqa: S101  the key of a host to be is always looked at
        by_key = replace(host, auth=Auth(AuthMethod.GATEWAY, self._parts.keys.path), host_key=shown.fingerprint)
        try:
            async with (
                asyncio.timeout(left_s),
                self._parts.store.alone(target_of(host)),
                session.open_files() as files,
                self._installed(files, by_key) as (key, was_there),
            ):
                await self._proven(by_key, judged, was_there=was_there)
                await self._write(request, by_key, key)
        except TimeoutError:
            raise KeyWorkLateError(
                f"{host.name} was too slow for its key to be installed and proved; nothing was added"
            ) from None
        finally:
            await self._parts.pool.disconnect(session.id)
        self._parts.reload.now(request.principal.name)
        entered = self._parts.configuration.current.inventory.hosts.get(host.name)
        if entered is not None:
            self._parts.pool.vouch(entered)
        return AddedHost(host.name, host.address, host.port, host.user, shown, was_there, entered is not None)

    @asynccontextmanager
    async def _installed(self, files: Files, host: Host) -> AsyncIterator[tuple[PublicKey, bool]]:
        """Our key is on the host, and was it before? If what follows fails, and it was not, it is taken out again."""
        key = await asyncio.to_thread(self._parts.keys.public)
        is_new = await install(files, host, key)
        try:
            yield key, not is_new
        except BaseException as error:
            if is_new and not await asyncio.to_thread(self._parts.store.shares, host.name, entry_of(host)):
                await _taken_back(files, host, key, error)
            raise

    async def _proven(self, host: Host, judged: Judged, *, was_there: bool) -> None:
        """A second login, by our key alone."""
        secrets = self._parts.keyrings.of(judged.request.principal)
        try:
            async with self._parts.pool.lend(Seat(host), judged.addresses, secrets, forced=True) as proof:
                await self._parts.pool.disconnect(proof.id)
        except AuthenticationError:
            line = "stood there before and stays" if was_there else "is taken out again"
            raise KeyNotTakenError(
                f"{host.name} has the key of mcp-ssh in ~/.ssh/authorized_keys and does not let it in; the line {line}",
                hint="its SSH server may take no keys (PubkeyAuthentication), read another file (AuthorizedKeysFile), "
                "or refuse a home or .ssh that others may write to (StrictModes)",
            ) from None

    async def _write(self, request: Request, host: Host, key: PublicKey) -> None:
        """On record first, as all that changes what may be reached. A key that was replaced meanwhile is no good."""
        if await asyncio.to_thread(self._parts.keys.public) != key:
            raise IdentityError("the key of mcp-ssh was replaced meanwhile; nothing was added", hint="call again")
        added = datetime.fromtimestamp(self._parts.clock.wall(), UTC).isoformat(timespec="seconds")
        entry = entry_of(host).model_copy(update={"added": added, "by": request.principal.name[:200]})
        fields = records.of_request(request) | {"host_key": host.host_key}
        await self._parts.audit.append(Event.INVENTORY.value, fields)
        await undisturbed(asyncio.to_thread(self._parts.store.add, host.name, entry))  # written, or not: no third


@dataclass(frozen=True, slots=True)
class _OneSecret:
    secret: Secret

    def get(self, name: str) -> Secret:
        if name != given_name:
            raise SecretMissingError(f"{name} was not given")
        return self.secret


def target_of(host: Host) -> str:
    """What two names for one login share."""
    return f"{host.user}@{host.address or host.name}:{host.port}"


def entry_of(host: Host) -> AddedEntry:
    """The host as its file has it."""
    return AddedEntry(host=host.address, user=host.user, port=host.port, host_key=host.host_key or "")


async def _taken_back(files: Files, host: Host, key: PublicKey, error: BaseException) -> None:
    """Our line is out again, or the error says that it may be there."""
    try:
        async with asyncio.timeout(take_back_s):
            await take_out(files, host, [key])
    except (McpSshError, TimeoutError):
        if isinstance(error, McpSshError):
            error.message = f"{error.message}; the line of mcp-ssh may be left in ~/.ssh/authorized_keys there"
            error.args = (error.message,)


def _check(new: NewHost, caller: Caller) -> None:
    """Refuse what can be no host, and what has no password."""
    if not host_name.match(new.name):
        raise InvalidArgumentError(
            f"{new.name[:100]!r} is no name of a host; nothing was sent",
            hint="1 to 100 of A-Z a-z 0-9 . _ - and a letter or digit first",
        )
    try:
        AddedEntry(host=new.address, user=new.user, port=new.port, host_key=new.host_key or f"SHA256:{'A' * 43}")
    except ValidationError as error:
        faults = "; ".join(f"{row['loc'][0]}: {row['msg']}" for row in error.errors())
        raise InvalidArgumentError(f"{faults}; nothing was sent", hint="correct the arguments and call again") from None
    if new.password_secret is None and not caller.can_ask:
        raise InvalidArgumentError(
            "there is no password, and nobody at this client can be asked for one; nothing was sent",
            hint=_needs_password,
        )
    answer = caller.answer
    is_empty = answer is not None and not any(value.reveal() for value in answer.values)
    if new.password_secret is None and answer is not None and answer.accepted and is_empty:
        raise InvalidArgumentError(
            "the person said yes and gave no password; nothing was sent", hint="call again, and let them give it"
        )
    if new.password_secret is not None and not _secret_name.match(new.password_secret):
        raise InvalidArgumentError(
            f"a one-time password is a secret whose name begins with {bootstrap_prefix}; nothing was sent",
            hint="no other secret is given to a host that is new: whoever runs mcp-ssh sets one of such a name",
        )
