"""Rounds of the same calls on every server that is installed, each round in another order."""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench.peers.known import others, own
from bench.peers.peer import Kind, Peer, Way
from bench.peers.running import Running, expected, started
from bench.rows import Rounds
from tests.support.sshd import Sshd

T = TypeVar("T")

pause_s = 0.02


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: rounds of calls 20 ms apart, of bursts, of starts, and calls that warm a server up.

    A burst is so many calls right after each other. `slow`: with the servers that are slow.
    """

    apart: int
    bursts: int
    burst: int
    starts: int
    warm: int
    slow: bool


calls_apart = 3
usual = Extent(apart=20, bursts=15, burst=5, starts=7, warm=10, slow=True)
little = Extent(apart=1, bursts=1, burst=1, starts=0, warm=1, slow=False)


@dataclass(frozen=True, slots=True, order=True)
class What:
    """A tool and a command; `apart`: with 20 ms between calls, as an assistant calls at its fastest."""

    peer: str
    tool: str
    kind: Kind
    command: str
    apart: bool


@dataclass
class Found:
    """Milliseconds by what was called, seconds of each start, and characters of each list of tools."""

    calls: dict[What, list[float]] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=dict)
    chars: dict[str, int] = field(default_factory=dict)
    empty_ms: list[float] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Why a server was not measured."""

    def rounds(self, command: str, *, apart: bool) -> Rounds:
        """Of one command, by server and tool."""
        return {
            f"{what.peer} {what.tool}": times
            for what, times in self.calls.items()
            if what.command == command and what.apart == apart
        }


def measured(extent: Extent) -> Found:
    """All of it, against one sshd."""
    found = Found(missing={peer.name: "not installed" for peer in others if not peer.is_installed})
    found.missing |= {peer.name: "not in a quick run" for peer in others if peer.is_slow and not extent.slow}
    peers = [own, *(peer for peer in others if peer.name not in found.missing)]
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder) / "sshd") as server:
        for work in (_starts, _calls):
            try:
                asyncio.run(work(found, peers, extent, Path(folder), server))
            except BaseExceptionGroup as group:  # one for each server that was up
                raise _first_of(group) from None
    return found


def _first_of(error: BaseException) -> BaseException:
    return _first_of(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _starts(found: Found, peers: Sequence[Peer], extent: Extent, folder: Path, server: Sshd) -> None:
    """Each server alone, from its spawn to its first answer."""
    for turn in range(extent.starts):
        for peer in rotated(peers, turn):
            async with started(peer, folder, server) as running:
                found.starts.setdefault(peer.name, []).append(running.start_s)


async def _calls(found: Found, peers: Sequence[Peer], extent: Extent, folder: Path, server: Sshd) -> None:
    """All servers at once, of which one is called at a time."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        ready = [loop.create_future() for _ in peers]
        for peer, is_ready in zip(peers, ready, strict=True):
            group.create_task(_kept(peer, folder, server, is_ready, over))
        try:
            await _compared(found, await asyncio.gather(*ready), extent)
        finally:
            over.set()


async def _kept(peer: Peer, folder: Path, server: Sshd, ready: asyncio.Future[Running], over: asyncio.Event) -> None:
    """One server, from its start to its end in one task, as the SDK wants it."""
    async with started(peer, folder, server) as running:
        ready.set_result(running)
        await over.wait()


async def _compared(found: Found, all_running: Sequence[Running], extent: Extent) -> None:
    for running in all_running:
        found.chars[running.peer.name] = await running.tools_chars()
        found.starts.setdefault(running.peer.name, [running.start_s])
    await asyncio.gather(*(running.warm(extent.warm) for running in all_running))
    ways = [(running, way) for running in all_running for way in running.peer.ways]
    for command in expected:
        for turn in range(extent.apart):
            await _round(found, rotated(ways, turn), command, None)
        for turn in range(extent.bursts):
            await _round(found, rotated(ways, turn), command, extent.burst)
    for _ in range(extent.apart):
        await asyncio.sleep(pause_s)
        found.empty_ms.append(await all_running[0].empty())


async def _round(found: Found, ways: Sequence[tuple[Running, Way]], command: str, burst: int | None) -> None:
    """Every way once: the median of a burst, or of some calls with pauses between them."""
    for running, way in ways:
        times = list[float]()
        for _ in range(burst or calls_apart):
            if burst is None:
                await asyncio.sleep(pause_s)
            times.append(await running.call(way, command))
        what = What(running.peer.name, way.tool, way.kind, command, burst is None)
        found.calls.setdefault(what, []).append(statistics.median(times))


def rotated(all_of_them: Sequence[T], turn: int) -> list[T]:
    """The same, beginning with another one each turn."""
    first = turn % len(all_of_them)
    return [*all_of_them[first:], *all_of_them[:first]]
