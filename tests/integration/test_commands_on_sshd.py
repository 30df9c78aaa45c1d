"""Commands on a real OpenSSH sshd, through the real transport and driver."""

import asyncio
import hashlib
import resource
import uuid
from pathlib import Path

import pytest

from mcp_ssh.model.result import Ended, Outcome
from tests.support.parts import require
from tests.support.posix import command, driver_on
from tests.support.sshd import Sshd, processes_with

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("text", "code", "stdout", "stderr"),
    [
        ("true", 0, b"", b""),
        ("echo out; echo err >&2; exit 3", 3, b"out\n", b"err\n"),
        ("exit 255", 255, b"", b""),
        ("printf '%s|' \"a  b\" 'it'\\''s' '$HOME' '!'", 0, b"a  b|it's|$HOME|!|", b""),
        ("cat <<'E'\n$x `y` \\z\nE", 0, b"$x `y` \\z\n", b""),
        ("printf '\\000\\377\\n'", 0, b"\x00\xff\n", b""),
        ("echo äöü 漢字", 0, "äöü 漢字\n".encode(), b""),
        ("cat", 0, b"", b""),
        ("# only a comment", 0, b"", b""),
        ("echo a\necho b", 0, b"a\nb\n", b""),
    ],
)
async def test_output_and_exit_code_are_exact(
    sshd: Sshd, tmp_path: Path, text: str, code: int, stdout: bytes, stderr: bytes
) -> None:
    async with driver_on(sshd, tmp_path) as driver:
        result = await driver.run(command(text))
    assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, code)
    assert (result.stdout.head, result.stderr.head) == (stdout, stderr)


async def test_a_syntax_error_is_the_shells_own_answer(sshd: Sshd, tmp_path: Path) -> None:
    async with driver_on(sshd, tmp_path) as driver:
        result = await driver.run(command("if then"))
    assert result.exit_code == 2
    assert b"syntax error" in result.stderr.head
    assert b"line 1" in result.stderr.head


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV"])
async def test_a_signal_is_told_by_name(sshd: Sshd, tmp_path: Path, name: str) -> None:
    async with driver_on(sshd, tmp_path) as driver:
        result = await driver.run(command(f"kill -s {name} $$"))
    assert (result.outcome, result.signal, result.exit_code) == (Outcome.SIGNALLED, name, None)


async def test_fifty_megabytes_are_counted_and_hashed_in_flat_memory(sshd: Sshd, tmp_path: Path) -> None:
    size = 50_000_000
    async with driver_on(sshd, tmp_path) as driver:
        await driver.run(command("head -c 5000000 /dev/zero"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = await driver.run(command(f"head -c {size} /dev/zero", 60, 100_000))
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert result.stdout.total == size
    assert result.stdout.omitted == size - 100_000
    assert result.stdout.sha256 == hashlib.sha256(bytes(size)).hexdigest()
    assert grown_kib < 10_000


@pytest.mark.parametrize(
    "shape",
    [
        "sleep 271.{n}",
        "sleep 271.{n} & sleep 271.{n}",
        "(sleep 271.{n}; :) | cat; echo",
        "timeout 300 sleep 271.{n}; echo",
        "setsid sleep 271.{n}; echo",
        "sh -c 'sh -c \"sleep 271.{n}; :\"; :'; echo",
        "trap '' TERM; sleep 271.{n}; sleep 271.{n}; sleep 271.{n}",
    ],
)
@pytest.mark.parametrize("way", ["timeout", "cancel"])
async def test_what_a_command_started_is_gone_grandchildren_included(
    sshd: Sshd, tmp_path: Path, shape: str, way: str
) -> None:
    mark = f"271.{uuid.uuid4().int % 10**9:09d}"
    text = shape.replace("271.{n}", mark)
    async with driver_on(sshd, tmp_path) as driver:
        running = asyncio.ensure_future(driver.run(command(text, 0.5 if way == "timeout" else 60)))
        if way == "cancel":
            await _until_it_runs(mark)
            running.cancel()
        result = await running
    assert result.outcome is (Outcome.TIMED_OUT if way == "timeout" else Outcome.CANCELLED)
    assert result.ended is Ended.CERTAIN
    assert processes_with(mark) == []


async def test_a_timeout_keeps_what_came_until_then(sshd: Sshd, tmp_path: Path) -> None:
    async with driver_on(sshd, tmp_path) as driver:
        result = await driver.run(command("echo first; echo second >&2; sleep 60", 0.7))
    assert (result.stdout.head, result.stderr.head) == (b"first\n", b"second\n")


async def test_fifty_commands_at_once_on_ten_sessions(sshd: Sshd, tmp_path: Path) -> None:
    async with driver_on(sshd, tmp_path) as driver:
        results = await asyncio.gather(*(driver.run(command(f"sleep 0.1; echo {n}", 60)) for n in range(50)))
    assert [result.stdout.head for result in results] == [b"%d\n" % number for number in range(50)]
    assert sshd.connections_made() == 1


async def test_commands_are_ended_though_every_other_channel_is_busy(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"271.{uuid.uuid4().int % 10**9:09d}"
    async with driver_on(sshd, tmp_path) as driver:
        results = await asyncio.gather(*(driver.run(command(f"sleep {mark}", 2)) for _ in range(10)))
    assert {result.outcome for result in results} == {Outcome.TIMED_OUT}
    assert processes_with(mark) == []


async def test_a_single_session_host_runs_commands_one_after_the_other(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd", max_sessions=1) as server, driver_on(server, tmp_path) as driver:
        results = await asyncio.gather(*(driver.run(command(f"echo {n}")) for n in range(5)))
        mark = f"271.{uuid.uuid4().int % 10**9:09d}"
        late = await driver.run(command(f"sleep {mark} & timeout 300 sleep {mark}", 0.5))
    assert [result.stdout.head for result in results] == [b"%d\n" % number for number in range(5)]
    assert late.outcome is Outcome.TIMED_OUT
    assert late.ended is Ended.CERTAIN
    assert processes_with(mark) == []


async def test_a_background_process_does_not_hold_the_answer_back_and_lives_on(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"3.{uuid.uuid4().int % 10**9:09d}"
    async with driver_on(sshd, tmp_path) as driver:
        result = await driver.run(command(f"sleep {mark} & echo started"))
        assert len(processes_with(mark)) == 1
    assert (result.exit_code, result.stdout.head, result.left_running) == (0, b"started\n", True)


@pytest.mark.parametrize("forced", ["cat", "/bin/false", "echo only this"])
async def test_under_a_forced_command_the_host_decides_what_runs(tmp_path: Path, forced: str) -> None:
    async with (
        Sshd(tmp_path / "sshd", extra=(f"ForceCommand {forced}",)) as server,
        driver_on(server, tmp_path) as driver,
    ):
        result = await driver.run(command("echo hello"))
    assert result.outcome is Outcome.COMPLETED
    assert b"hello" not in result.stdout.head


@pytest.mark.parametrize("shell", ["bash", "dash", "busybox ash", "fish", "tcsh"])
async def test_the_judged_bytes_are_the_bytes_that_run_whatever_the_login_shell(tmp_path: Path, shell: str) -> None:
    require(shell.split(maxsplit=1)[0])
    force = f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"'
    mark = f"271.{uuid.uuid4().int % 10**9:09d}"
    async with Sshd(tmp_path / "sshd", extra=(force,)) as server, driver_on(server, tmp_path) as driver:
        for text, expected in (
            ("printf '%s\\n' 'a\\\\b' \"it's\" 'x!y' '%d' '$HOME' '`id`'", b"a\\\\b\nit's\nx!y\n%d\n$HOME\n`id`\n"),
            ("echo a\necho 'b\nc'", b"a\nb\nc\n"),
            ("cat <<'E'\n\ttab \\ !! ~ * {a,b}\nE\n", b"\ttab \\ !! ~ * {a,b}\n"),
            ("echo äöü 漢字", "äöü 漢字\n".encode()),
        ):
            result = await driver.run(command(text))
            assert (result.exit_code, result.stdout.head, result.stderr.head) == (0, expected, b"")
        assert (await driver.run(command("exit 7"))).exit_code == 7
        late = await driver.run(command(f"sleep {mark} & sleep {mark}; :", 1))
    assert (late.outcome, late.ended) == (Outcome.TIMED_OUT, Ended.CERTAIN)
    assert processes_with(mark) == []


async def _until_it_runs(mark: str) -> None:
    async with asyncio.timeout(10):
        while not processes_with(mark):
            await asyncio.sleep(0.02)
