"""The pool: carries out its plan. It lives as long as the app, whoever comes and goes."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Protocol, Self

from mcp_ssh.model.errors import ConnectionFailedError, McpSshError, SessionLostError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import SessionView
from mcp_ssh.ports import Clock, Connection, Driver, Secrets, Through, Transport
from mcp_ssh.sessions.breaker import Breaker, Contact
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.plan import Action, Close, Grant, Open, Plan, Refuse
from mcp_ssh.sessions.session import Session, view_of
from mcp_ssh.sessions.turns import Approach, LatestSecrets, Turn, approach_of

Reconnect = Callable[[], Awaitable[Connection]]
DriverFactory = Callable[[Seat, Connection, Reconnect, Secrets], Driver]

look_every_s = 1.0
attempts = 2
stop_wait_s = 3.0


class SessionLog(Protocol):
    """Hears of sessions. Must not raise: a session that closes cannot be kept open by a disk that is full."""

    async def opened(self, session: Session) -> None:
        """A session stands; nothing has run on it."""
        ...

    async def closed(self, session: Session, reason: str) -> None:
        """A session is gone."""
        ...


class Pool:
    """Lends sessions. An async context: on exit everything that is open gets closed.

    Everything that it starts in the background belongs to it and ends with it.
    """

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        transport: Transport,
        driver_for: DriverFactory,
        clock: Clock,
        max_sessions: int,
        idle_timeout_s: Callable[[Host], float],
        log: SessionLog,
        breaker: Breaker | None = None,
    ) -> None:
        self._breaker = breaker or Breaker(random.random)
        self._transport = transport
        self._driver_for = driver_for
        self._clock = clock
        self._log = log
        self._plan = Plan(max_sessions=max_sessions, idle_timeout_s=idle_timeout_s)
        self._sessions: dict[str, Session] = {}
        self._tickets = itertools.count()
        self._turns: dict[int, Turn] = {}
        self._approaches: dict[Seat, Approach] = {}
        self._tasks = asyncio.TaskGroup()
        self._keepers: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._keep(self._reap())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._carry_out(self._plan.stopped(SessionLostError("the daemon stops; nothing was sent")))
        if self._closing:
            await asyncio.wait(self._closing, timeout=stop_wait_s)
        for keeper in self._keepers:
            keeper.cancel()
        # Without the error: a task group would wrap it, and it is none of the pool's.
        await self._tasks.__aexit__(None, None, None)
        for session in self._sessions.values():  # opened in the very moment of the stop
            await session.connection.close()

    @asynccontextmanager
    async def lend(
        self,
        seat: Seat,
        addresses: Sequence[str],
        secrets: Secrets,
        hops: Sequence[Sequence[str]] = (),
        *,
        forced: bool = False,
    ) -> AsyncIterator[Session]:
        """The session of the seat for one command; opened if there is none. The caller sets the deadline.

        Until the next one is lent the seat, `secrets` are what its driver and its second connections ask. `hops` are
        the addresses of each host on the way, the first that is dialled first. `forced`: it is dialled, and who is on
        the way, although that failed a moment ago.

        Raises `ConnectionFailedError` and its children, `SessionLimitError`.
        """
        self._refuse_held_back(seat, forced=forced)
        session = await self._turn(seat, approach_of(addresses, secrets, hops, forced=forced))
        session.lends += 1
        try:
            yield session
        finally:
            self._release(session)

    async def disconnect(self, session: str) -> None:
        """Close a session now; commands that run on it end as unknown. Unknown ids are ignored."""
        self._carry_out(self._plan.disconnected(session))

    def drain(self, hosts: Collection[Host]) -> None:
        """Only these hosts are configured now; nothing of any other is lent again once its commands are over."""
        self._carry_out(self._plan.drained(hosts))
        self._breaker.keep(hosts)

    def contact(self, host: Host) -> Contact | None:
        """What came of the latest try of the host; None if there was none since its entry is what it is."""
        return self._breaker.contact(host)

    def vouch(self, host: Host) -> None:
        """The host was reached a moment ago, under the terms that its entry has now."""
        self._breaker.reached((host, ""), self._clock.now())

    def sessions(self) -> tuple[SessionView, ...]:
        """All open sessions, the oldest first."""
        now = self._clock.now()
        views = [
            view_of(self._sessions[place.session], place, now, self._plan.closes_in(place, now))
            for place in self._plan.places
            if place.session is not None
        ]
        return tuple(sorted(views, key=lambda view: -view.age_s))

    async def _turn(self, seat: Seat, approach: Approach, *, carries: bool = False) -> Session:
        ticket = next(self._tickets)
        turn = Turn(asyncio.get_running_loop().create_future(), carries)
        self._turns[ticket] = turn
        self._approaches[seat] = approach
        try:
            self._carry_out(self._plan.wanted(seat, ticket, carries=carries))
            return await turn.granted
        except asyncio.CancelledError:
            self._withdraw(seat, ticket, turn)
            raise
        finally:
            del self._turns[ticket]

    def _withdraw(self, seat: Seat, ticket: int, turn: Turn) -> None:
        granted = turn.granted
        if granted.done() and not granted.cancelled() and granted.exception() is None:
            # The session was granted in the very moment of the cancellation.
            self._release(granted.result(), carried=turn.carries)
        else:
            self._plan.withdrawn(seat, ticket)

    def _release(self, session: Session, *, carried: bool = False) -> None:
        self._carry_out(self._plan.released(session.seat, session.id, self._clock.now(), carried=carried))

    def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Open(seat):
                    self._breaker.began((seat.host, seat.login))
                    self._keep(self._open(seat))
                case Close(_, session, reason):
                    closed = self._sessions.pop(session)
                    closed.is_open = False
                    task = self._tasks.create_task(self._close(closed, reason))
                    self._closing.add(task)
                    task.add_done_callback(self._closing.discard)
                case Grant(ticket, session):
                    self._grant(self._turns[ticket], self._sessions[session])
                case Refuse(ticket, error):
                    if not self._turns[ticket].granted.done():
                        self._turns[ticket].granted.set_exception(error)

    def _grant(self, turn: Turn, session: Session) -> None:
        if turn.granted.done():  # cancelled, and its task has not run since
            self._release(session, carried=turn.carries)
        else:
            turn.granted.set_result(session)

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        """Run work that is cut off when the pool closes."""
        task = self._tasks.create_task(work)
        self._keepers.add(task)
        task.add_done_callback(self._keepers.discard)

    async def _open(self, seat: Seat) -> None:
        host = seat.host
        approach = self._approaches[seat]
        try:
            connection = await self._connected(seat, approach.addresses, approach.secrets)
        except McpSshError as error:
            self._failed(seat, error)
            return
        except Exception as error:  # noqa: BLE001  the edge of a background task: whoever waits must hear of it
            self._failed(seat, ConnectionFailedError(f"{host.name}: {error}"))
            return
        self._breaker.reached((host, seat.login), self._clock.now())
        secrets = LatestSecrets(self._approaches, seat)
        judged = [connection.peer.address] if approach.addresses else []  # without any, a program knows where to go
        driver = self._driver_for(seat, connection, lambda: self._connected(seat, judged, secrets), secrets)
        session = Session(seat, connection, driver, self._clock.now())
        self._sessions[session.id] = session
        await self._log.opened(session)
        self._keep(self._follow(session))
        self._carry_out(self._plan.opened(seat, session.id, self._clock.now()))

    def _failed(self, seat: Seat, error: McpSshError) -> None:
        self._breaker.failed((seat.host, seat.login), error, self._clock.now())
        self._carry_out(self._plan.failed(seat, error))

    def _refuse_held_back(self, seat: Seat, *, forced: bool) -> None:
        """Raise `BackingOffError` where the host would be dialled for this, and failed a moment ago."""
        if not forced and self._plan.opens_for(seat):
            refused = self._breaker.refusal((seat.host, seat.login), self._clock.now())
            if refused is not None:
                raise refused

    async def _connected(self, seat: Seat, addresses: Sequence[str], secrets: Secrets) -> Connection:
        """A connection for the seat, through the session of its jump host where it has one.

        A jump host that turns out to be gone is found anew once: nothing was sent to anybody behind it.
        """
        if seat.via is None:
            return await self._transport.connect(seat.host, addresses, secrets)
        began = asyncio.get_running_loop().time()
        for attempt in range(1, attempts + 1):
            hop = await self._hop(seat, seat.via)
            try:
                return await self._carried(hop, seat, addresses, secrets, began)
            except SessionLostError as error:
                await self.disconnect(hop.id)
                if attempt == attempts:
                    raise error.on_the_way(seat.host.name, hop.host.name) from error
        raise AssertionError  # the last attempt returns or raises

    async def _hop(self, seat: Seat, via: Seat) -> Session:
        """The session on the jump host, lent to be gone through."""
        approach = self._approaches.get(seat)
        if approach is None or approach.before is None:  # a driver that outlived its session
            raise SessionLostError(f"nobody wants to go through {via.host.name} any more; nothing was sent")
        try:
            self._refuse_held_back(via, forced=approach.forced)
            return await self._turn(via, approach.before, carries=True)
        except McpSshError as error:
            told = error.on_the_way(seat.host.name, via.host.name)
            if isinstance(told, ConnectionFailedError):
                told.dialled = False  # nobody came as far as the host itself
            raise told from error

    async def _carried(
        self, hop: Session, seat: Seat, addresses: Sequence[str], secrets: Secrets, began: float
    ) -> Connection:
        """A connection through the hop, which is needed for as long as that lasts."""
        try:
            connection = await self._transport.connect(seat.host, addresses, secrets, Through(hop.connection, began))
        except BaseException:
            self._release(hop, carried=True)
            raise
        self._keep(self._carry(hop, connection))
        return connection

    async def _carry(self, hop: Session, connection: Connection) -> None:
        await connection.wait_closed()
        self._release(hop, carried=True)

    async def _follow(self, session: Session) -> None:
        error = await session.connection.wait_closed()
        session.is_open = False
        if self._sessions.pop(session.id, None) is not None:
            self._carry_out(self._plan.lost(session.seat, session.id))
            await self._log.closed(session, str(error or "closed"))

    async def _close(self, session: Session, reason: str) -> None:
        session.driver.changed()  # nothing stands ready any more
        await session.connection.close()
        await self._log.closed(session, reason)

    async def _reap(self) -> None:
        while True:
            await self._clock.sleep(look_every_s)
            self._carry_out(self._plan.ticked(self._clock.now()))
            if len(self._approaches) > len(self._plan.places):  # who has a place has an approach
                for seat in [seat for seat in self._approaches if self._plan.opens_for(seat)]:
                    del self._approaches[seat]
