"""More and more output of one command, through the driver of exec channels."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.growth.fit import Growth
from bench.memory import now_kib
from bench.rows import Row
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.posix import command, driver_on
from tests.support.sshd import Sshd

usual_sizes, quick_sizes = (1, 10, 100), (1, 2, 4)
"""Megabytes."""
runs = 3
patience_s = 120.0
look_s = 0.005
most_mb = 10


class Peak:
    """The most memory that was seen, in KiB."""

    def __init__(self) -> None:
        self.kib = now_kib()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look again and again."""
        task = asyncio.ensure_future(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _watch(self) -> None:
        while True:
            self.kib = max(self.kib, now_kib())
            await asyncio.sleep(look_s)


def measured(sizes: Sequence[int]) -> tuple[list[Growth], list[Row]]:
    """The time of it, and how much more memory the most of it took than the least."""
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder) / "sshd") as server:
        return asyncio.run(_measured(server, Path(folder), sizes))


async def _measured(server: Sshd, folder: Path, sizes: Sequence[int]) -> tuple[list[Growth], list[Row]]:
    took_ms, peak_kib = dict[int, float](), dict[int, int]()
    async with driver_on(server, folder) as driver:
        await run(driver, min(sizes))
        for size in sizes:
            peak = Peak()
            async with peak.watching():
                took_ms[size] = min([await run(driver, size) for _ in range(runs)]) * 1e3
            peak_kib[size] = peak.kib
    grown_mb = (peak_kib[max(sizes)] - peak_kib[min(sizes)]) / 1024
    what = f"growth: memory at {max(sizes)} MB of output above that at {min(sizes)} MB"
    return [Growth("output of one command", took_ms, "ms", "MB")], [Row(None, what, grown_mb, "MB", most_mb)]


async def run(driver: ExecDriver, megabytes: int) -> float:
    """Seconds for that much output, of which a part is kept."""
    text = f"head -c {megabytes * 1_000_000} /dev/zero | tr '\\0' x"
    began = time.perf_counter()
    result = await driver.run(command(text, patience_s))
    took = time.perf_counter() - began
    if result.stdout.total != megabytes * 1_000_000:
        raise RuntimeError(f"{result.stdout.total:,} bytes came of {megabytes} MB")
    return took
