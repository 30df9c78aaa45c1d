"""Goal 7: a hundred megabytes of output, their rate and what the process grows by.

The bound is against OpenSSH on a connection that stands, as ours does, read by a pipe, as a program gets it that asked
for it. Beside it: into /dev/null, which nobody reads; by our cipher in place of its own choice; by a new connection.
"""

import asyncio
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.apart import Apart
from bench.clients.client import Target, target_of
from bench.clients.connrun import ConnRun
from bench.clients.libssh2 import Libssh2
from bench.clients.openssh import Mux, words_of
from bench.rounds import UnequalError, compare, opened, rotated
from bench.rows import Rounds, Row, median, ratio
from tests.support.sshd import Sshd

quick_bytes, usual_bytes = 10_000_000, 100_000_000
chunk_bytes = 1_048_576


def rows(*, quick: bool) -> list[Row]:
    """Rates, and our growth."""
    size = quick_bytes if quick else usual_bytes
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd") as server:
        found, grown_kib = asyncio.run(_measured(target_of(server, Path(name)), size, 2 if quick else 9))
    what, others = f"{size // 1_000_000} MB of output", [way for way in found if way not in {"ours", "mux"}]
    return [
        Row(7, f"{what}: rate, ours / mux", ratio(found, "ours", "mux"), "×", 1.2, at_least=True),
        Row(7, f"{what}: memory grown by", grown_kib / 1024, "MB", 10),
        *(Row(7, f"{what}: rate, ours / {way}", ratio(found, "ours", way), "×") for way in others),
        *(Row(7, f"{what}: {way}", median(found, way), "MB/s") for way in found),
    ]


async def _measured(target: Target, size: int, rounds: int) -> tuple[Rounds, int]:
    command = f"head -c {size} /dev/zero | tr '\\0' x"
    mux, gcm = Mux(target), Mux(target, "-c", "aes128-gcm@openssh.com")
    libssh2, run = Libssh2(target), ConnRun(target)
    with Apart(target) as ours:
        async with opened({"mux": mux, "gcm": gcm, "libssh2": libssh2, "conn.run": run}):
            ways: dict[str, Callable[[], Awaitable[float]]] = {
                "ours": partial(_ours, ours, command, size),
                "mux": partial(asyncio.to_thread, _piped, [*mux.words, command], size),
                "mux into /dev/null": partial(asyncio.to_thread, _into_nothing, [*mux.words, command], size),
                "mux with aes128-gcm": partial(asyncio.to_thread, _piped, [*gcm.words, command], size),
                "a new ssh": partial(asyncio.to_thread, _piped, [*words_of(target), command], size),
                "libssh2": partial(_of_client, libssh2, command, size),
                "conn.run": partial(_of_client, run, command, size),
            }
            found = await rotated(ways, rounds)
        return found, ours.run(command).grown_kib


async def _ours(ours: Apart, command: str, size: int) -> float:
    told = ours.run(command)
    if (told.sent, told.sha256) != (size, _sha256(size)):
        raise UnequalError(f"ours gave {told.sent} bytes with the sum {told.sha256}")
    return size / 1e6 / told.seconds


def _piped(words: Sequence[str], size: int) -> float:
    """By a pipe that is as wide as pipes get. Each chunk is compared, a fiftieth of what sending it costs."""
    expected, came, began = b"x" * chunk_bytes, 0, time.perf_counter()
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pipesize=chunk_bytes) as program:
        assert program.stdout is not None  # noqa: S101  as asked for
        while data := os.read(program.stdout.fileno(), chunk_bytes):
            came += len(data)
            if data != expected[: len(data)]:
                raise UnequalError("ssh gave other bytes")
    took = time.perf_counter() - began
    compare("ssh", "bytes", b"%d" % came, b"%d" % size)
    return size / 1e6 / took


def _into_nothing(words: Sequence[str], size: int) -> float:
    began = time.perf_counter()
    subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return size / 1e6 / (time.perf_counter() - began)


async def _of_client(client: Libssh2 | ConnRun, command: str, size: int) -> float:
    began = time.perf_counter()
    output = await client.run(command)
    took = time.perf_counter() - began
    if len(output) != size or output.count(b"x") != size:
        raise UnequalError(f"{type(client).__name__} gave other bytes")
    return size / 1e6 / took


def _sha256(size: int) -> str:
    return hashlib.sha256(b"x" * size).hexdigest()
