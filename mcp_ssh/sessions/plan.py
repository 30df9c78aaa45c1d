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

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from mcp_ssh.model.errors import McpSshError, SessionLimitError
from mcp_ssh.model.host import Host


@dataclass(frozen=True, slots=True)
class Seat:
    """What a session is for: stateless commands on a host, or one shell there, by the shell's handle.

    `login` tells apart those who log in there by other secrets: nobody is lent what he could not have opened.
    `via` is the seat on the jump host that the session goes through, where the host has one.
    """

    host: Host
    shell: str = ""
    login: str = ""
    via: "Seat | None" = None


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


@dataclass(slots=True)
class Place:
    """What is known of one seat. `session` is None while it is being opened.

    `lent` counts commands and `carries` connections through it; those who wait for it are in `waiting` and `leaning`.
    """

    seat: Seat
    session: str | None = None
    lent: int = 0
    carries: int = 0
    idle_since: float = 0.0
    waiting: deque[int] = field(default_factory=deque)
    leaning: deque[int] = field(default_factory=deque)

    @property
    def is_used(self) -> bool:
        """Whether something runs on it or goes through it."""
        return self.lent > 0 or self.carries > 0

    @property
    def is_idle(self) -> bool:
        """Open, and nobody uses it or waits."""
        return self.session is not None and not self.is_used and not self.waiting and not self.leaning


class Plan:
    """The state of the pool. Every method is one event and returns what is to be done, in order."""

    def __init__(self, *, max_sessions: int, idle_timeout_s: Callable[[Host], float]) -> None:
        self._max_sessions = max_sessions
        self._idle_timeout_s = idle_timeout_s
        self._places: dict[Seat, Place] = {}
        self._hosts: frozenset[Host] | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, for showing."""
        return tuple(self._places.values())

    def opens_for(self, seat: Seat) -> bool:
        """Whether whoever wants the seat now is the first, for whom the host would be dialled."""
        return seat not in self._places

    def wanted(self, seat: Seat, ticket: int, *, carries: bool = False) -> list[Action]:
        """Somebody wants to run a command, or only to have the session open; or one that `carries` his connection."""
        place = self._places.get(seat)
        actions: list[Action] = []
        if place is None:
            if len(self._places) >= self._max_sessions:
                evicted = self._evict()
                if evicted is None:
                    return [Refuse(ticket, self._full())]
                actions.append(evicted)
            place = self._places[seat] = Place(seat)
            actions.append(Open(seat))
        (place.leaning if carries else place.waiting).append(ticket)
        return [*actions, *self._grants(place)]

    def withdrawn(self, seat: Seat, ticket: int) -> None:
        """A ticket that still waits is no longer wanted. The opening goes on: the next caller will be glad of it."""
        place = self._places.get(seat)
        for queue in () if place is None else (place.waiting, place.leaning):
            if ticket in queue:
                queue.remove(ticket)

    def opened(self, seat: Seat, session: str, now: float) -> list[Action]:
        """The session stands."""
        place = self._places.get(seat)
        if place is None or place.session is not None:
            return [Close(seat, session, "no longer wanted")]
        place.session = session
        place.idle_since = now
        return [*self._grants(place)]

    def failed(self, seat: Seat, error: McpSshError) -> list[Action]:
        """The session cannot be opened; all who wait hear why. The next caller tries anew."""
        place = self._places.pop(seat, None)
        return [Refuse(ticket, error) for ticket in (*place.waiting, *place.leaning)] if place else []

    def released(self, seat: Seat, session: str, now: float, *, carried: bool = False) -> list[Action]:
        """A command on the session is over, or a connection that it carried."""
        place = self._places.get(seat)
        if place is None or place.session != session:
            return []  # it was lost or closed meanwhile
        if carried:
            place.carries -= 1
        else:
            place.lent -= 1
        place.idle_since = now
        grants = [*self._grants(*self._on(seat.host))]
        if place.is_idle and self._hosts is not None and seat.host not in self._hosts:
            return [*grants, self._drop(place, "its host was changed or removed")]
        return grants

    def lost(self, seat: Seat, session: str) -> list[Action]:
        """The connection ended. Who waits for a turn gets a new one."""
        place = self._places.get(seat)
        if place is None or place.session != session:
            return []
        del self._places[seat]
        others = [*self._grants(*self._on(seat.host))]
        if not place.waiting and not place.leaning:
            return others
        self._places[seat] = Place(seat, waiting=place.waiting, leaning=place.leaning)
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
        gone = [place for place in self.places if place.is_idle and place.seat.host not in self._hosts]
        return [self._drop(place, "its host was changed or removed") for place in gone]

    def ticked(self, now: float) -> list[Action]:
        """Time passed: sessions that were idle for too long close."""
        late = [p for p in self.places if p.is_idle and now - p.idle_since >= self._idle_timeout_s(p.seat.host)]
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

    def _on(self, host: Host) -> list[Place]:
        return [place for place in self.places if place.seat.host == host]

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
        return most is None or sum(each.lent for each in self._on(place.seat.host)) < most

    def _evict(self) -> Action | None:
        idle = [place for place in self.places if place.is_idle]
        return self._drop(min(idle, key=lambda place: place.idle_since), "evicted") if idle else None

    def _drop(self, place: Place, reason: str) -> Action:
        del self._places[place.seat]
        assert place.session is not None  # noqa: S101  only idle places are dropped, and those are open
        return Close(place.seat, place.session, reason)

    def _full(self) -> McpSshError:
        return SessionLimitError(
            f"all {self._max_sessions} sessions are open and busy; nothing was sent",
            hint="try again when a command has ended, close one with ssh_disconnect, or raise settings.max_sessions",
        )
