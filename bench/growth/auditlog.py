"""An audit log that gets longer and longer, written by its own sink, rotated as the settings say."""

import asyncio
import itertools
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.audit import decided
from bench.growth.fit import Growth, each
from mcp_ssh.app import SystemClock
from mcp_ssh.audit.disk.reading import files_of, lines_backwards, verified
from mcp_ssh.audit.disk.sink import AuditLog
from mcp_ssh.audit.query import Query
from mcp_ssh.audit.record import Event

usual_sizes, quick_sizes = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000), (1, 10, 100, 1_000)
batch = 1_000
appends, repeats, wanted = 32, 5, 30
chunk_records = 10_000
"""More than are read at once from the end of a log."""


def measured(sizes: Sequence[int]) -> list[Growth]:
    """One log, looked at whenever it has one of the sizes; what writes to it is done on a copy."""
    costs = {name: dict[int, float]() for name in ("append", "verify", "query", "open")}
    with tempfile.TemporaryDirectory() as folder:
        path, count = Path(folder) / "log" / "audit.log", 0
        for size in sizes:
            asyncio.run(filled(path, size - count))
            verify_s, count = verifying(path)
            costs["verify"][size] = verify_s * 1e3
            costs["query"][size] = _median_ms(lambda: latest(path))
            costs["open"][size], costs["append"][size] = asyncio.run(_written_to(path, Path(folder) / "copy"))
    return [
        Growth("one audit record appended", each(costs["append"]), "ms", "records"),
        Growth("audit log opened", each(costs["open"]), "ms", "records"),
        Growth(f"the last {wanted} records of a host found", each(costs["query"]), "ms", "records", chunk_records),
        Growth("audit log verified", costs["verify"], "ms", "records"),
    ]


async def filled(path: Path, more: int) -> None:
    """So many records more, the one that tells of the opening among them."""
    async with AuditLog(str(path), SystemClock(), tuple) as log:
        for start in range(0, more - 1, batch):
            await asyncio.gather(*(log.append(Event.DECIDED, decided) for _ in range(min(batch, more - 1 - start))))


def verifying(path: Path) -> tuple[float, int]:
    """Seconds to verify it, and how many records it has."""
    began = time.perf_counter()
    report = verified(path)
    if not report.ok:
        raise RuntimeError(f"the log is not whole: {report.reason}")
    return time.perf_counter() - began, report.records


def latest(path: Path) -> None:
    """Read the last records of one host, as `mcp-ssh audit tail` does."""
    query = Query(host=str(decided["host"]))
    records = (json.loads(line) for line in lines_backwards(files_of(path)))
    for _ in itertools.islice((record for record in records if query.takes(record)), wanted):
        pass


async def _written_to(path: Path, copy: Path) -> tuple[float, float]:
    """Milliseconds to open it, and to append a record, each on its own."""
    opens, times = list[float](), list[float]()
    for _ in range(repeats):
        copied(path.parent, copy)
        began = time.perf_counter()
        async with AuditLog(str(copy / path.name), SystemClock(), tuple) as log:
            opens.append(time.perf_counter() - began)
            for _ in range(appends):
                began = time.perf_counter()
                await log.append(Event.DECIDED, decided)
                times.append(time.perf_counter() - began)
        shutil.rmtree(copy)
    return statistics.median(opens) * 1e3, statistics.median(times) * 1e3


def copied(folder: Path, copy: Path) -> None:
    """A copy that is on the disk: the first sync of the log must find nothing of it to write."""
    shutil.copytree(folder, copy)
    for file in copy.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def _median_ms(work: Callable[[], object]) -> float:
    times = list[float]()
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3
