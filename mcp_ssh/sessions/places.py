"""The places of a pool: one for each seat, and found without a look at the others.

A pool may hold a thousand sessions, and each command comes by here twice. So the places of one host stand together, and
those that are idle stand in the order in which they became so.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

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


class Places:
    """All places. Whoever changes one says so to `settle`."""

    def __init__(self) -> None:
        self._by_seat: dict[Seat, Place] = {}
        self._by_host: dict[Host, dict[Seat, Place]] = {}
        self._idle: OrderedDict[str | None, Place] = OrderedDict()  # by session: the hash of a seat takes long

    def __len__(self) -> int:
        return len(self._by_seat)

    def __iter__(self) -> Iterator[Place]:
        """In the order in which they were added."""
        return iter(self._by_seat.values())

    def __contains__(self, seat: Seat) -> bool:
        return seat in self._by_seat

    def at(self, seat: Seat) -> Place | None:
        """The place of the seat, if it has one."""
        return self._by_seat.get(seat)

    def on(self, host: Host) -> tuple[Place, ...]:
        """Those of one host, in the order in which they were added."""
        return tuple(self._by_host.get(host, {}).values())

    def add(self, place: Place) -> Place:
        """Add the place, whose seat has none, and give it back."""
        self._by_seat[place.seat] = self._by_host.setdefault(place.seat.host, {})[place.seat] = place
        return place

    def remove(self, place: Place) -> None:
        """Forget the place."""
        seat, host = place.seat, place.seat.host
        del self._by_seat[seat], self._by_host[host][seat]
        if not self._by_host[host]:
            del self._by_host[host]
        self._idle.pop(place.session, None)

    def clear(self) -> None:
        """Forget all."""
        for places in (self._by_seat, self._by_host, self._idle):
            places.clear()

    def settle(self, place: Place) -> None:
        """Take note of whether the place is idle now."""
        if not place.is_idle:
            self._idle.pop(place.session, None)
        else:
            self._idle.setdefault(place.session, place)

    def idle(self) -> tuple[Place, ...]:
        """Those that are idle, the longest first."""
        return tuple(self._idle.values())

    def longest_idle(self) -> Place | None:
        """The first of those."""
        return next(iter(self._idle.values()), None)
