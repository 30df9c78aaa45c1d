"""Commands on hosts: connect, run, plan, and the sessions that stay open between them."""

import secrets
from dataclasses import dataclass, replace

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.errors import ResolveError, UnknownSessionError
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult, SessionView
from mcp_ssh.ports import AuditSink
from mcp_ssh.service import records
from mcp_ssh.service.authorize import known_host
from mcp_ssh.service.judge import Configured, Judge, Judged
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to a command: steps 1 to 4 with the limits that it would run under."""

    judged: Judged
    trace: tuple[Layer, ...]

    @property
    def would_run(self) -> bool:
        """Whether every layer says yes."""
        return all(layer.effect is Effect.ALLOW for layer in self.trace)


class Commands:
    """Questions about commands. Holds nothing of its own."""

    def __init__(
        self,
        *,
        configuration: Configured,
        judge: Judge,
        pipeline: Pipeline,
        pool: Pool,
        audit: AuditSink,
    ) -> None:
        self._configuration = configuration
        self._judge = judge
        self._pipeline = pipeline
        self._pool = pool
        self._audit = audit

    async def connect(self, caller: Caller, host: str, *, confirmed: bool = False) -> Done[None]:
        """Open the host's session, or find it open."""

        async def nothing(session: Session, judged: Judged, left_s: float) -> None:
            del session, judged, left_s  # that the session stands is all that was asked

        request = _request(caller, Operation.CONNECT, host, confirmed=confirmed)
        return await self._pipeline.dispatch(request, nothing)

    async def run(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Done[CommandResult]:
        """Run one stateless command on a channel of its own."""
        request = _request(caller, Operation.RUN, host, wish, confirmed=confirmed)
        return await self._pipeline.dispatch(request, _run)

    async def plan(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Planned:
        """The same steps as `run`, stopped before anything is recorded or sent. Opens no connection."""
        request = _request(caller, Operation.PLAN, host, wish, confirmed=confirmed)
        authorized = self._judge.authorized(request)
        address = await self._address_layer(authorized.host)
        judged = self._judge.decided(request, authorized, ())
        return Planned(judged, (*judged.decision.trace, address))

    def sessions(self) -> tuple[SessionView, ...]:
        """The open sessions, the oldest first."""
        return self._pool.sessions()

    async def disconnect(self, caller: Caller, host: str) -> tuple[SessionView, ...]:
        """Close the host's sessions; gives what they were. Commands on them end with outcome `unknown`."""
        known_host(host, self._configuration.current.inventory)
        views = tuple(view for view in self.sessions() if view.host == host)
        if not views:
            raise UnknownSessionError(f"{host} has no open session", hint="nothing needs to be closed")
        request = _request(caller, Operation.DISCONNECT, host)
        for view in views:
            await self._audit.append(Event.DECIDED.value, records.of_request(request) | {"session": view.id})
            await self._pool.disconnect(view.id)
        return views

    async def _address_layer(self, host: Host) -> Layer:
        try:
            addresses = await self._judge.addresses(host)
        except ResolveError as error:
            return Layer("address", Effect.DENY, error.code, error.message)
        return Layer("address", Effect.ALLOW, "resolve", f"{host.address} is {', '.join(addresses)}")


async def _run(session: Session, judged: Judged, left_s: float) -> CommandResult:
    command = judged.command
    assert command is not None  # noqa: S101  a request to run has a command
    session.commands += 1
    return await session.driver.run(replace(command, timeout_s=left_s))


def _request(
    caller: Caller, operation: Operation, host: str, wish: Wish | None = None, *, confirmed: bool = False
) -> Request:
    return Request(
        id=secrets.token_hex(8),
        principal=caller.principal,
        operation=operation,
        host=host,
        wish=wish,
        confirmed=confirmed,
        client=caller.client,
    )
