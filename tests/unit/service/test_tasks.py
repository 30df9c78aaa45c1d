"""Tasks: how they stand at every moment, for whom they exist, and when they are gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    AuthenticationError,
    PermissionMissingError,
    SessionLostError,
    UnknownSessionError,
)
from mcp_ssh.model.host import Limits, Shell
from mcp_ssh.model.principal import Caller, Permission, Principal, Via
from mcp_ssh.model.refusals import ConfirmationRequiredError
from mcp_ssh.model.result import Ended
from mcp_ssh.model.state import State, over
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.reading import Place
from mcp_ssh.service.said import Said
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.devices import DeviceTransport
from tests.support.hosts import host
from tests.support.memory import MemoryChannel, MemoryTransport, Script, answers, hangs, shell_script
from tests.support.secrets import SomeSecrets
from tests.support.waiting import until

BOB = Caller(Principal("stdio:bob", Via.STDIO), "tests 1.0")


async def ended_run(it: Daemon, handle: str) -> Run:
    run = await it.app.tasks.look(ANN, handle, wait_s=5)
    assert run.state in over
    assert isinstance(run, Run)
    return run


def killed(channel: MemoryChannel) -> None:
    channel.exits(signal="KILL")


def lost(channel: MemoryChannel) -> None:
    channel.ends(SessionLostError("the link went", sent=True))


@pytest.mark.parametrize(
    ("script", "timeout_s", "state", "exit_code"),
    [
        (answers(b"done\n"), None, State.COMPLETED, 0),
        (answers(code=3), None, State.COMPLETED, 3),
        (killed, None, State.FAILED, None),
        (lost, None, State.UNKNOWN, None),
        (hangs, 0.05, State.TIMED_OUT, None),
    ],
    ids=["exit 0", "exit 3", "signal", "link lost", "timeout"],
)
async def test_a_task_ends_as_its_command_did(
    script: Script, timeout_s: float | None, state: State, exit_code: int | None
) -> None:
    async with daemon(transport=MemoryTransport(script)) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make", timeout_s))
        ended = await ended_run(it, started.handle)
        assert ended.state is state
        if ended.result is not None:
            assert ended.result.exit_code == exit_code


async def test_a_task_is_pending_until_its_session_stands_and_running_from_then_on() -> None:
    transport = MemoryTransport(hangs)
    transport.gate = asyncio.Event()
    async with daemon(transport=transport) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        assert started.state is State.PENDING
        transport.gate.set()
        await until(lambda: started.session is not None)
        assert (await it.app.tasks.look(ANN, started.handle)).state is State.RUNNING


async def test_cancelled_before_it_was_sent_it_never_runs() -> None:
    transport = MemoryTransport(hangs)
    transport.gate = asyncio.Event()
    async with daemon(transport=transport) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        ended = await it.app.tasks.cancel(ANN, started.handle)
        assert (ended.state, started.result, ended.error) == (State.CANCELLED, None, None)
        transport.gate.set()
        await until(lambda: "cancelled" in it.audit.events())
        assert all(not connection.commands for connection in transport.connections)


async def test_cancelled_in_flight_it_is_ended_on_the_host() -> None:
    transport = MemoryTransport(hangs)
    async with daemon(transport=transport) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        await until(lambda: any(connection.channels for connection in transport.connections))
        ended = await it.app.tasks.cancel(ANN, started.handle)
        assert ended.state is State.CANCELLED
        assert started.result is not None
        assert started.result.ended is not None
        again = await it.app.tasks.cancel(ANN, started.handle)
        assert again.state is State.CANCELLED
        assert it.audit.events() == ["decided", "cancelled"]


async def test_cancelled_again_and_again_it_is_still_ended_on_the_host_and_recorded_once() -> None:
    ending: list[MemoryChannel] = []

    def slow_to_end(channel: MemoryChannel) -> None:
        if "mcp-ssh left" in channel.command:
            ending.append(channel)
        else:
            shell_script(hangs)(channel)

    transport = MemoryTransport()
    transport.raw = slow_to_end
    async with daemon(transport=transport) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        task = started.task
        assert task is not None
        await until(lambda: any(connection.channels for connection in transport.connections))
        task.cancel()
        await until(lambda: bool(ending))
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        ending[0].out(b"mcp-ssh left 0\n")
        ending[0].exits(0)
        assert (await ended_run(it, started.handle)).state is State.CANCELLED
        assert started.result is not None
        assert started.result.ended is Ended.CERTAIN
        assert it.audit.events() == ["decided", "cancelled"]
        assert it.audit.of_commands()[-1]["outcome"] == "cancelled"


async def test_what_may_not_run_is_told_at_once_and_leaves_no_task() -> None:
    async with daemon(transport=MemoryTransport(answers())) as it:
        with pytest.raises(ConfirmationRequiredError):
            await it.app.tasks.start(ANN, "web", Wish("reboot"))
        assert it.app.tasks.all_of(ANN) == []


async def test_a_login_that_fails_is_a_task_that_failed_and_a_late_one_timed_out() -> None:
    transport = MemoryTransport(error=AuthenticationError("web did not accept the login"))
    transport.gate = asyncio.Event()
    async with daemon(transport=transport) as it:
        refused = await it.app.tasks.start(ANN, "web", Wish("make"))
        transport.gate.set()
        assert (await ended_run(it, refused.handle)).state is State.FAILED
        transport.gate.clear()
        await it.clock.advance(2)  # a host that failed is not dialled again at once
        late = await it.app.tasks.start(ANN, "web", Wish("make", 0.05))
        assert (await ended_run(it, late.handle)).state is State.TIMED_OUT
        transport.gate.set()


async def test_a_task_is_its_principals_alone_and_a_foreign_one_is_as_unknown() -> None:
    async with daemon(transport=MemoryTransport(hangs)) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        words = []
        for handle in (started.handle, "r-0123456789abcdef"):
            for ask in (it.app.tasks.look, it.app.tasks.cancel):
                with pytest.raises(UnknownSessionError) as refused:
                    await ask(BOB, handle)
                words.append(str(refused.value).replace(handle, ""))
        assert len(set(words)) == 1
        assert it.app.tasks.all_of(BOB) == []
        assert [each.handle for each in it.app.tasks.all_of(ANN)] == [started.handle]


async def test_who_may_not_execute_may_not_cancel() -> None:
    reader = replace(ANN, principal=replace(ANN.principal, permissions=frozenset({Permission.READ})))
    async with daemon(transport=MemoryTransport(hangs)) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        with pytest.raises(PermissionMissingError):
            await it.app.tasks.cancel(reader, started.handle)
        assert started.task is not None


@pytest.mark.parametrize(("own", "held_s"), [(None, 300), (1_800.0, 1_800)], ids=["settings", "host"])
async def test_nothing_is_held_after_its_time(own: float | None, held_s: float) -> None:
    entry = host("web.example.com", limits=Limits(task_result_ttl=own))
    async with daemon(entry, transport=MemoryTransport(answers(b"done\n"))) as it:
        started = await it.app.tasks.start(ANN, "web.example.com", Wish("make"))
        await ended_run(it, started.handle)
        await it.clock.advance(held_s - 10)
        assert (await it.app.tasks.look(ANN, started.handle)).state is State.COMPLETED
        await it.clock.advance(15)
        assert it.app.tasks.held == 0
        with pytest.raises(UnknownSessionError):
            await it.app.tasks.look(ANN, started.handle)


async def test_a_command_that_outlives_its_call_is_a_task_and_its_result_waits_for_its_time() -> None:
    gate: list[MemoryChannel] = []
    async with daemon(transport=MemoryTransport(gate.append)) as it:
        answer = await it.app.commands.run(ANN, "web", Wish("make"), reply_within_s=0.05)
        assert answer.handle is not None
        gate[-1].out(b"built\n")
        gate[-1].exits(0)
        ended = await ended_run(it, answer.handle)
        assert (ended.state, ended.kept.read(Stream.STDOUT, 0, 10)) == (State.COMPLETED, b"built\n")
        await it.clock.advance(290)
        assert [each.handle for each in it.app.tasks.all_of(ANN)] == [answer.handle]
        await it.clock.advance(15)
        assert it.app.tasks.all_of(ANN) == []


async def test_an_answered_command_is_no_task_and_nothing_of_it_is_held() -> None:
    async with daemon(transport=MemoryTransport(answers(b"up\n"))) as it:
        await it.app.commands.run(ANN, "web", Wish("uptime"))
        assert it.app.tasks.all_of(ANN) == []
        assert it.app.tasks.held == 0


async def test_a_stopping_server_ends_its_tasks_and_records_them() -> None:
    transport = MemoryTransport(hangs)
    async with daemon(transport=transport) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        await until(lambda: any(connection.channels for connection in transport.connections))
    assert it.audit.events() == ["decided", "cancelled"]
    assert started.result is not None
    assert started.result.outcome.value == "cancelled"


class Heard:
    """A `Listener` that keeps what it heard."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def created(self, activity: Activity) -> None:
        self.words.append(f"created {activity.text}")

    def ended(self, activity: Activity) -> None:
        self.words.append(f"ended {activity.text}")


async def test_listeners_hear_of_tasks_and_of_nothing_else() -> None:
    heard = Heard()
    async with daemon(transport=MemoryTransport(answers(b"up\n"))) as it:
        it.app.tasks.listeners.append(heard)
        await it.app.commands.run(ANN, "web", Wish("uptime"))
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        await ended_run(it, started.handle)
    assert heard.words == ["created make", "ended make"]


async def test_the_output_is_read_by_line_while_it_comes() -> None:
    channels: list[MemoryChannel] = []
    async with daemon(transport=MemoryTransport(channels.append)) as it:
        started = await it.app.tasks.start(ANN, "web", Wish("make"))
        await until(lambda: len(channels) > 0)
        channels[-1].out(b"one\ntwo\nthr")
        read = await it.app.reader.read(ANN, started.handle, Place(line=2))
        assert (read.data, read.next_line) == (b"two\n", 3)  # a line that is not whole yet comes with the next look
        channels[-1].out(b"ee\n")
        read = await it.app.reader.read(ANN, started.handle, Place(line=3))
        assert (read.data, read.next_line, read.next_offset) == (b"three\n", 4, 14)
        channels[-1].out(b"end")
        channels[-1].exits(0)
        read = await it.app.reader.read(ANN, started.handle, Place(line=4), wait_s=5)
        assert (read.data, read.next_offset) == (b"end", None)


@asynccontextmanager
async def asked_switch() -> AsyncIterator[tuple[Daemon, Any, str]]:
    """A switch whose shell asks for the enable password, as the end of a task."""
    entry = host("sw", shell=Shell.CLI, platform="cisco_ios", enable_env="SWITCH_ENABLE")
    transport = DeviceTransport(switch("enable-secret-7"))
    secrets = SomeSecrets({"SWITCH_ENABLE": "enable-secret-7"})
    async with transport, daemon(entry, transport=transport, secrets=secrets) as it:
        answer, shell = await it.app.terminals.run(ANN, "sw", Wish("enable"), reply_within_s=1e-6)
        await until(lambda: answer.run.task is None)
        yield it, shell, answer.run.handle


async def test_a_task_that_asks_waits_for_input_and_goes_on_with_the_answer() -> None:
    async with asked_switch() as (it, shell, handle):
        assert (await it.app.tasks.look(ANN, handle)).state is State.WAITING_INPUT
        await it.app.terminals.send(ANN, "sw", Said(secret="SWITCH_ENABLE"), session=shell.handle)
        ended = await ended_run(it, handle)
        assert ended.state is State.COMPLETED
        assert ended.last.result is not None
        assert ended.last.result.mode == "privileged"


async def test_a_question_is_left_when_its_task_is_cancelled_and_the_shell_stays() -> None:
    async with asked_switch() as (it, shell, handle):
        assert (await it.app.tasks.cancel(ANN, handle)).state is State.CANCELLED
        answer, again = await it.app.terminals.run(ANN, "sw", Wish("show clock"), session=shell.handle)
        assert (again, answer.result.renewed) == (shell, False)


async def test_a_question_whose_shell_is_gone_is_not_waiting_any_more() -> None:
    async with asked_switch() as (it, _, handle):
        await it.app.commands.disconnect(ANN, "sw")
        assert (await it.app.tasks.look(ANN, handle)).state is State.UNKNOWN
