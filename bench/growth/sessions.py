"""The pool with more and more sessions, each a real connection to one sshd on loopback."""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.growth.fit import Growth, each
from bench.memory import now_kib
from mcp_ssh.app import SystemClock
from mcp_ssh.platforms import drivers
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh_drivers.registry import known
from tests.support.hosts import settings
from tests.support.posix import host_of
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

usual_sizes, quick_sizes = (10, 100, 1_000), (5, 10, 20)
at_once = 8
warm_up = 3
lends, listings = 200, 20


class NoLog:
    """A `SessionLog` that hears nothing."""

    async def opened(self, session: Session) -> None:
        """Nothing."""

    async def closed(self, session: Session, reason: str) -> None:
        """Nothing."""


def measured(sizes: Sequence[int]) -> list[Growth]:
    """All of it, on one pool that grows from size to size."""
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder) / "sshd") as server:
        return asyncio.run(_measured(server, Path(folder), sizes))


async def _measured(server: Sshd, folder: Path, sizes: Sequence[int]) -> list[Growth]:
    open_s, kib, lend_s, list_s = (dict[int, float]() for _ in range(4))
    seats = [Seat(host_of(server, name=f"web{number:05d}")) for number in range(warm_up + max(sizes))]
    async with pool_in(folder, len(seats)) as pool:
        await opened(pool, seats[:warm_up], server)
        gc.collect()
        before, spent, count = now_kib(), 0.0, warm_up
        for size in sizes:
            began = time.perf_counter()
            await opened(pool, seats[count : warm_up + size], server)
            spent, count = spent + time.perf_counter() - began, warm_up + size
            gc.collect()
            open_s[size], kib[size] = spent, now_kib() - before
            lend_s[size] = await lending(pool, seats[:count], server)
            list_s[size] = listing(pool, count)
    return [
        Growth("sessions opened", _in_ms(open_s), "ms", "sessions"),
        Growth("memory of sessions", kib, "KB", "sessions"),
        Growth("one session lent and given back", _in_ms(each(lend_s)), "ms", "sessions"),
        Growth("all sessions listed", _in_ms(list_s), "ms", "sessions"),
    ]


def pool_in(folder: Path, most: int) -> Pool:
    """A pool as the daemon has it, for so many sessions."""
    return Pool(
        transport=SshTransport(settings(state_dir=str(folder / "state"))),
        driver_for=drivers(known()),
        clock=SystemClock(),
        max_sessions=most,
        idle_timeout_s=lambda _: 600.0,
        log=NoLog(),
    )


async def opened(pool: Pool, seats: Sequence[Seat], server: Sshd) -> None:
    """Have each seat lent once, a few at a time: sshd takes no crowd at its door."""
    room = asyncio.Semaphore(at_once)

    async def one(seat: Seat) -> None:
        async with room, pool.lend(seat, [server.address], NoSecrets()) as session:
            if not session.is_open:
                raise RuntimeError(f"{seat.host.name} was lent a session that is closed")

    async with asyncio.TaskGroup() as group:
        for seat in seats:
            group.create_task(one(seat))


async def lending(pool: Pool, seats: Sequence[Seat], server: Sshd) -> float:
    """Seconds to be lent an open session and to give it back, all over the pool."""
    secrets, times = NoSecrets(), list[float]()
    for number in range(lends):
        seat = seats[number * len(seats) // lends]
        began = time.perf_counter()
        async with pool.lend(seat, [server.address], secrets):
            pass
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def listing(pool: Pool, count: int) -> float:
    """Seconds to list them all: the best time, for others hold a collection of garbage."""
    times = list[float]()
    for _ in range(listings):
        began = time.perf_counter()
        views = pool.sessions()
        times.append(time.perf_counter() - began)
        if len(views) != count:
            raise RuntimeError(f"{len(views)} sessions are open, not {count}")
    return min(times)


def _in_ms(seconds: dict[int, float]) -> dict[int, float]:
    return {size: value * 1e3 for size, value in seconds.items()}
