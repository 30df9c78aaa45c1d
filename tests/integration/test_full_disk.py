"""A disk that is really full, and a folder that is really gone, under a daemon that serves."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.audit.disk.reading import verified
from tests.support.disks import disk
from tests.support.sshd import Sshd
from tests.support.stdio import Wire, configuration, wire_to

pytestmark = pytest.mark.integration


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "disk", "256k") as folder:
        yield folder


async def run(wire: Wire, command: str) -> dict[str, Any]:
    result = await wire.call("ssh_run", host="web", command=command)
    return dict(result["structuredContent"])


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4_096)
        except OSError:
            pass


async def test_on_a_full_disk_nothing_runs_and_it_is_well_again_when_the_disk_is(
    sshd: Sshd, tmp_path: Path, small_disk: Path
) -> None:
    log = small_disk / "audit.log"
    async with wire_to(configuration(tmp_path, sshd, audit_log=str(log))) as wire:
        await wire.initialize()
        assert (await run(wire, "true"))["exit_code"] == 0
        fill(small_disk)
        while "error" not in (told := await run(wire, "true")):  # the last page of the log had some room
            pass
        for _ in range(3):
            told = await run(wire, f"touch {tmp_path}/ran")
            assert told["error"]["code"] == "audit_unavailable"
            assert told["error"]["sent"] is False
            assert "No space left on device" in told["error"]["message"]
        assert not (tmp_path / "ran").exists()
        (small_disk / "filler").unlink()
        assert (await run(wire, f"touch {tmp_path}/ran"))["exit_code"] == 0
    assert verified(log).ok


async def test_a_command_that_fills_the_disk_ran_unrecorded_and_stops_all_others(
    sshd: Sshd, tmp_path: Path, small_disk: Path
) -> None:
    log = small_disk / "audit.log"
    async with wire_to(configuration(tmp_path, sshd, audit_log=str(log))) as wire:
        await wire.initialize()
        await run(wire, "true")
        ends = f"head -c 1000000 /dev/zero > {small_disk}/filler; printf %040000d 0 >> {log}.other; true"
        told: dict[str, Any] = {}
        for _ in range(40):  # until the page that the log is in is full as well
            told = await run(wire, ends)
            if "error" in told and told["error"]["sent"]:
                break
        assert told["error"]["code"] == "audit_unavailable"
        assert "ran and could not be recorded" in told["error"]["message"]
        stopped = await run(wire, f"touch {tmp_path}/ran")
        assert (stopped["error"]["code"], stopped["error"]["sent"]) == ("audit_unavailable", False)
        assert not (tmp_path / "ran").exists()
        (small_disk / "filler").unlink()
        Path(f"{log}.other").unlink(missing_ok=True)
        assert (await run(wire, f"touch {tmp_path}/ran"))["exit_code"] == 0
    assert verified(log).ok
    records = [json.loads(line) for line in log.read_bytes().splitlines() if line.endswith(b'"}')]
    filled = [record["event"] for record in records if "head -c" in record.get("command", "")]
    assert filled[-1] == "finished"  # late, and not lost


async def test_when_its_folder_is_removed_nothing_runs(sshd: Sshd, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "audit.log"
    async with wire_to(configuration(tmp_path, sshd, audit_log=str(log))) as wire:
        await wire.initialize()
        assert (await run(wire, "true"))["exit_code"] == 0
        shutil.rmtree(log.parent)
        told = await run(wire, f"touch {tmp_path}/ran")
        assert (told["error"]["code"], told["error"]["sent"]) == ("audit_unavailable", False)
        assert not (tmp_path / "ran").exists()
        log.parent.mkdir()
        assert (await run(wire, "true"))["exit_code"] == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events[0] == "recover"
