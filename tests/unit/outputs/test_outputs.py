"""Kept outputs: whole, private, bounded, and gone when their time is over."""

import asyncio
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.errors import TaskLimitError
from mcp_ssh.outputs.ring import memory_bytes
from mcp_ssh.outputs.store import OutputStore, most_kept, pieces
from mcp_ssh.ports import Stream
from tests.support.clock import FakeClock


@asynccontextmanager
async def store(
    folder: Path, clock: FakeClock | None = None, quota_bytes: int = 1_000_000
) -> AsyncIterator[OutputStore]:
    async with OutputStore(str(folder), clock or FakeClock(), quota_bytes=quota_bytes) as made:
        yield made


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


async def test_a_long_output_is_whole_and_its_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with store(tmp_path) as outputs:
        kept = outputs.keep("ann")
        whole = bytes(range(256)) * 1_000
        for start in range(0, len(whole), 999):
            kept.feed(whole[start : start + 999], Stream.STDOUT)
        kept.feed(b"warning\n", Stream.STDERR)
        assert kept.read(Stream.STDOUT, 0, len(whole) + 1) == whole
        assert kept.read(Stream.STDOUT, 100_000, 10) == whole[100_000:100_010]
        assert (kept.total(Stream.STDOUT), kept.total(Stream.STDERR)) == (len(whole), 8)
        assert sum(file.stat().st_size for file in files(tmp_path)) == len(whole)
        for file in files(tmp_path):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_short_output_touches_no_disk(tmp_path: Path) -> None:
    async with store(tmp_path) as outputs:
        outputs.keep("ann").feed(b"x" * memory_bytes, Stream.STDOUT)
        assert files(tmp_path) == []


async def test_after_their_time_outputs_are_gone_and_those_that_still_come_are_not(tmp_path: Path) -> None:
    clock = FakeClock()
    async with store(tmp_path, clock) as outputs:
        done, running = outputs.keep("ann"), outputs.keep("ann")
        for kept in (done, running):
            kept.feed(b"x" * 100_000, Stream.STDOUT)
        outputs.finish(done, 60)
        await clock.advance(61)
        assert len(files(tmp_path)) == 1  # though nobody asked meanwhile
        assert not outputs.has(done.handle)
        assert outputs.has(running.handle)
    assert list(tmp_path.iterdir()) == []


async def test_a_quota_costs_the_owners_oldest_and_nobody_else_anything(tmp_path: Path) -> None:
    clock = FakeClock()
    async with store(tmp_path, clock, quota_bytes=100_000) as outputs:
        other, first, second = outputs.keep("bob"), outputs.keep("ann"), outputs.keep("ann")
        for kept in (other, first, second):
            kept.feed(b"x" * 45_000, Stream.STDOUT)
            outputs.finish(kept, 60)
            await clock.advance(1)
        third = outputs.keep("ann")
        third.feed(b"y" * 45_000, Stream.STDOUT)
        assert not outputs.has(first.handle)
        assert all(outputs.has(kept.handle) for kept in (other, second, third))
        third.feed(b"z" * 60_000, Stream.STDOUT)
        assert not outputs.has(second.handle)
        assert third.total(Stream.STDOUT) == 105_000
        assert 0 < third.omitted(Stream.STDOUT) <= 5_000 + 100_000 // pieces
        assert third.read(Stream.STDOUT, 0, 1_000_000) == b"y" * (45_000 - third.omitted(Stream.STDOUT)) + b"z" * 60_000
        assert outputs.has(other.handle)


async def test_an_endless_output_keeps_its_newest_bytes_and_counts_what_it_dropped(tmp_path: Path) -> None:
    async with store(tmp_path, quota_bytes=80_000) as outputs:
        kept = outputs.keep("ann")
        for number in range(100_000):
            kept.feed(b"line %d\n" % number, Stream.STDOUT)
        total, omitted = kept.total(Stream.STDOUT), kept.omitted(Stream.STDOUT)
        assert total == sum(len(b"line %d\n" % number) for number in range(100_000))
        assert omitted + kept.size == total
        assert 60_000 < kept.size <= 80_000
        assert sum(file.stat().st_size for file in files(tmp_path)) == kept.size
        assert kept.lines_of(Stream.STDOUT) == 100_000
        assert kept.read(Stream.STDOUT, total - 11, 11) == b"line 99999\n"
        assert kept.read(Stream.STDOUT, kept.offset_of(Stream.STDOUT, 99_000), 10) == b"line 99000"
        assert kept.offset_of(Stream.STDOUT, 5) == omitted
        assert kept.offset_of(Stream.STDOUT, 100_001) == total


async def test_too_many_that_still_come_are_refused(tmp_path: Path) -> None:
    async with store(tmp_path) as outputs:
        for _ in range(most_kept):
            outputs.keep("ann")
        with pytest.raises(TaskLimitError, match="still run"):
            outputs.keep("ann")
        outputs.keep("bob")


async def test_many_small_outputs_are_bounded_too(tmp_path: Path) -> None:
    async with store(tmp_path) as outputs:
        first = outputs.keep("ann")
        outputs.finish(first, 60)
        for _ in range(most_kept):
            outputs.finish(outputs.keep("ann"), 60)
        assert not outputs.has(first.handle)


async def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    orphan = tmp_path / "0123456789abcdef"
    orphan.mkdir()
    (orphan / "r-1.stdout").write_bytes(b"secret")
    async with store(tmp_path) as living:
        kept = living.keep("ann")
        kept.feed(b"x" * 100_000, Stream.STDOUT)
        async with store(tmp_path):
            assert not orphan.exists()
        assert kept.read(Stream.STDOUT, 0, 5) == b"xxxxx"


async def test_a_full_disk_costs_the_rest_of_the_output_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with store(tmp_path / "file") as outputs:
        kept = outputs.keep("ann")
        kept.feed(b"x" * 100, Stream.STDOUT)
        kept.feed(b"x" * 100_000, Stream.STDOUT)
        assert kept.missing[Stream.STDOUT] == 100_000
        assert kept.read(Stream.STDOUT, 0, 200) == b"x" * 100


@pytest.mark.parametrize("length", [0, 10, 200_000])
async def test_lines_come_whole_however_the_blocks_fall(tmp_path: Path, length: int) -> None:
    async with store(tmp_path, quota_bytes=10_000_000) as outputs:
        kept = outputs.keep("ann")
        text = b"\n".join(b"%d" % number for number in range(length))
        kept.feed(text, Stream.STDOUT)
        assert b"\n".join(kept.lines(Stream.STDOUT)) == text


@given(st.lists(st.binary(max_size=3_000), max_size=30), st.integers(0, 60))
def test_lines_and_offsets_mean_the_same_whatever_was_dropped(chunks: list[bytes], line: int) -> None:
    async def both_ways(folder: str) -> None:
        async with store(Path(folder), quota_bytes=16_000) as outputs:
            kept, whole = outputs.keep("ann"), b""
            for chunk in chunks:
                kept.feed(chunk, Stream.STDOUT)
                whole += chunk
            omitted = kept.omitted(Stream.STDOUT)
            assert kept.read(Stream.STDOUT, 0, 100_000) == whole[omitted:]
            starts = [0, *(at + 1 for at, byte in enumerate(whole) if byte == 10)]
            expected = starts[line] if line < len(starts) else len(whole)
            assert kept.offset_of(Stream.STDOUT, line) == max(expected, omitted)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(both_ways(folder))


@given(st.lists(st.binary(max_size=50_000), max_size=5))
def test_what_went_in_comes_out(chunks: list[bytes]) -> None:
    async def both_ways(folder: str) -> bytes:
        async with store(Path(folder)) as outputs:
            kept = outputs.keep("ann")
            for chunk in chunks:
                kept.feed(chunk, Stream.STDOUT)
            return kept.read(Stream.STDOUT, 0, 1_000_000)

    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(both_ways(folder)) == b"".join(chunks)


async def test_what_comes_after_an_output_was_removed_leaves_nothing(tmp_path: Path) -> None:
    async with store(tmp_path) as outputs:
        kept = outputs.keep("ann")
        kept.feed(b"x" * 100_000, Stream.STDOUT)
        kept.remove()
        kept.feed(b"x" * 100_000, Stream.STDOUT)
        assert files(tmp_path) == []
        assert kept.size == 0
