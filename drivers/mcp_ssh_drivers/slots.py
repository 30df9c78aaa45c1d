"""How many commands one connection carries at once: learned from the host's first refusal, queued from then on."""

import asyncio
from collections import deque


class ChannelSlots:
    """Lends slots in the order of asking.

    Unlimited until the host refuses a channel (MaxSessions is not announced). From then on one slot less is lent than
    the most channels that ever stood at once, so that there is always room for the channel that ends a command.
    """

    def __init__(self) -> None:
        self._limit: int | None = None
        self._lent = 0
        self._standing = 0
        self._most = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int | None:
        """Commands that run at once; None while it is not known."""
        return self._limit

    @property
    def standing(self) -> int:
        """Channels that are open now."""
        return self._standing

    @property
    def has_room(self) -> bool:
        """Whether the host would open one channel more, as far as is known."""
        return self._limit is None or self._standing < self._limit

    async def take(self) -> None:
        """Wait for a slot. The caller sets the deadline, and gives every slot back that it got."""
        if self._is_free() and not self._waiting:
            self._lent += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()  # the slot came in the very moment of the cancellation
            else:
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        """Return a slot; the next in the queue gets it."""
        self._lent -= 1
        while self._waiting and self._is_free():
            turn = self._waiting.popleft()
            if not turn.done():
                self._lent += 1
                turn.set_result(None)

    def opened(self) -> None:
        """A channel stands."""
        self._standing += 1
        self._most = max(self._most, self._standing)

    def closed(self) -> None:
        """A channel that stood is gone."""
        self._standing -= 1

    def refused(self) -> None:
        """The host refused a channel."""
        self._limit = max(1, self._most - 1)

    def _is_free(self) -> bool:
        return self._limit is None or self._lent < self._limit
