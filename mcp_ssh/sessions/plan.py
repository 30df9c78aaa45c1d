"""What the pool does next: events and the time in, actions out. No I/O, no clock, no waiting.

One place for the rules: one opening per seat however many ask; a limit of sessions over all and of commands per host;
idle time counts from the end of the last command, and a session with a command is never idle; a session that was lost
is forgotten, the rest of the pool untouched.

A place is somebody's seat: the Host itself, login and all, and the shell that it is for, if it is for one. A host whose
entry changed is another seat, so nobody is ever lent a connection that was opened under other terms; a shell is lent to
one command at a time.

A session carries the connections to hosts behind it as well. To carry takes no command's turn, and as long as it
carries one it is never idle.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from mcp_ssh.model.errors import McpSshError, SessionLimitError
from mcp_ssh.model.host import Host
from mcp_ssh.sessions.places import Place, Places, Seat


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session for the seat, and tell `opened` or `failed`."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Close:
    """Close this session. It is forgotten already."""

    seat: Seat
    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The ticket's command may run on this session, or its connection go through it; tell `released` at its end."""

    ticket: int
    session: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The ticket gets nothing."""

    ticket: int
    error: McpSshError


Action = Open | Close | Grant | Refuse


class Plan:
    """The state of the pool. Every method is one event and returns what is to be done, in order."""

    def __init__(self, *, max_sessions: int, idle_timeout_s: Callable[[Host], float]) -> None:
        self._max_sessions = max_sessions
        self._idle_timeout_s = idle_timeout_s
        self._places = Places()
        self._hosts: frozenset[Host] | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, for showing."""
        return tuple(self._places)

    def opens_for(self, seat: Seat) -> bool:
        """Whether whoever wants the seat now is the first, for whom the host would be dialled."""
        return seat not in self._places

    def wanted(self, seat: Seat, ticket: int, *, carries: bool = False) -> list[Action]:
        """Somebody wants to run a command, or only to have the session open; or one that `carries` his connection."""
        place = self._places.at(seat)
        actions: list[Action] = []
        if place is None:
            if len(self._places) >= self._max_sessions:
                evicted = self._evict()
                if evicted is None:
                    return [Refuse(ticket, self._full())]
                actions.append(evicted)
            place = self._places.add(Place(seat))
            actions.append(Open(seat))
        (place.leaning if carries else place.waiting).append(ticket)
        actions += self._grants(place)
        self._places.settle(place)
        return actions

    def withdrawn(self, seat: Seat, ticket: int) -> None:
        """A ticket that still waits is no longer wanted. The opening goes on: the next caller will be glad of it."""
        place = self._places.at(seat)
        if place is None:
            return
        for queue in (place.waiting, place.leaning):
            if ticket in queue:
                queue.remove(ticket)
        self._places.settle(place)

    def opened(self, seat: Seat, session: str, now: float) -> list[Action]:
        """The session stands."""
        place = self._places.at(seat)
        if place is None or place.session is not None:
            return [Close(seat, session, "no longer wanted")]
        place.session = session
        place.idle_since = now
        grants = [*self._grants(place)]
        self._places.settle(place)
        return grants

    def failed(self, seat: Seat, error: McpSshError) -> list[Action]:
        """The session cannot be opened; all who wait hear why. The next caller tries anew."""
        place = self._places.at(seat)
        if place is None:
            return []
        self._places.remove(place)
        return [Refuse(ticket, error) for ticket in (*place.waiting, *place.leaning)]

    def released(self, seat: Seat, session: str, now: float, *, carried: bool = False) -> list[Action]:
        """A command on the session is over, or a connection that it carried."""
        place = self._places.at(seat)
        if place is None or place.session != session:
            return []  # it was lost or closed meanwhile
        if carried:
            place.carries -= 1
        else:
            place.lent -= 1
        place.idle_since = now
        grants = [*self._grants(*self._places.on(seat.host))]
        self._places.settle(place)
        if place.is_idle and self._hosts is not None and seat.host not in self._hosts:
            return [*grants, self._drop(place, "its host was changed or removed")]
        return grants

    def lost(self, seat: Seat, session: str) -> list[Action]:
        """The connection ended. Who waits for a turn gets a new one."""
        place = self._places.at(seat)
        if place is None or place.session != session:
            return []
        self._places.remove(place)
        others = [*self._grants(*self._places.on(seat.host))]
        if not place.waiting and not place.leaning:
            return others
        self._places.add(Place(seat, waiting=place.waiting, leaning=place.leaning))
        return [Open(seat), *others]

    def disconnected(self, session: str) -> list[Action]:
        """The caller wants this session closed."""
        for place in self.places:
            if place.session == session:
                actions = self.lost(place.seat, session)
                return [Close(place.seat, session, "disconnected"), *actions]
        return []

    def drained(self, hosts: Collection[Host]) -> list[Action]:
        """Only these hosts are configured now, with the way to each.

        Sessions of others close, those in use when that is over.
        """
        self._hosts = frozenset(each for host in hosts for each in (*host.hops, host))
        gone = [place for place in self._places.idle() if place.seat.host not in self._hosts]
        return [self._drop(place, "its host was changed or removed") for place in gone]

    def ticked(self, now: float) -> list[Action]:
        """Time passed: sessions that were idle for too long close."""
        idle = self._places.idle()
        late = [place for place in idle if now - place.idle_since >= self._idle_timeout_s(place.seat.host)]
        return [self._drop(place, "idle") for place in late]

    def stopped(self, error: McpSshError) -> list[Action]:
        """The pool closes: nobody gets anything any more."""
        actions: list[Action] = []
        for place in self.places:
            actions += [Refuse(ticket, error) for ticket in (*place.waiting, *place.leaning)]
            if place.session is not None:
                actions.append(Close(place.seat, place.session, "stopped"))
        self._places.clear()
        return actions

    def closes_in(self, place: Place, now: float) -> float | None:
        """Seconds until the place closes for idleness; None while it is in use."""
        return max(0.0, place.idle_since + self._idle_timeout_s(place.seat.host) - now) if place.is_idle else None

    def _grants(self, *places: Place) -> Iterator[Action]:
        for place in places:
            while place.leaning and place.session is not None:
                place.carries += 1
                yield Grant(place.leaning.popleft(), place.session)
            while place.waiting and place.session is not None and self._has_room(place):
                place.lent += 1
                yield Grant(place.waiting.popleft(), place.session)

    def _has_room(self, place: Place) -> bool:
        """Whether another command may run now: one in a shell, and no more on the host than it takes."""
        if place.seat.shell and place.lent:
            return False
        most = place.seat.host.limits.max_concurrent
        return most is None or sum(each.lent for each in self._places.on(place.seat.host)) < most

    def _evict(self) -> Action | None:
        idle = self._places.longest_idle()
        return None if idle is None else self._drop(idle, "evicted")

    def _drop(self, place: Place, reason: str) -> Action:
        self._places.remove(place)
        assert place.session is not None  # noqa: S101  only idle places are dropped, and those are open
        return Close(place.seat, place.session, reason)

    def _full(self) -> McpSshError:
        return SessionLimitError(
            f"all {self._max_sessions} sessions are open and busy; nothing was sent",
            hint="try again when a command has ended, close one with ssh_disconnect, or raise settings.max_sessions",
        )
