"""Interleaved rounds: every way one after the other in each round, in an order that moves on, all outputs compared."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bench.clients.client import Client
from bench.rows import Rounds


class UnequalError(Exception):
    """A way gave another output than it should have: its speed is worth nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`calls` of each way in each of the `rounds`, each call after a pause in which a client may make itself ready."""

    rounds: int
    calls: int
    pause_s: float = 0.0


@asynccontextmanager
async def opened(ways: Mapping[str, Client]) -> AsyncIterator[Mapping[str, Client]]:
    """The clients, logged in, and closed at the end."""
    async with AsyncExitStack() as stack:
        for client in ways.values():
            stack.push_async_callback(client.close)
            await client.open()
        yield ways


async def interleaved(ways: Mapping[str, Client], command: str, expected: bytes, plan: Plan) -> Rounds:
    """Seconds of a call by way, the median of its calls in each round; a round before them counts for nothing."""
    calls = {name: partial(called, client, command, expected, plan) for name, client in ways.items()}
    for way in calls.values():
        await way()
    return await rotated(calls, plan.rounds)


async def rotated(ways: Mapping[str, Callable[[], Awaitable[float]]], rounds: int) -> Rounds:
    """A figure of each way in each round, in an order that moves on by one in each round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in order(list(ways), number):
            found[name].append(await ways[name]())
    return found


def order(names: Sequence[str], number: int) -> Sequence[str]:
    """The names in the order of that round."""
    at = number % len(names)
    return [*names[at:], *names[:at]]


async def called(client: Client, command: str, expected: bytes, plan: Plan) -> float:
    """The median of its calls."""
    return statistics.median([await call(client, command, expected, plan.pause_s) for _ in range(plan.calls)])


async def call(client: Client, command: str, expected: bytes, pause_s: float = 0.0) -> float:
    """Seconds of one call. Raises `UnequalError` for another output than the expected one."""
    if pause_s:
        await asyncio.sleep(pause_s)
    took, output = await timed(client, command)
    compare(type(client).__name__, command, output, expected)
    return took


async def timed(client: Client, command: str) -> tuple[float, bytes]:
    """Seconds of one call, and its output."""
    began = time.perf_counter()
    output = await client.run(command)
    return time.perf_counter() - began, output


def compare(who: str, command: str, output: bytes, expected: bytes) -> None:
    """Raise `UnequalError` unless both are the same."""
    if output != expected:
        raise UnequalError(f"{who} gave {output[:200]!r} for {command!r}, and {expected[:200]!r} was expected")
