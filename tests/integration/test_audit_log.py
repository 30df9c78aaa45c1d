"""The audit log on real disks, devices and with real processes."""

import asyncio
import contextlib
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_ssh.audit.disk import logfile, sink
from mcp_ssh.audit.disk.reading import files_of, lines_of, verified
from mcp_ssh.audit.disk.sink import AuditLog, Options
from mcp_ssh.audit.keys import key_of
from mcp_ssh.audit.record import Event
from mcp_ssh.audit.verify import verify
from mcp_ssh.model.errors import AuditUnavailableError
from tests.support.clock import FakeClock

plain = Options()
ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def log_at(path: Path, *secrets: str, options: Options = plain) -> AsyncIterator[AuditLog]:
    async with AuditLog(str(path), FakeClock(), lambda: secrets, options) as log:
        yield log


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def records_in(path: Path) -> list[dict[str, object]]:
    """Those of a log in which other lines stand as well."""
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.endswith(b'"}')]


async def test_records_are_there_when_append_returns_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "audit.log"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"host": "web", "command": "uptime"})
        assert [record["event"] for record in records(path)] == ["log.open", "decided"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert verified(path).ok


async def test_secrets_are_redacted_before_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path, "hunter2hunter2") as log:
        await log.append(Event.DECIDED, {"command": "login hunter2hunter2; mysql -proot123 x"})
    assert "hunter2" not in path.read_text()
    assert "root123" not in path.read_text()
    assert verified(path).ok


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

    monkeypatch.setattr(logfile, "datasync", counting)
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        await asyncio.gather(*(log.append(Event.DECIDED, {"command": str(number)}) for number in range(200)))
    assert [record.get("command") for record in records(path)][1:] == [str(number) for number in range(200)]
    assert syncs < 50


WRITER = """
import asyncio, sys
sys.path.insert(0, {root!r})
from mcp_ssh.audit.disk.sink import AuditLog, Options
from tests.support.clock import FakeClock

async def main():
    async with AuditLog({path!r}, FakeClock(), lambda: (), Options(rotate_bytes={rotate_bytes})) as log:
        for number in range({count}):
            await log.append("decided", {{"host": sys.argv[1], "command": str(number)}})

asyncio.run(main())
"""


def writer(path: Path, name: str, count: int, rotate_bytes: int = 104_857_600) -> subprocess.Popen[bytes]:
    code = WRITER.format(root=str(ROOT), path=str(path), count=count, rotate_bytes=rotate_bytes)
    return subprocess.Popen([sys.executable, "-c", code, name])


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    writers = [writer(path, name, 300) for name in ("a", "b")]
    assert [each.wait(timeout=40) for each in writers] == [0, 0]
    report = verified(path)
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
    report = verified(path)
    assert report.ok, report


async def test_a_torn_line_is_kept_and_the_next_record_tells_of_it(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "one"})
    torn = b'{"v":1,"seq":3,"ts":"20'
    with path.open("ab") as file:
        file.write(torn)
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "three"})
    lines = path.read_bytes().splitlines()
    assert torn in lines
    assert [json.loads(line)["event"] for line in lines[3:]] == ["recover", "log.open", "decided"]
    assert verified(path).ok


async def test_a_record_that_lost_only_its_line_end_is_kept_as_a_record(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path):
        pass
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    async with log_at(path):
        pass
    assert [record["event"] for record in records(path)] == ["log.open", "log.open"]
    assert verified(path).ok


@pytest.mark.parametrize("cut", ["a whole record", "half of one", "all"])
async def test_a_cut_tail_is_told_by_the_next_record_and_shows_for_ever(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "one"})
        await log.append(Event.DECIDED, {"command": "two"})
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes({"a whole record": b"".join(lines[:2]), "half of one": b"".join(lines)[:-30], "all": b""}[cut])
    assert not verified(path).ok
    async with log_at(path):
        pass
    assert any(record["event"] == "recover" for record in records_in(path))
    assert "record" in verified(path).reason


async def test_a_rotated_log_is_one_chain_in_files_that_stand_in_order(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path, options=Options(rotate_bytes=2_000)) as log:
        for number in range(60):
            await log.append(Event.DECIDED, {"command": str(number)})
    files = files_of(path)
    assert len(files) > 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert all(file.stat().st_size < 2_600 for file in files)
    report = verified(path)
    assert report.ok, report
    commands = [record["command"] for file in files for record in records(file) if "command" in record]
    assert commands == [str(number) for number in range(60)]
    assert [records(file)[0]["event"] for file in files[1:]] == ["rotate"] * (len(files) - 1)
    assert records(files[1])[0]["reason"] == f"continues {files[0].name}"
    files[2].unlink()
    assert (verified(path).ok, verified(path).file) == (False, str(files[3]))


async def test_a_compressed_file_of_the_log_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path, options=Options(rotate_bytes=500)) as log:
        for number in range(9):
            await log.append(Event.DECIDED, {"command": str(number)})
    oldest = files_of(path)[0]
    with gzip.open(f"{oldest}.gz", "wb") as file:
        file.write(oldest.read_bytes())
    oldest.unlink()
    assert verified(path).ok
    packed = Path(f"{oldest}.gz")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(OSError, match="damaged"):
        verified(path)


def test_processes_rotate_under_each_other_and_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    writers = [writer(path, name, 200, rotate_bytes=4_000) for name in ("a", "b", "c")]
    assert [each.wait(timeout=60) for each in writers] == [0, 0, 0]
    report = verified(path)
    assert report.ok, report
    events = [record["event"] for file in files_of(path) for record in records(file)]
    assert events.count("decided") == 600


def test_a_writer_that_is_killed_while_it_rotates_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for number in range(6):
        victim = writer(path, f"victim{number}", 1_000_000, rotate_bytes=1_500)
        while len(files_of(path)) < 20 * (number + 1):
            assert victim.poll() is None
        victim.kill()
        victim.wait()
    assert writer(path, "next", 1, rotate_bytes=1_500).wait(timeout=20) == 0
    report = verified(path)
    assert report.ok, report


async def test_checkpoints_are_written_where_there_is_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "checkpoint_every", 50)
    path, key = tmp_path / "audit.log", key_of("0123456789abcdef" * 2)
    async with log_at(path, options=Options(key=key, rotate_bytes=20_000)) as log:
        for number in range(120):
            await log.append(Event.DECIDED, {"command": str(number)})
    report = verified(path, key)
    assert report.ok, report
    assert report.records - report.signed < 52
    lines = b"".join(file.read_bytes() for file in files_of(path)).splitlines()
    assert sum(b'"event":"checkpoint"' in line for line in lines) >= 3
    assert all(json.loads(line)["command_hmac"] for line in lines if b'"decided"' in line)
    assert not verified(path, key_of("f" * 32)).ok


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
    assert verified(path).ok
    assert "after" in path.read_text()


async def test_an_ending_that_could_not_be_written_is_written_when_the_disk_is_well_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.log"

    def full_disk(descriptor: int, data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    async with log_at(path) as log:
        with monkeypatch.context() as full:
            full.setattr(os, "write", full_disk)
            with pytest.raises(AuditUnavailableError, match="No space left"):
                await log.append(Event.FINISHED, {"id": "1"})
            with pytest.raises(AuditUnavailableError):
                await log.append(Event.DECIDED, {"id": "2"})
        await log.append(Event.DECIDED, {"id": "3"})
    told = [(record["event"], record.get("id")) for record in records(path)]
    assert told == [("log.open", None), ("finished", "1"), ("decided", "3")]


async def test_what_is_only_noted_is_written_in_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        log.note(Event.STARTED, {"id": "1"})
        await log.append(Event.FINISHED, {"id": "1"})
    assert [record["event"] for record in records(path)] == ["log.open", "started", "finished"]


@pytest.mark.parametrize(("always", "syncs"), [(False, 2), (True, 3)])
async def test_a_command_waits_for_the_disk_and_its_ending_only_where_the_operator_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always: bool, syncs: int
) -> None:
    counted = list[int]()
    monkeypatch.setattr(logfile, "datasync", counted.append)
    async with log_at(tmp_path / "audit.log", options=Options(sync_always=always)) as log:
        await log.append(Event.DECIDED, {"id": "1"})
        await log.append(Event.FINISHED, {"id": "1"})
    assert len(counted) == syncs


async def test_a_disk_that_does_not_answer_is_unavailable_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "write_wait_s", 0.05)
    answers = threading.Event()
    async with log_at(tmp_path / "audit.log") as log:
        monkeypatch.setattr(logfile, "datasync", lambda _: answers.wait(20))
        with pytest.raises(AuditUnavailableError, match="has not answered"):
            await log.append(Event.DECIDED, {"id": "1"})
        answers.set()


async def test_a_log_that_is_moved_away_goes_on_in_a_new_file_that_says_so(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    async with log_at(path) as log:
        await log.append(Event.DECIDED, {"command": "one"})
        path.rename(old)
        await log.append(Event.DECIDED, {"command": "two"})
    assert [record["event"] for record in records(path)] == ["recover", "decided"]
    assert records(path)[0]["reason"] == "the log that ended with record 2 is not here any more"
    assert verify([(str(file), lines_of(file)) for file in (old, path)]).ok
    assert verified(path).reason == "it is record 3: the records before it are not here"


async def test_a_removed_folder_is_not_made_again_and_nothing_is_taken_for_written(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    async with log_at(path) as log:
        shutil.rmtree(path.parent)
        with pytest.raises(AuditUnavailableError, match="No such file"):
            await log.append(Event.DECIDED, {"command": "two"})
        path.parent.mkdir()
        await log.append(Event.DECIDED, {"command": "three"})
    assert [record["event"] for record in records(path)] == ["recover", "decided"]


async def test_a_cancelled_caller_leaves_its_record_behind(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with log_at(path) as log:
        task = asyncio.ensure_future(log.append(Event.DECIDED, {"command": "asked"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "asked" in path.read_text()
