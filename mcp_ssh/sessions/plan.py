"""What the pool does next: events and the time in, actions out. No I/O, no clock, no waiting.

One place for the rules: one opening per host however many ask; a limit of sessions over all and of commands per host;
idle time counts from the end of the last command, and a session with a command is never idle; a session that was lost
is forgotten, the rest of the pool untouched.

The key of a place is the Host itself, login and all: a host whose entry changed is another key, so nobody is ever lent
a connection that was opened under other terms.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcp_ssh.model.errors import McpSshError, SessionLimitError
from mcp_ssh.model.host import Host


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session for the host, and tell `opened` or `failed`."""

    host: Host


@dataclass(frozen=True, slots=True)
class Close:
    """Close this session. It is forgotten already."""

    host: Host
    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The ticket's command may run on this session; tell `released` when it is over."""

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
    """What is known of one host. `session` is None while it is being opened."""

    host: Host
    session: str | None = None
    lent: int = 0
    idle_since: float = 0.0
    waiting: deque[int] = field(default_factory=deque)

    @property
    def is_idle(self) -> bool:
        """Open, and nobody runs or waits."""
        return self.session is not None and self.lent == 0 and not self.waiting

    @property
    def has_room(self) -> bool:
        """Whether another command may run now."""
        most = self.host.limits.max_concurrent
        return self.session is not None and (most is None or self.lent < most)


class Plan:
    """The state of the pool. Every method is one event and returns what is to be done, in order."""

    def __init__(self, *, max_sessions: int, idle_timeout_s: float) -> None:
        self._max_sessions = max_sessions
        self._idle_timeout_s = idle_timeout_s
        self._places: dict[Host, Place] = {}

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, for showing."""
        return tuple(self._places.values())

    def wanted(self, host: Host, ticket: int) -> list[Action]:
        """Somebody wants to run a command on the host, or only to have it open."""
        place = self._places.get(host)
        actions: list[Action] = []
        if place is None:
            if len(self._places) >= self._max_sessions:
                evicted = self._evict()
                if evicted is None:
                    return [Refuse(ticket, self._full())]
                actions.append(evicted)
            place = self._places[host] = Place(host)
            actions.append(Open(host))
        place.waiting.append(ticket)
        return [*actions, *self._grants(place)]

    def withdrawn(self, host: Host, ticket: int) -> None:
        """A ticket that still waits is no longer wanted. The opening goes on: the next caller will be glad of it."""
        place = self._places.get(host)
        if place is not None and ticket in place.waiting:
            place.waiting.remove(ticket)

    def opened(self, host: Host, session: str, now: float) -> list[Action]:
        """The session stands."""
        place = self._places.get(host)
        if place is None or place.session is not None:
            return [Close(host, session, "no longer wanted")]
        place.session = session
        place.idle_since = now
        return [*self._grants(place)]

    def failed(self, host: Host, error: McpSshError) -> list[Action]:
        """The session cannot be opened; all who wait hear why. The next caller tries anew."""
        place = self._places.pop(host, None)
        return [Refuse(ticket, error) for ticket in place.waiting] if place else []

    def released(self, host: Host, session: str, now: float) -> list[Action]:
        """A command on the session is over."""
        place = self._places.get(host)
        if place is None or place.session != session:
            return []  # it was lost or closed meanwhile
        place.lent -= 1
        place.idle_since = now
        return [*self._grants(place)]

    def lost(self, host: Host, session: str) -> list[Action]:
        """The connection ended. Who waits for a turn gets a new one."""
        place = self._places.get(host)
        if place is None or place.session != session:
            return []
        del self._places[host]
        if not place.waiting:
            return []
        self._places[host] = Place(host, waiting=place.waiting)
        return [Open(host)]

    def disconnected(self, session: str) -> list[Action]:
        """The caller wants this session closed."""
        for place in self.places:
            if place.session == session:
                actions = self.lost(place.host, session)
                return [Close(place.host, session, "disconnected"), *actions]
        return []

    def ticked(self, now: float) -> list[Action]:
        """Time passed: sessions that were idle for too long close."""
        late = [p for p in self.places if p.is_idle and now - p.idle_since >= self._idle_timeout_s]
        return [self._drop(place, "idle") for place in late]

    def stopped(self, error: McpSshError) -> list[Action]:
        """The pool closes: nobody gets anything any more."""
        actions: list[Action] = []
        for place in self.places:
            actions += [Refuse(ticket, error) for ticket in place.waiting]
            if place.session is not None:
                actions.append(Close(place.host, place.session, "stopped"))
        self._places.clear()
        return actions

    def closes_in(self, place: Place, now: float) -> float | None:
        """Seconds until the place closes for idleness; None while it is in use."""
        return max(0.0, place.idle_since + self._idle_timeout_s - now) if place.is_idle else None

    def _grants(self, place: Place) -> Iterator[Action]:
        while place.waiting and place.has_room and place.session is not None:
            place.lent += 1
            yield Grant(place.waiting.popleft(), place.session)

    def _evict(self) -> Action | None:
        idle = [place for place in self.places if place.is_idle]
        return self._drop(min(idle, key=lambda place: place.idle_since), "evicted") if idle else None

    def _drop(self, place: Place, reason: str) -> Action:
        del self._places[place.host]
        assert place.session is not None  # noqa: S101  only idle places are dropped, and those are open
        return Close(place.host, place.session, reason)

    def _full(self) -> McpSshError:
        return SessionLimitError(
            f"all {self._max_sessions} sessions are open and busy; nothing was sent",
            hint="try again when a command has ended, close one with ssh_disconnect, or raise settings.max_sessions",
        )
