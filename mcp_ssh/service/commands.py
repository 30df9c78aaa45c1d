"""Commands on hosts: connect, run, plan, and the sessions that stay open between them."""

import secrets
from dataclasses import dataclass

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Command, Operation, Request
from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.errors import ResolveError, UnknownSessionError
from mcp_ssh.model.host import Host, Shell
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult, SessionView
from mcp_ssh.ports import AuditSink, Resolver
from mcp_ssh.service import records
from mcp_ssh.service.authorize import known_host
from mcp_ssh.service.judge import Configured, Judge, Judged
from mcp_ssh.service.limits import command_for
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to a command: steps 1 to 4, and the limits that it would run under."""

    judged: Judged
    command: Command
    trace: tuple[Layer, ...]

    @property
    def would_run(self) -> bool:
        """Whether every layer says yes."""
        return all(layer.effect is Effect.ALLOW for layer in self.trace)


class Commands:
    """Questions about commands. Holds nothing of its own."""

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        configuration: Configured,
        judge: Judge,
        resolver: Resolver,
        pipeline: Pipeline,
        pool: Pool,
        audit: AuditSink,
    ) -> None:
        self._configuration = configuration
        self._judge = judge
        self._resolver = resolver
        self._pipeline = pipeline
        self._pool = pool
        self._audit = audit

    async def connect(self, caller: Caller, host: str, *, confirmed: bool = False) -> Done[None]:
        """Open the host's session, or find it open."""

        async def nothing(session: Session, left_s: float) -> None:
            del session, left_s  # that the session stands is all that was asked

        request = _request(caller, Operation.CONNECT, host, None, confirmed=confirmed)
        return await self._pipeline.dispatch(request, self._configuration.current.settings.connect_timeout_s, nothing)

    async def run(  # noqa: PLR0913  the tool's own arguments
        self,
        caller: Caller,
        host: str,
        text: str,
        *,
        timeout_s: float | None = None,
        max_output_bytes: int | None = None,
        confirmed: bool = False,
    ) -> Done[CommandResult]:
        """Run one stateless command on a channel of its own."""
        command = self._command(host, text, timeout_s, max_output_bytes)

        async def work(session: Session, left_s: float) -> CommandResult:
            session.commands += 1
            return await session.driver.run(Command(command.text, left_s, command.max_output_bytes))

        request = _request(caller, Operation.RUN, host, command, confirmed=confirmed)
        return await self._pipeline.dispatch(request, command.timeout_s, work)

    async def plan(
        self, caller: Caller, host: str, text: str, *, timeout_s: float | None = None, confirmed: bool = False
    ) -> Planned:
        """The same steps as `run`, stopped before anything is recorded or sent. Opens no connection."""
        command = self._command(host, text, timeout_s, None)
        request = _request(caller, Operation.PLAN, host, command, confirmed=confirmed)
        found = self._judge.authorized(request)
        address = await self._address_layer(found)
        judged = self._judge.decided(request, found, ())
        way = [_terminal_layer] if found.shell is Shell.CLI else []
        return Planned(judged, command, (*judged.decision.trace, address, *way))

    def sessions(self) -> tuple[SessionView, ...]:
        """The open sessions, the oldest first."""
        return self._pool.sessions()

    async def disconnect(self, caller: Caller, host: str) -> tuple[SessionView, ...]:
        """Close the host's sessions; gives what they were. Commands on them end with outcome `unknown`."""
        known_host(host, self._configuration.current.inventory)
        views = tuple(view for view in self.sessions() if view.host == host)
        if not views:
            raise UnknownSessionError(f"{host} has no open session", hint="nothing needs to be closed")
        request = _request(caller, Operation.DISCONNECT, host, None, confirmed=False)
        for view in views:
            await self._audit.append(Event.DECIDED.value, records.of_request(request) | {"session": view.id})
            await self._pool.disconnect(view.id)
        return views

    def _command(self, host: str, text: str, timeout_s: float | None, max_output_bytes: int | None) -> Command:
        snapshot = self._configuration.current
        found = known_host(host, snapshot.inventory)
        return command_for(text, found, snapshot.settings, timeout_s=timeout_s, max_output_bytes=max_output_bytes)

    async def _address_layer(self, host: Host) -> Layer:
        try:
            addresses = await self._resolver.resolve(host.address, host.port)
        except ResolveError as error:
            return Layer("address", Effect.DENY, error.code, error.message)
        return Layer("address", Effect.ALLOW, "resolve", f"{host.address} is {', '.join(addresses)}")


_terminal_layer = Layer(
    "driver", Effect.DENY, "needs_pty", "a cli host needs a terminal, which this version cannot drive yet"
)


def _request(caller: Caller, operation: Operation, host: str, command: Command | None, *, confirmed: bool) -> Request:
    return Request(
        id=secrets.token_hex(8),
        principal=caller.principal,
        operation=operation,
        host=host,
        command=command,
        confirmed=confirmed,
        client=caller.client,
    )
