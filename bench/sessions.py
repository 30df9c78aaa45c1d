"""Goal 9: a thousand connections of one process: what each takes, how long they take to open, what they cost idle.

All of it in a process of its own, which tells its figures as one line of JSON.
"""

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.clients.client import Target, address, target_of
from bench.clients.ours import command_of, driver_on, host_of, transport_of
from bench.memory import now_kib
from bench.rows import Row
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.ports import Connection
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

usual_count, quick_count = 1_000, 30
at_once = 8
warm_up, sample = 5, 20
settle_s = 0.5
keepalive_s = 15.0
"""The interval of a session's keepalives: in one of them each session has sent one."""
child_wait_s = 300.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the process found. `kib` for each session; `idle_share` of a core while all of them do nothing."""

    opened: int
    errors: int
    open_s: float
    kib: float
    idle_share: float
    answered: int


def rows(*, quick: bool) -> list[Row]:
    """One run: what it measures is sums already."""
    count, idle_s = (quick_count, 1.0) if quick else (usual_count, keepalive_s)
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd") as server:
        told = _in_a_process(target_of(server, Path(name)), count, idle_s)
    what = f"{count:,} sessions"
    failed = told.errors + count - told.opened + min(sample, count) - told.answered
    return [
        Row(9, f"{what}: memory of each", told.kib, "KB", 40),
        Row(9, f"{what}: until all are open", told.open_s, "s", 15),
        Row(9, f"{what}: errors", failed, "errors", 0),
        Row(9, f"{what}: idle, of one core", told.idle_share * 100, "%", 1),
    ]


def _in_a_process(target: Target, count: int, idle_s: float) -> Told:
    words = [sys.executable, "-m", "bench.sessions", json.dumps(asdict(target)), str(count), str(idle_s)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=child_wait_s)
    return Told(**json.loads(done.stdout))


# --- the process


async def _measured(target: Target, count: int, idle_s: float) -> Told:
    async with _many(target, warm_up):
        gc.collect()
        before = now_kib()
        began = time.perf_counter()
        async with _many(target, count) as (connections, errors):
            open_s = time.perf_counter() - began
            gc.collect()
            kib = (now_kib() - before) / max(1, len(connections))
            idle_share = await _idle(idle_s)
            answered = await _answers(target, connections[:: max(1, count // sample)][:sample])
    return Told(len(connections), len(errors), open_s, kib, idle_share, answered)


@contextlib.asynccontextmanager
async def _many(target: Target, count: int) -> AsyncIterator[tuple[Sequence[Connection], Sequence[McpSshError]]]:
    """That many connections, a few of them at a time, and what went wrong with others."""
    connections, errors, transport, host = (
        list[Connection](),
        list[McpSshError](),
        transport_of(target),
        host_of(target),
    )
    turns = iter(range(count))

    async def open_some() -> None:
        for _ in turns:
            try:
                connections.append(await transport.connect(host, [address], NoSecrets()))
            except McpSshError as error:
                errors.append(error)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(open_some())
    try:
        yield connections, errors
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))


async def _idle(seconds: float) -> float:
    """CPU seconds of this process in each second of doing nothing."""
    await asyncio.sleep(settle_s)
    spent, began = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (time.process_time() - spent) / (time.perf_counter() - began)


async def _answers(target: Target, connections: Sequence[Connection]) -> int:
    """How many of them still run a command."""
    right = 0
    for number, connection in enumerate(connections):
        result = await driver_on(connection, target, fast=False).run(command_of(f"echo {number}"))
        right += result.stdout.head == b"%d\n" % number
    return right


if __name__ == "__main__":
    told = asyncio.run(_measured(Target(**json.loads(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.write(json.dumps(asdict(told)) + "\n")
