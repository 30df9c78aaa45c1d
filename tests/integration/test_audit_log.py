"""The audit log on real disks, devices and with real processes."""

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_ssh.audit import sink
from mcp_ssh.audit.chain import verify
from mcp_ssh.audit.record import Event
from mcp_ssh.audit.sink import AuditLog
from mcp_ssh.model.errors import AuditUnavailableError
from tests.support.clock import FakeClock

ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def log_at(path: Path, *secrets: str) -> AsyncIterator[AuditLog]:
    async with AuditLog(str(path), FakeClock(), lambda: secrets) as log:
        yield log


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_records_are_there_when_append_returns_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "audit.log"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"host": "web", "command": "uptime"})
        assert [record["event"] for record in records(path)] == ["log.open", "decided"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert verify(path.read_text().splitlines()).ok


async def test_secrets_are_redacted_before_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path, "hunter2hunter2") as log:
        await log.append(Event.DECIDED, {"command": "login hunter2hunter2; mysql -proot123 x"})
    assert "hunter2" not in path.read_text()
    assert "root123" not in path.read_text()
    assert verify(path.read_text().splitlines()).ok


async def test_on_a_full_device_nothing_is_taken_for_written() -> None:
    with pytest.raises(AuditUnavailableError, match="No space left on device"):
        async with log_at(Path("/dev/full")):
            pass


async def test_dev_null_takes_records() -> None:
    async with log_at(Path("/dev/null")) as log:
        await log.append(Event.DECIDED, {"host": "web"})


@pytest.mark.parametrize("kind", ["folder", "fifo", "others may write", "no records"])
async def test_what_is_no_log_of_ours_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "audit.log"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "others may write":
        path.touch()
        path.chmod(0o662)
    else:
        path.write_text("hello\n")
    with pytest.raises(AuditUnavailableError):
        async with log_at(path):
            pass


async def test_concurrent_records_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0

    def counting(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        os.fsync(descriptor)

    monkeypatch.setattr(sink, "datasync", counting)
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        await asyncio.gather(*(log.append(Event.DECIDED, {"command": str(number)}) for number in range(200)))
    assert [record.get("command") for record in records(path)][1:] == [str(number) for number in range(200)]
    assert syncs < 50


WRITER = """
import asyncio, sys
sys.path.insert(0, {root!r})
from mcp_ssh.audit.sink import AuditLog
from tests.support.clock import FakeClock

async def main():
    async with AuditLog({path!r}, FakeClock(), lambda: ()) as log:
        for number in range({count}):
            await log.append("decided", {{"host": sys.argv[1], "command": str(number)}})

asyncio.run(main())
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    code = WRITER.format(root=str(ROOT), path=str(path), count=count)
    return subprocess.Popen([sys.executable, "-c", code, name])


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    writers = [writer(path, name, 300) for name in ("a", "b")]
    assert [each.wait(timeout=40) for each in writers] == [0, 0]
    report = verify(path.read_text().splitlines())
    assert (report.ok, report.records) == (True, 602)
    hosts = [record.get("host") for record in records(path)]
    assert (hosts.count("a"), hosts.count("b")) == (300, 300)


def test_a_killed_writer_loses_no_earlier_record_and_the_next_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    victim = writer(path, "victim", 1_000_000)
    while not path.exists() or path.stat().st_size < 100_000:
        assert victim.poll() is None
    victim.kill()
    victim.wait()
    assert writer(path, "next", 1).wait(timeout=20) == 0
    report = verify(path.read_text().splitlines())
    assert report.ok, report


async def test_a_torn_line_is_kept_and_the_next_record_tells_of_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "one"})
        await log.append(Event.DECIDED, {"command": "two"})
    path.write_bytes(path.read_bytes()[:-30])
    torn = path.read_bytes().splitlines()[-1]
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "three"})
    lines = path.read_bytes().splitlines()
    assert torn in lines
    assert [json.loads(line)["event"] for line in lines[3:]] == ["recover", "log.open", "decided"]
    assert verify(path.read_text().splitlines()).ok


async def test_a_disk_that_fills_in_mid_record_fails_the_call_and_heals_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"
    real_write = os.write

    def half_then_full(descriptor: int, data: memoryview) -> int:
        real_write(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "before"})
        with monkeypatch.context() as full:
            full.setattr(os, "write", half_then_full)
            with pytest.raises(AuditUnavailableError):
                await log.append(Event.DECIDED, {"command": "lost"})
        await log.append(Event.DECIDED, {"command": "after"})
    assert verify(path.read_text().splitlines()).ok
    assert "after" in path.read_text()


async def test_a_log_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "one"})
        path.rename(old)
        await log.append(Event.DECIDED, {"command": "two"})
    assert verify(old.read_text().splitlines()).ok
    assert verify(path.read_text().splitlines()).ok
    assert "two" in path.read_text()


async def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    async with log_at(path) as log:
        path.unlink()
        path.parent.rmdir()
        await log.append(Event.DECIDED, {"command": "two"})
    assert "two" in path.read_text()


async def test_a_cancelled_caller_leaves_its_record_behind(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        task = asyncio.ensure_future(log.append(Event.DECIDED, {"command": "asked"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "asked" in path.read_text()
