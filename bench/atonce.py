"""Goal 5: many commands at once on one connection, and more of them than the server takes."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.clients.client import Client, Target, target_of
from bench.clients.connrun import ConnRun
from bench.clients.libssh2 import Libssh2
from bench.clients.libssh2many import Libssh2Many
from bench.clients.ours import Ours
from bench.rounds import compare, opened, rotated
from bench.rows import Rounds, Row, median, ratio
from tests.support.sshd import Sshd

few, crowd, flood, few_sessions = 8, 64, 200, 10
one_by_one, several = "libssh2, one by one", "libssh2, sixteen at once"

Way = Callable[[Sequence[str]], Awaitable[Sequence[bytes]]]


def rows(*, quick: bool) -> list[Row]:
    """The rates of 8 and of 64, and the errors of 200. The goal is about 64."""
    rounds = 2 if quick else 15
    return [*crowded(rounds, crowd, 1.0), *crowded(rounds, few, None), *flooded()]


def crowded(rounds: int, crowd: int, bound: float | None) -> list[Row]:
    """Rates of so many, against the better one of two ways to use libssh2."""
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd", max_sessions=2 * crowd) as server:
        found = asyncio.run(_rates(target_of(server, Path(name)), rounds, crowd))
    best = max(one_by_one, several, key=lambda way: median(found, way))
    what, others = f"{crowd} at once, rate", [way for way in found if way not in {"ours", best}]
    return [
        Row(5, f"{what}: ours / {best}", ratio(found, "ours", best), "×", bound, at_least=True),
        Row(5, f"{what}: ours / {one_by_one}", ratio(found, "ours", one_by_one), "×"),
        *(Row(5, f"{what}: {way} / {best}", ratio(found, way, best), "×") for way in others),
        *(Row(5, f"{what}: {way}", median(found, way), "/s") for way in found),
    ]


def flooded() -> list[Row]:
    """Two hundred on a server that takes ten."""
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd", max_sessions=few_sessions) as server:
        failed, took_s = asyncio.run(_flood(target_of(server, Path(name))))
    what = f"{flood} at once on MaxSessions {few_sessions}"
    return [Row(5, f"{what}: errors", failed, "errors", 0), Row(5, f"{what}: until the last", took_s, "s")]


async def _rates(target: Target, rounds: int, crowd: int) -> Rounds:
    ours, run, one, many = Ours(target), ConnRun(target), Libssh2(target), Libssh2Many(target)
    ways: dict[str, Way] = {
        "ours": partial(_together, ours),
        "conn.run": partial(_together, run),
        one_by_one: partial(_in_turn, one),
        several: many.together,
    }
    async with opened({"ours": ours, "run": run, "one": one, "many": many}):
        for way in ways.values():
            await _rate(way, crowd)
        return await rotated({name: partial(_rate, way, crowd) for name, way in ways.items()}, rounds)


async def _rate(way: Way, crowd: int) -> float:
    """Commands a second; each has an output of its own."""
    commands = [f"echo {number}" for number in range(crowd)]
    began = time.perf_counter()
    outputs = await way(commands)
    took = time.perf_counter() - began
    for number, output in enumerate(outputs):
        compare(repr(way), commands[number], output, b"%d\n" % number)
    return len(outputs) / took


async def _together(client: Client, commands: Sequence[str]) -> Sequence[bytes]:
    return await asyncio.gather(*(client.run(command) for command in commands))


async def _in_turn(client: Client, commands: Sequence[str]) -> Sequence[bytes]:
    return [await client.run(command) for command in commands]


async def _flood(target: Target) -> tuple[int, float]:
    """How many of them failed or gave another one's output, and the seconds that all took."""
    ours = Ours(target)
    async with opened({"ours": ours}):
        began = time.perf_counter()
        calls = [ours.run(f"echo {number}") for number in range(flood)]
        outputs = await asyncio.gather(*calls, return_exceptions=True)
        took = time.perf_counter() - began
    return sum(output != b"%d\n" % number for number, output in enumerate(outputs)), took
