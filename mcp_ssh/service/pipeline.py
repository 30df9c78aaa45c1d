"""The one path of everything that touches a host: authorize, resolve, classify, decide, audit, run, audit.

The first four steps give a value (see judge.py), and a dry run is that value. All seven run in a task of their own,
owned by the pipeline: a caller who leaves cancels it, and it still ends the command on the host and writes its record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation, Request
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import (
    AuditUnavailableError,
    DeadlineExceededError,
    McpSshError,
    SessionLostError,
)
from mcp_ssh.model.files import FileResult
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Principal
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.ports import AuditSink
from mcp_ssh.service import records
from mcp_ssh.service.approvals import Approvals, led_elsewhere, refusal
from mcp_ssh.service.authorize import Authorized
from mcp_ssh.service.judge import Judge, Judged
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.rates import Rates
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session
from mcp_ssh_drivers.cancellation import undisturbed

T = TypeVar("T")
Work = Callable[[Session, Judged, float], Awaitable[T]]
"""What to do on a session with what was judged, within that many seconds."""

Place = Session | str
"""A session that is lent already, or the handle of a shell."""

dials_at_once = frozenset({Operation.CONNECT, Operation.ADD_HOST, Operation.REMOVE_HOST, Operation.ROTATE_IDENTITY})
"""What somebody asks for in order to reach the host: it is dialled though it could not be reached a moment ago."""

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

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self, *, judge: Judge, approvals: Approvals, audit: AuditSink, pool: Pool, rates: Rates, keyrings: Keyrings
    ) -> None:
        self._judge = judge
        self._approvals = approvals
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

    def start(
        self, request: Request, work: Work[T], on: Place | None = None, decided: asyncio.Future[object] | None = None
    ) -> asyncio.Task[Done[T]]:
        """Carry the request all the way, under one deadline that the way to the host is part of.

        `on`: which of the host's seats the work is for, the shared one if none is given, or a session that is lent
        already. `decided` is done once it may run. The task raises `DeniedError`, `AuditUnavailableError`, and whatever
        the way to the host raises; in each of these cases `sent` of the error says whether the command may have run.
        """
        # Not in a TaskGroup: an error of one request is an answer to its caller and must not end the others.
        return self.own(self._carry(request, work, on, decided))

    def own(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Run work that starts requests by itself: it ends with the pipeline, if not before."""
        task = asyncio.get_running_loop().create_task(work)
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

    async def _carry(
        self, request: Request, work: Work[T], on: Place | None, decided: asyncio.Future[object] | None
    ) -> Done[T]:
        began = asyncio.get_running_loop().time()
        try:
            self._rates.spend(request.principal, call=not request.is_part)
            authorized = self._judge.authorized(request)
            judged = await self._judged(request, authorized)
        except McpSshError as error:
            error.is_recorded = True
            await self._record(Event.FAILED, request, records.of_error(error))
            raise
        judged = await self._allowed(judged, on if isinstance(on, str) else on.id if on is not None else "")
        if decided is not None:
            decided.set_result(None)
        return await self._run(judged, began + authorized.timeout_s, authorized.timeout_s, work, on)

    async def _judged(self, request: Request, authorized: Authorized) -> Judged:
        try:
            async with asyncio.timeout(authorized.timeout_s):
                addresses = await self._judge.addresses(authorized.host)
                hops = await self._judge.hops(authorized.host)
        except TimeoutError:
            raise _too_late(authorized.timeout_s, "its address was found") from None
        return self._judge.decided(request, authorized, addresses, hops)

    async def _allowed(self, judged: Judged, place: str) -> Judged:
        """With what a person said to it. Raises `DeniedError`, once the decision is recorded, unless it may run."""
        approval = None
        if judged.decision.effect is Effect.CONFIRM:
            word = self._approvals.word(judged, place)
            if word is not None:
                judged = self._judge.with_word(judged, word.by, word.refused)
            asked = self._approvals.ask(judged, place) if judged.decision.asks_person else None
            approval = word.approval if word is not None else asked.id if asked is not None else None
        await self.record_decision(judged, approval)
        if judged.decision.effect is not Effect.ALLOW:
            refused = refusal(judged, approval)
            refused.is_recorded = True
            raise refused
        return judged

    async def look_again(self, judged: Judged, path: str) -> None:
        """Judge the same request with the path that its own one really leads to; recorded before anything is moved.

        What was said to the first path counts for no other. Raises `DeniedError`.
        """
        assert judged.request.file is not None  # noqa: S101  only a file's path leads elsewhere
        request = replace(judged.request, file=replace(judged.request.file, path=path), answer=None)
        again = self._judge.decided(request, Authorized(judged.host, None, 0), judged.addresses, judged.hops)
        await self.record_decision(again, None)
        if again.decision.effect is not Effect.ALLOW:
            raise led_elsewhere(again, judged.request.file.path)

    async def record_decision(self, judged: Judged, approval: str | None) -> None:
        """Return when it is on record what was decided, and which approval it waits for or had."""
        fields = records.of_judgement(judged.decision, judged.verdict) | ({"approval": approval} if approval else {})
        events = [Event.DECIDED] if judged.decision.confirmed_by is None else [Event.DECIDED, Event.OVERRIDE]
        # one sync for both
        await asyncio.gather(*(self._record(event, judged, fields) for event in events))

    async def _run(self, judged: Judged, until: float, timeout_s: float, work: Work[T], on: Place | None) -> Done[T]:
        began = asyncio.get_running_loop().time()
        try:
            done = await self._on_session(judged, until, timeout_s, work, on)
        except McpSshError as error:
            error.is_recorded = True
            await undisturbed(self._record(Event.FAILED, judged, records.of_error(error), ran=error.sent))
            raise
        except asyncio.CancelledError as left:
            reason = str(left) or "cancelled before it was sent"
            await undisturbed(self._record(Event.CANCELLED, judged, {"reason": reason}))
            raise
        fields = records.of_session(done.session)
        event = Event.FINISHED
        if isinstance(done.result, CommandResult):
            fields |= records.of_result(done.result)
            event = _events.get(done.result.outcome, event)
        elif isinstance(done.result, FileResult) and judged.request.file is not None:
            fields |= records.of_file(done.result, judged.request.file.path)
            fields["duration_ms"] = round((asyncio.get_running_loop().time() - began) * 1000, 1)
            event = Event.FILE_WRITE if judged.request.file.action.writes else Event.FILE_READ
        await undisturbed(self._record(event, judged, fields, ran=True))
        return done

    async def _on_session(
        self, judged: Judged, until: float, timeout_s: float, work: Work[T], on: Place | None
    ) -> Done[T]:
        """Do the work on a session; once more on a new one if the connection was gone before anything was sent."""
        loop = asyncio.get_running_loop()
        if isinstance(on, Session):
            self._started(judged, on)
            return Done(await work(on, judged, until - loop.time()), on, first=False)
        principal, forced = judged.request.principal, judged.request.operation in dials_at_once
        await self._fetched(principal, judged.host, until, timeout_s)
        seat = self._seat(principal, judged.host, on or "")
        for attempt in range(1, attempts + 1):
            try:
                async with asyncio.timeout_at(until) as way:
                    secrets = self._keyrings.of(principal, judged.request.id)
                    lent = self._pool.lend(seat, judged.addresses, secrets, judged.hops, forced=forced)
                    async with lent as session:
                        first = session.lends == 1
                        self._started(judged, session)
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

    def _seat(self, principal: Principal, host: Host, shell: str = "") -> Seat:
        """Where the principal sits, there and on the way: each login is one of its own secrets."""
        via = self._seat(principal, host.jump) if host.jump is not None else None
        return Seat(host, shell, self._keyrings.login(principal, host), via)

    def _started(self, judged: Judged, session: Session) -> None:
        """The command is handed to its session; that it may be was on the disk before."""
        request = judged.request
        if judged.command is not None or request.file is not None or request.node is not None:
            fields = {"id": request.id, "host": request.host, "tool": request.operation.value, "session": session.id}
            self._audit.note(Event.STARTED.value, fields)

    async def _fetched(self, principal: Principal, host: Host, until: float, timeout_s: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._keyrings.fetch(principal, host)
        except TimeoutError:
            raise _too_late(timeout_s, "its secrets were found") from None

    async def _record(
        self, event: Event, about: Request | Judged, fields: records.Fields, *, ran: bool = False
    ) -> None:
        try:
            await self._audit.append(event.value, records.of(about) | fields)
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
