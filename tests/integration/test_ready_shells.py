"""A shell that stood ready beside an exec request, on real servers: what a command does is the same, byte for byte."""

import asyncio
import hashlib
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.model.host import Shell
from mcp_ssh.model.result import Captured, CommandResult, Ended, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.safety.classify import Guard
from mcp_ssh_drivers import ready
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.readyshell import fitting_line
from tests.support import fidelity
from tests.support.dropbear import Dropbear
from tests.support.parts import require
from tests.support.posix import command, driver_on, stands_ready
from tests.support.sshd import Sshd, processes_with
from tests.support.waiting import until

pytestmark = pytest.mark.integration

shells = ("bash", "dash", "zsh", "mksh", "busybox ash")
Server = Sshd | Dropbear


@asynccontextmanager
async def server_with(shell: str, kind: str, folder: Path) -> AsyncIterator[Server]:
    """A server whose login shell is that one."""
    require(shell.split(maxsplit=1)[0])
    force = f'text=$SSH_ORIGINAL_COMMAND; unset SSH_ORIGINAL_COMMAND; exec {shell} -c "$text"'
    server = (
        Dropbear(folder / kind, force) if kind == "dropbear" else Sshd(folder / kind, extra=[f"ForceCommand {force}"])
    )
    async with server as up:
        yield up


async def by_ready_shell(driver: ExecDriver, text: str, **changes: Any) -> CommandResult:
    """Run a command on a shell that stands ready, and on nothing else."""
    await stands_ready(driver)
    shell = driver._ready._shell
    result = await driver.run(command(text, parsed=True, **changes))
    assert shell is not None
    assert shell._execution is not None, f"{text!r} went by an exec request"
    return result


def told(result: CommandResult) -> tuple[object, ...]:
    """All that a caller hears of a command but its time."""
    stdout = result.stdout
    whole = stdout.head, stdout.tail, stdout.total, stdout.sha256
    return result.outcome, result.exit_code, result.signal, whole, result.stderr.head, result.left_running


def core(result: CommandResult) -> tuple[object, ...]:
    """The same, with what dash, BusyBox and zsh put in front of their messages inside of eval taken out."""
    stderr = result.stderr.head.replace(b"ash: eval: line 0: ", b"ash: ").replace(b": eval: ", b": ")
    return *told(replace(result, stderr=Captured(b""))), stderr.replace(b"(eval):", b"zsh:")


def is_parsed(text: str) -> bool:
    """Whether safety can read it."""
    return Guard.build(builtin=True, patterns=(), shell=Shell.POSIX).classify(text, host="web").parsed


@pytest.mark.parametrize("kind", ["sshd", "dropbear"])
@pytest.mark.parametrize("shell", shells)
async def test_every_command_of_the_corpus_does_the_same(tmp_path: Path, shell: str, kind: str) -> None:
    different = []
    async with (
        server_with(shell, kind, tmp_path) as server,
        driver_on(server, tmp_path, fast=False) as plain,
        driver_on(server, tmp_path) as fast,
    ):
        await fast.run(command("true"))
        for text in (*fidelity.same, *fidelity.near):
            look = told if text in fidelity.same else core
            for line in (None, Secret("one line")) if text in fidelity.reads else (None,):
                expected, got = await plain.run(command(text, stdin=line)), await by_ready_shell(fast, text, stdin=line)
                if look(got) != look(expected):
                    different.append(f"{text!r}\n   ready {told(got)}\n   plain {told(expected)}")
    assert not different, "\n".join(different)


def test_the_corpus_is_what_safety_can_read() -> None:
    assert [text for text in (*fidelity.same, *fidelity.near) if not is_parsed(text)] == []
    assert [text for text in fidelity.unreadable if is_parsed(text) and fitting_line(text)] == []


@asynccontextmanager
async def ready_driver(server: Sshd, folder: Path) -> AsyncIterator[ExecDriver]:
    """A driver on whose host a shell stands ready."""
    async with driver_on(server, folder) as driver:
        await driver.run(command("true", reads_only=True))
        await stands_ready(driver)
        yield driver


async def test_nothing_of_one_command_is_seen_by_the_next(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"3.{uuid.uuid4().int % 10**9:09d}"
    async with ready_driver(sshd, tmp_path) as driver:
        text = f"x=1; export y=2; cd /; umask 000; trap 'echo t' EXIT; (sleep 0.2; echo late) & sleep {mark} &"
        first = await by_ready_shell(driver, text)
        second = await by_ready_shell(driver, "echo $x$y; pwd; umask; trap; jobs; sleep 0.3; echo $!")
        await driver.run(command(f"pkill -f 'sleep {mark}'"))
    assert (first.exit_code, first.stdout.head) == (0, b"t\nlate\n")
    assert second.stdout.head.splitlines()[1:] == [str(tmp_path.home()).encode(), b"0022", b""], second


async def test_what_one_command_changes_the_next_one_finds(sshd: Sshd, tmp_path: Path) -> None:
    """Start files above all: a shell that stood ready before they were changed has read them already."""
    start_file = sshd.folder / ".bashrc"
    try:
        async with ready_driver(sshd, tmp_path) as driver:
            await by_ready_shell(driver, f"echo 'export FRESH=1' > {start_file}")
            assert (await driver.run(command("echo $FRESH", parsed=True))).stdout.head == b"1\n"
            await by_ready_shell(driver, f"(sleep 0.3; echo 'export FRESH=2' > {start_file}) > /dev/null 2>&1; :")
            assert (await by_ready_shell(driver, "echo $FRESH")).stdout.head == b"2\n"
    finally:
        start_file.unlink(missing_ok=True)


async def test_a_shell_that_stood_ready_before_another_change_is_not_used(sshd: Sshd, tmp_path: Path) -> None:
    async with ready_driver(sshd, tmp_path) as driver:
        shell = driver._ready._shell
        await driver.run(command("if true; then :; done; fi", parsed=False, reads_only=False))
        await stands_ready(driver)
        assert driver._ready._shell is not shell
        shell = driver._ready._shell
        driver.changed()
        assert shell is not None
        assert not shell.is_ready


async def test_a_reading_command_leaves_the_shell_that_stands_ready(sshd: Sshd, tmp_path: Path) -> None:
    async with ready_driver(sshd, tmp_path) as driver:
        shell = driver._ready._shell
        await driver.run(command("uptime", parsed=False, reads_only=True))
        assert driver._ready._shell is shell


async def test_a_timeout_ends_all_that_the_command_started(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"271.{uuid.uuid4().int % 10**9:09d}"
    async with ready_driver(sshd, tmp_path) as driver:
        late = await by_ready_shell(driver, f"sleep {mark} & setsid sleep {mark} & sleep {mark}", timeout_s=0.5)
    assert (late.outcome, late.ended) == (Outcome.TIMED_OUT, Ended.CERTAIN)
    assert processes_with(mark) == []


async def test_a_cancelled_command_is_ended(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"271.{uuid.uuid4().int % 10**9:09d}"
    async with ready_driver(sshd, tmp_path) as driver:
        running = asyncio.create_task(by_ready_shell(driver, f"sleep {mark}"))
        await until(lambda: processes_with(mark))
        running.cancel()
        assert (await running).outcome is Outcome.CANCELLED
    assert processes_with(mark) == []


async def test_a_long_command_and_ten_megabytes_come_whole(sshd: Sshd, tmp_path: Path) -> None:
    long = "echo " + "x" * 64_000
    async with ready_driver(sshd, tmp_path) as driver:
        result = await driver.run(command(long, parsed=True))
        assert result.stdout.head == long[5:].encode() + b"\n"
        assert fitting_line(long) is None
        big = await by_ready_shell(driver, "head -c 10000000 /dev/zero | tr '\\0' y")
        assert (big.stdout.total, big.stdout.sha256) == (10_000_000, hashlib.sha256(b"y" * 10_000_000).hexdigest())


@pytest.mark.parametrize("shell", ["fish", "tcsh"])
async def test_under_another_shell_commands_go_by_exec_requests_and_it_is_said_why(tmp_path: Path, shell: str) -> None:
    async with server_with(shell, "sshd", tmp_path) as server, driver_on(server, tmp_path) as driver:
        for _ in range(2):
            assert (await driver.run(command("echo hi", parsed=True))).stdout.head == b"hi\n"
        assert driver.sent_by == "exec requests (its login shell is none of the sh family)"


@pytest.mark.parametrize(
    ("start_file", "why"),
    [
        ("echo noise >&2", "its start files write to stderr"),
        ("read line", "its shell takes longer than 0.5 s to start"),
        ("head -c 8192 /dev/zero", "its start files print more than a shell that waits may hold"),
    ],
)
async def test_start_files_that_get_in_the_way_are_told_and_nothing_is_lost(
    tmp_path: Path, start_file: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "start_wait_s", 0.5)
    async with Sshd(tmp_path / "sshd") as server:
        (server.folder / ".bashrc").write_text(start_file + "\n")
        async with driver_on(server, tmp_path) as fast, driver_on(server, tmp_path, fast=False) as plain:
            expected = told(await plain.run(command("echo hi")))
            for _ in range(2):
                assert told(await fast.run(command("echo hi", parsed=True))) == expected
            await until(lambda: fast.sent_by)
            assert fast.sent_by == f"exec requests ({why})"
            assert told(await fast.run(command("echo hi", parsed=True))) == expected


async def test_what_start_files_print_belongs_to_the_output(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd") as server:
        (server.folder / ".bashrc").write_text("echo welcome\n")
        async with driver_on(server, tmp_path) as fast, driver_on(server, tmp_path, fast=False) as plain:
            await fast.run(command("true"))
            assert told(await by_ready_shell(fast, "echo hi")) == told(await plain.run(command("echo hi")))


async def test_it_can_be_switched_off(sshd: Sshd, tmp_path: Path) -> None:
    async with driver_on(sshd, tmp_path, fast=False) as driver:
        for _ in range(3):
            await driver.run(command("true", parsed=True))
        assert driver._ready._shell is None
        assert driver.sent_by == "exec requests (`fast: false`)"


async def test_a_host_with_one_channel_still_runs_what_needs_a_request(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd", max_sessions=1) as server, driver_on(server, tmp_path) as driver:
        results = [await driver.run(command(f"echo {n}", parsed=n % 2 == 0)) for n in range(6)]
    assert [result.stdout.head for result in results] == [b"%d\n" % n for n in range(6)]


async def test_sixty_commands_at_once_and_a_ready_shell_among_them(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd", max_sessions=10) as server, ready_driver(server, tmp_path) as driver:
        texts = [command(f"echo {n}", parsed=True, reads_only=n % 3 > 0) for n in range(60)]
        results = await asyncio.gather(*(driver.run(each) for each in texts))
    assert [result.stdout.head for result in results] == [b"%d\n" % n for n in range(60)]


async def test_a_shell_that_waits_is_gone_with_its_connection(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd") as server:
        async with ready_driver(server, tmp_path) as driver:
            assert driver._ready._shell is not None
            token = driver._ready._shell.token
            assert processes_with(token)
        await until(lambda: not processes_with(token))


async def test_a_shell_that_is_killed_while_it_waits_costs_nothing(sshd: Sshd, tmp_path: Path) -> None:
    async with ready_driver(sshd, tmp_path) as driver:
        shell = driver._ready._shell
        assert shell is not None
        [pid] = processes_with(shell.token)
        os.kill(pid, signal.SIGKILL)
        result = await driver.run(command("echo hi", parsed=True))
    assert (result.outcome, result.stdout.head) == (Outcome.COMPLETED, b"hi\n")
