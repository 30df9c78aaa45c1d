"""Time that passes when a test says so."""

import asyncio
import heapq
import itertools


class FakeClock:
    """A `Clock` that stands still. `advance` wakes sleepers in the order of their times."""

    def __init__(self, start: float = 1_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_700_000_000.0 + self._now

    async def sleep(self, seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), turn))
        await turn

    def is_awaited_in(self, seconds: float) -> bool:
        """Whether somebody sleeps for exactly so long from now on."""
        return any(abs(due - self._now - seconds) < 1e-6 for due, _, _ in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let the time pass; each sleeper runs at its own moment, and may sleep again within it."""
        until = self._now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, turn = heapq.heappop(self._sleepers)
            if not turn.done():
                turn.set_result(None)
            await self._settle()
        self._now = until

    @staticmethod
    async def _settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
