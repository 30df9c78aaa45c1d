"""`mcp-ssh audit` on logs that were really written, as an operator and as a script call it."""

import asyncio
import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_ssh.audit.disk.reading import files_of
from mcp_ssh.audit.disk.sink import AuditLog, Options
from mcp_ssh.audit.keys import AuditKey, key_of
from mcp_ssh.audit.record import Event
from tests.support.clock import FakeClock

pytestmark = pytest.mark.integration
SECRET = "0123456789abcdef" * 2


def audit(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mcp_ssh", "audit", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return asyncio.run(written(tmp_path / "audit.log"))


async def written(path: Path, key: AuditKey | None = None) -> Path:
    async with AuditLog(str(path), FakeClock(), lambda: (), Options(rotate_bytes=4_000, key=key)) as log:
        for number in range(30):
            await log.append(
                Event.DECIDED, {"principal": "stdio:ann", "host": f"web-{number % 3}", "command": f"=echo {number}"}
            )
    return path


def test_a_whole_log_is_told_with_what_may_be_kept_elsewhere(log: Path) -> None:
    said = audit("verify", "--log", log)
    assert (said.returncode, said.stdout.splitlines()[0][:12]) == (0, "whole: 35 re")
    last = said.stdout.splitlines()[1].split()[-1]
    assert audit("verify", "--log", log, "--against", last).returncode == 0
    told = json.loads(audit("verify", "--log", log, "--json").stdout)
    assert (told["ok"], told["last"], told["files"]) == (True, last, len(files_of(log)))


@pytest.mark.parametrize("harm", ["change", "remove", "swap", "cut", "lose a file", "compute anew"])
def test_a_log_that_was_tampered_with_is_told_with_its_first_bad_line(log: Path, harm: str) -> None:
    kept = audit("verify", "--log", log).stdout.split()[-1]
    lines = log.read_bytes().splitlines(keepends=True)
    match harm:
        case "change":
            lines[1] = lines[1].replace(b"echo", b"exec")
        case "remove":
            del lines[1]
        case "swap":
            lines[1], lines[2] = lines[2], lines[1]
        case "cut":
            del lines[-1]
        case "lose a file":
            files_of(log)[1].unlink()
        case _:
            for file in (*files_of(log), Path(f"{log}.head")):
                file.unlink()
            asyncio.run(written(log))
            lines = log.read_bytes().splitlines(keepends=True)
            lines[-1:] = []
            log.write_bytes(b"".join(lines))
            Path(f"{log}.head").unlink()
    log.write_bytes(b"".join(lines))
    said = audit("verify", "--log", log, "--against", kept)
    assert said.returncode == 1
    assert said.stdout.startswith("BROKEN: ")
    if harm in {"change", "remove", "swap"}:
        assert f"{log}:2: " in said.stdout


async def test_signatures_are_checked_with_the_key_and_not_with_another(tmp_path: Path) -> None:
    log = await written(tmp_path / "audit.log", key_of(SECRET))
    key, other = tmp_path / "key", tmp_path / "other"
    key.write_text(SECRET + "\n")
    other.write_text("f" * 32)
    assert "signed up to record" in audit("verify", "--log", log, "--key", key).stdout
    wrong = audit("verify", "--log", log, "--key", other)
    assert (wrong.returncode, "the head file was not made with this key" in wrong.stdout) == (1, True)
    key.write_text("short")
    short = audit("verify", "--log", log, "--key", key)
    assert (short.returncode, "32 characters or more" in short.stderr) == (1, True)


def test_the_last_records_are_shown_the_latest_last(log: Path) -> None:
    said = audit("tail", "-n", 3, "--event", "decided", "--log", log).stdout.splitlines()
    assert [line.split("`")[1] for line in said] == ["=echo 27", "=echo 28", "=echo 29"]
    rows = audit("tail", "--json", "-n", 3, "--host", "web-0", "--log", log).stdout.splitlines()
    assert [json.loads(row)["command"] for row in rows] == ["=echo 21", "=echo 24", "=echo 27"]


def test_what_is_searched_is_found_or_the_exit_code_says_that_it_is_not(log: Path) -> None:
    assert len(audit("search", "--host", "web-1", "--log", log).stdout.splitlines()) == 10
    assert audit("search", "ECHO 17", "--log", log).stdout.count("\n") == 1
    assert (audit("search", "nothing", "--log", log).returncode, audit("search", "--log", log).returncode) == (1, 0)
    assert audit("search", "--since", "2100-01-01", "--log", log).returncode == 1
    assert "is no time" in audit("search", "--since", "soon", "--log", log).stderr


def test_records_go_to_other_programs_whole_and_harmless(log: Path, tmp_path: Path) -> None:
    lines = audit("export", "--log", log).stdout.splitlines()
    assert len(lines) == 35
    table = list(csv.DictReader(io.StringIO(audit("export", "--format", "csv", "--log", log).stdout)))
    assert [row["command"] for row in table if row["command"]][:2] == ["'=echo 0", "'=echo 1"]
    target = tmp_path / "out.csv"
    assert audit("export", "--format", "csv", "--output", target, "--log", log).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = audit("export", "--output", target, "--log", log)
    assert (again.returncode, "exists" in again.stderr) == (1, True)


async def shown(lines: Iterator[bytes]) -> str:
    """The command of the next line."""
    line = await asyncio.wait_for(asyncio.to_thread(next, lines), 20)
    return line.decode().split("`")[1]


async def test_a_log_is_followed_across_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    async with AuditLog(str(path), FakeClock(), lambda: (), Options(rotate_bytes=1_500)) as log:
        await log.append(Event.DECIDED, {"command": "first"})
        command = [sys.executable, "-m", "mcp_ssh", "audit", "tail", "-f", "--event", "decided", "--log", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ, PYTHONUNBUFFERED="1")) as tail:
            try:
                assert tail.stdout is not None
                lines = iter(tail.stdout.readline, b"")
                seen = [await shown(lines)]
                for number in range(60):  # a file takes a few: it is rotated several times between two looks
                    await log.append(Event.DECIDED, {"command": f"echo {number}"})
                    await asyncio.sleep(0.02)
                seen += [await shown(lines) for _ in range(60)]
            finally:
                tail.kill()
    assert len(files_of(path)) > 10
    assert seen == ["first", *(f"echo {number}" for number in range(60))]


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = audit("verify", "--log", tmp_path / "none")
    assert (said.returncode, "there is no audit log" in said.stderr) == (1, True)


def test_the_key_is_found_where_the_daemon_finds_it_or_it_is_told_why_not(tmp_path: Path) -> None:
    log = asyncio.run(written(tmp_path / "audit.log", key_of(SECRET)))
    config, kept = tmp_path / "hosts.yaml", tmp_path / "AUDIT"
    config.write_text(
        f"settings: {{audit_log: {log}, secrets_dir: {tmp_path}, audit: {{key_env: AUDIT}}}}\nhosts: {{}}\n"
    )
    kept.write_text(SECRET)
    kept.chmod(0o600)
    assert "; signed up to record" in audit("verify", MCP_SSH_CONFIG=str(config)).stdout
    kept.chmod(0o644)
    assert f"not checked: the secret file {kept} may be read" in audit("verify", MCP_SSH_CONFIG=str(config)).stdout
    kept.unlink()
    told = "not checked: the environment variable AUDIT is not set"
    assert told in audit("verify", MCP_SSH_CONFIG=str(config)).stdout
