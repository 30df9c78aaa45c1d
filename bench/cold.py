"""Goal 6: from nothing to the output of a first command."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.clients.client import Client, Target, target_of
from bench.clients.connrun import ConnRun
from bench.clients.libssh2 import Libssh2
from bench.clients.openssh import OpenSsh
from bench.clients.ours import Ours
from bench.clients.paramikos import Paramiko
from bench.rounds import call, rotated
from bench.rows import Rounds, Row, median, ratio
from bench.warm import hello, printed
from tests.support.sshd import Sshd

rest_s = 0.02


def rows(*, quick: bool) -> list[Row]:
    """A connection for one command, by all."""
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd") as server:
        found = asyncio.run(_measured(target_of(server, Path(name)), 2 if quick else 20))
    what = f"connect and first `{hello}`"
    return [
        Row(6, f"{what}: ours / ssh", ratio(found, "ours", "ssh"), "×", 0.30),
        *(Row(6, f"{what}: {way} / ssh", ratio(found, way, "ssh"), "×") for way in found if way not in {"ours", "ssh"}),
        *(Row(6, f"{what}: {way}", median(found, way) * 1e3, "ms") for way in found),
    ]


async def _measured(target: Target, rounds: int) -> Rounds:
    makers: dict[str, Callable[[Target], Client]] = {
        "ours": Ours,
        "ssh": OpenSsh,
        "libssh2": Libssh2,
        "conn.run": ConnRun,
        "paramiko": Paramiko,
    }
    expected = printed(hello)
    return await rotated({way: partial(_once, make, target, expected) for way, make in makers.items()}, rounds)


async def _once(make: Callable[[Target], Client], target: Target, expected: bytes) -> float:
    """Seconds until the output is there; the goodbye is not counted."""
    client, began = make(target), time.perf_counter()
    await client.open()
    try:
        await call(client, hello, expected)
        return time.perf_counter() - began
    finally:
        await client.close()
        await asyncio.sleep(rest_s)  # the server's end of it
