import asyncio

import pytest

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import (
    ChannelRefusedError,
    DeadlineExceededError,
    LinkSilentError,
    NeedsPtyError,
    SessionLostError,
)
from mcp_ssh.model.result import Ended, Outcome
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.memory import MemoryChannel, MemoryConnection, answers, hangs, shell_script


def command(text: str = "uptime", timeout_s: float = 5.0, max_output_bytes: int = 1000) -> Command:
    return Command(text, timeout_s, max_output_bytes)


async def test_exit_code_and_both_outputs_come_back_without_the_announcement() -> None:
    def script(channel: MemoryChannel) -> None:
        channel.out(b"one\n")
        channel.err(b"two\n")
        channel.exits(3)

    connection = MemoryConnection(shell_script(script))
    result = await ExecDriver(connection).run(command())
    assert (result.outcome, result.exit_code) == (Outcome.COMPLETED, 3)
    assert (result.stdout.head, result.stderr.head) == (b"one\n", b"two\n")


async def test_the_login_shell_is_asked_once_a_connection_however_many_commands_start_at_once() -> None:
    connection = MemoryConnection(shell_script(answers(b"x")))
    driver = ExecDriver(connection)
    await asyncio.gather(*(driver.run(command()) for _ in range(5)))
    assert sum("mcp-ssh" in text for text in connection.commands) == 1


async def test_under_a_forced_command_the_text_goes_alone() -> None:
    connection = MemoryConnection(answers(b"welcome\n"))
    result = await ExecDriver(connection).run(command("uptime"))
    assert connection.commands[-1] == "uptime"
    assert result.stdout.head == b"welcome\n"


async def test_a_signal_is_a_result() -> None:
    connection = MemoryConnection(shell_script(lambda channel: channel.exits(signal="KILL")))
    result = await ExecDriver(connection).run(command())
    assert (result.outcome, result.signal, result.exit_code) == (Outcome.SIGNALLED, "KILL", None)


async def test_a_timeout_keeps_what_came_and_ends_the_command_for_certain() -> None:
    def script(channel: MemoryChannel) -> None:
        channel.out(b"partial")

    connection = MemoryConnection(shell_script(script))
    result = await ExecDriver(connection).run(command(timeout_s=0.05))
    assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.CERTAIN)
    assert result.stdout.head == b"partial"
    assert any("leader=4242" in text for text in connection.commands)
    assert connection.channels == []


async def test_processes_that_would_not_end_are_told() -> None:
    connection = MemoryConnection(shell_script(hangs, left=2))
    result = await ExecDriver(connection).run(command(timeout_s=0.05))
    assert result.ended is Ended.SURVIVED


async def test_a_command_is_ended_from_another_connection_where_every_channel_is_busy() -> None:
    busy = MemoryConnection(shell_script(hangs), max_channels=1)
    other = MemoryConnection(shell_script(hangs))

    async def reconnect() -> MemoryConnection:
        return other

    result = await ExecDriver(busy, reconnect).run(command(timeout_s=0.05))
    assert result.ended is Ended.CERTAIN
    assert '[ "$boot" = "12ab-34" ] || exit 3' in other.commands[0]
    assert other.is_closed


async def test_without_a_second_channel_the_server_is_asked_to_signal_and_nothing_is_claimed() -> None:
    connection = MemoryConnection(shell_script(hangs, pid=None))
    result = await ExecDriver(connection).run(command(timeout_s=0.05))
    assert result.ended is Ended.SIGNALLED


async def test_a_host_that_ignores_signals_leaves_the_end_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_ssh_drivers.exec.signal_wait_s", 0.01)
    monkeypatch.setattr("mcp_ssh_drivers.exec.announcement_wait_s", 0.01)
    connection = MemoryConnection(shell_script(hangs, pid=None), dies_of=())
    result = await ExecDriver(connection).run(command(timeout_s=0.05))
    assert result.ended is Ended.UNKNOWN


async def test_a_cancelled_command_is_ended_on_the_host_and_answered() -> None:
    connection = MemoryConnection(shell_script(hangs))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ExecDriver(connection).run(command()))
        await asyncio.sleep(0.05)
        task.cancel()
        result = await task
    assert (result.outcome, result.ended) == (Outcome.CANCELLED, Ended.CERTAIN)


async def test_a_command_cancelled_before_its_channel_stands_never_leaves() -> None:
    connection = MemoryConnection(shell_script(hangs))
    driver = ExecDriver(connection)
    await asyncio.wait_for(driver._found_login(), 1)
    connection.opens = False
    async with asyncio.TaskGroup() as group:
        task = group.create_task(driver.run(command("touch x")))
        await asyncio.sleep(0.02)
        task.cancel()
    assert task.cancelled()
    assert not any("touch" in text for text in connection.commands)


async def test_a_deadline_before_the_channel_stands_says_that_nothing_was_sent() -> None:
    connection = MemoryConnection(shell_script(hangs), opens=False)
    with pytest.raises(DeadlineExceededError) as caught:
        await ExecDriver(connection).run(command(timeout_s=0.05))
    assert not caught.value.sent


async def test_a_link_that_breaks_in_mid_command_leaves_the_outcome_unknown_with_what_came() -> None:
    def script(channel: MemoryChannel) -> None:
        channel.out(b"half")
        asyncio.get_running_loop().call_soon(channel.connection.breaks, LinkSilentError("silent"))

    result = await ExecDriver(MemoryConnection(shell_script(script))).run(command())
    assert (result.outcome, result.ended) == (Outcome.UNKNOWN, Ended.UNKNOWN)
    assert result.stdout.head == b"half"
    assert result.lost is not None
    assert result.lost.code == "link_silent"


async def test_a_link_that_is_gone_before_says_that_nothing_was_sent() -> None:
    connection = MemoryConnection(shell_script(hangs))
    connection.breaks(SessionLostError("gone"))
    with pytest.raises(SessionLostError) as caught:
        await ExecDriver(connection).run(command())
    assert not caught.value.sent


async def test_a_host_that_takes_no_command_needs_a_terminal() -> None:
    def script(channel: MemoryChannel) -> None:
        channel.ends(NeedsPtyError("no exec"))

    with pytest.raises(NeedsPtyError):
        await ExecDriver(MemoryConnection(script)).run(command())


async def test_commands_beyond_max_sessions_queue_and_none_fails() -> None:
    def script(channel: MemoryChannel) -> None:
        asyncio.get_running_loop().call_later(0.01, channel.exits, 0)

    connection = MemoryConnection(shell_script(script), max_channels=4)
    driver = ExecDriver(connection)
    results = await asyncio.gather(*(driver.run(command()) for _ in range(30)))
    assert {result.exit_code for result in results} == {0}
    assert connection.most_channels == 4
    assert driver._slots.limit == 3


async def test_a_host_that_opens_no_channel_at_all_is_given_up() -> None:
    with pytest.raises(ChannelRefusedError):
        await ExecDriver(MemoryConnection(shell_script(hangs), max_channels=0)).run(command())


async def test_a_background_process_that_holds_the_output_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_ssh_drivers.execution.linger_s", 0.02)

    def script(channel: MemoryChannel) -> None:
        channel.out(b"started\n")
        channel.receiver.exited(0, None)

    connection = MemoryConnection(shell_script(script))
    result = await ExecDriver(connection).run(command())
    assert (result.outcome, result.exit_code, result.left_running) == (Outcome.COMPLETED, 0, True)
    assert not any("leader=" in text for text in connection.commands)


async def test_the_link_is_watched_closely_only_while_commands_run() -> None:
    connection = MemoryConnection(shell_script(answers(b"x")))
    driver = ExecDriver(connection)
    await asyncio.gather(driver.run(command()), driver.run(command()))
    assert connection.watches == [True, False]
