"""The one path of everything that touches a host: authorize, resolve, classify, decide, audit, run, audit.

The first four steps give a value (see judge.py), and a dry run is that value. All seven run in a task of their own,
owned by the pipeline: a caller who leaves cancels it, and it still ends the command on the host and writes its record.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import (
    AuditUnavailableError,
    ConfirmationRequiredError,
    DeadlineExceededError,
    DeniedError,
    McpSshError,
    SessionLostError,
)
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.ports import AuditSink
from mcp_ssh.service import records
from mcp_ssh.service.authorize import Authorized
from mcp_ssh.service.judge import Judge, Judged
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.rates import Rates
from mcp_ssh.sessions.plan import Seat
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session

T = TypeVar("T")
Work = Callable[[Session, Judged, float], Awaitable[T]]
"""What to do on a session with what was judged, within that many seconds."""

Place = Session | str
"""A session that is lent already, or the handle of a shell."""

attempts = 2
stop_wait_s = 10.0
_events = {Outcome.CANCELLED: Event.CANCELLED, Outcome.UNKNOWN: Event.FAILED}


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What the work gave, and the session it was done on. `first` is true for the session's first lender."""

    result: T
    session: Session
    first: bool


class Pipeline:
    """Carries requests. An async context: on exit, commands that still run are ended and recorded."""

    def __init__(self, *, judge: Judge, audit: AuditSink, pool: Pool, rates: Rates, keyrings: Keyrings) -> None:
        self._judge = judge
        self._rates = rates
        self._audit = audit
        self._pool = pool
        self._keyrings = keyrings
        self._running: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=stop_wait_s)

    def start(self, request: Request, work: Work[T], on: Place | None = None) -> asyncio.Task[Done[T]]:
        """Carry the request all the way, under one deadline that the way to the host is part of.

        `on`: which of the host's seats the work is for, the shared one if none is given, or a session that is lent
        already. The task raises `DeniedError`, `AuditUnavailableError`, and whatever the way to the host raises; in
        each of these cases `sent` of the error says whether the command may have run.
        """
        # Not in a TaskGroup: an error of one request is an answer to its caller and must not end the others.
        task = asyncio.get_running_loop().create_task(self._carry(request, work, on))
        self._running.add(task)
        task.add_done_callback(self._forget)
        return task

    async def dispatch(self, request: Request, work: Work[T], on: Place | None = None) -> Done[T]:
        """Carry the request, and wait for its end; whoever stops waiting cancels it."""
        task = self.start(request, work, on)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: its caller may have left

    async def _carry(self, request: Request, work: Work[T], on: Place | None) -> Done[T]:
        began = asyncio.get_running_loop().time()
        try:
            self._rates.spend(request.principal)
            authorized = self._judge.authorized(request)
            judged = await self._judged(request, authorized)
        except McpSshError as error:
            await self._record(Event.FAILED, request, records.of_error(error))
            raise
        await self._record_decision(judged)
        self._refuse_unless_allowed(judged)
        return await self._run(judged, began + authorized.timeout_s, authorized.timeout_s, work, on)

    async def _judged(self, request: Request, authorized: Authorized) -> Judged:
        try:
            async with asyncio.timeout(authorized.timeout_s):
                addresses = await self._judge.addresses(authorized.host)
        except TimeoutError:
            raise _too_late(authorized.timeout_s, "its address was found") from None
        return self._judge.decided(request, authorized, addresses)

    async def _record_decision(self, judged: Judged) -> None:
        fields = records.of_judgement(judged.decision, judged.verdict)
        events = [Event.DECIDED] if judged.decision.confirmed_by is None else [Event.DECIDED, Event.OVERRIDE]
        await asyncio.gather(*(self._record(event, judged.request, fields) for event in events))  # one sync for both

    def _refuse_unless_allowed(self, judged: Judged) -> None:
        decision = judged.decision
        if decision.effect is Effect.ALLOW:
            return
        refused = ConfirmationRequiredError if decision.confirmable else DeniedError
        raise refused(
            f"not run: {decision.reason}",
            decision=decision,
            verdict=judged.verdict,
            hint="if this is really meant, ask the person you work for, then call again with confirm_dangerous: true"
            if decision.confirmable
            else "whoever runs mcp-ssh decides about this",
        )

    async def _run(self, judged: Judged, until: float, timeout_s: float, work: Work[T], on: Place | None) -> Done[T]:
        request = judged.request
        try:
            done = await self._on_session(judged, until, timeout_s, work, on)
        except McpSshError as error:
            await self._record(Event.FAILED, request, records.of_error(error), ran=error.sent)
            raise
        except asyncio.CancelledError:
            await self._record(Event.CANCELLED, request, {"reason": "cancelled before it was sent"})
            raise
        fields = records.of_session(done.session)
        event = Event.FINISHED
        if isinstance(done.result, CommandResult):
            fields |= records.of_result(done.result)
            event = _events.get(done.result.outcome, event)
        await self._record(event, request, fields, ran=True)
        return done

    async def _on_session(
        self, judged: Judged, until: float, timeout_s: float, work: Work[T], on: Place | None
    ) -> Done[T]:
        """Do the work on a session; once more on a new one if the connection was gone before anything was sent."""
        loop = asyncio.get_running_loop()
        if isinstance(on, Session):
            return Done(await work(on, judged, until - loop.time()), on, first=False)
        principal = judged.request.principal
        seat = Seat(judged.host, on or "", self._keyrings.login(principal, judged.host))
        for attempt in range(1, attempts + 1):
            try:
                async with asyncio.timeout_at(until) as way:
                    async with self._pool.lend(seat, judged.addresses, self._keyrings.of(principal)) as session:
                        first = session.lends == 1
                        way.reschedule(None)  # from here on the work keeps the deadline, and answers for it
                        try:
                            return Done(await work(session, judged, until - loop.time()), session, first)
                        except SessionLostError as error:
                            if error.sent or attempt == attempts:
                                raise
                            await self._pool.disconnect(session.id)
            except TimeoutError:
                raise _too_late(timeout_s, f"a session of {judged.host.name} was open") from None
        raise AssertionError  # the last attempt returns or raises

    async def _record(self, event: Event, request: Request, fields: records.Fields, *, ran: bool = False) -> None:
        try:
            await self._audit.append(event.value, records.of_request(request) | fields)
        except AuditUnavailableError as error:
            if not ran:
                raise
            raise AuditUnavailableError(
                f"the command ran and could not be recorded: {error.message}", hint=error.hint, sent=True
            ) from error


def _too_late(timeout_s: float, before: str) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the call's {timeout_s:g} s were over before {before}; nothing was sent",
        hint="check the host, or give a longer `timeout`",
    )
