import asyncio

import pytest

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import SessionLostError
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh_drivers import ready
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.readyshell import Trial, line_of, trial
from tests.support.memory import MemoryChannel, MemoryConnection, is_ready_request, shell_script, text_of_line
from tests.support.waiting import until


def command(text: str = "uptime", *, parsed: bool = True, reads_only: bool = True) -> Command:
    return Command(text, 5.0, 1000, parsed=parsed, reads_only=reads_only)


def echo(channel: MemoryChannel) -> None:
    """A host whose every command prints itself."""
    channel.out(channel.command.encode()[-20:])
    channel.exits(0)


async def on_ready_host(script: object = None) -> tuple[MemoryConnection, ExecDriver]:
    """A host where a shell stands ready after a first command."""
    connection = MemoryConnection(script or shell_script(echo), ready=True)  # type: ignore[arg-type]
    driver = ExecDriver(connection)
    await driver.run(command("first"))
    return connection, driver


async def stands(driver: ExecDriver) -> ready.ReadyShell:
    await until(lambda: driver._ready._shell is not None and driver._ready._shell.is_ready)
    assert driver._ready._shell is not None
    return driver._ready._shell


def requests(connection: MemoryConnection) -> list[bool]:
    """What was asked of the host since the probe: whether it was to stand ready."""
    return [is_ready_request(text) for text in connection.commands[1:]]


async def test_the_second_command_asks_the_host_for_nothing() -> None:
    connection, driver = await on_ready_host()
    await stands(driver)
    result = await driver.run(command("second"))
    assert (result.exit_code, result.stdout.head, result.stderr.head) == (0, b"second", b"")
    assert requests(connection)[:2] == [False, True]
    assert driver.sent_by == "ready shells"


async def test_a_command_that_could_not_be_read_goes_by_a_request() -> None:
    connection, driver = await on_ready_host()
    shell = await stands(driver)
    await driver.run(command("second", parsed=False))
    assert requests(connection) == [False, True, False]
    assert driver._ready._shell is shell


async def test_whatever_may_change_the_host_makes_a_shell_stale() -> None:
    _, driver = await on_ready_host()
    shell = await stands(driver)
    await driver.run(command("second", parsed=False, reads_only=False))
    assert not shell.is_ready
    assert await stands(driver) is not shell


async def test_a_change_by_another_driver_of_the_host_makes_it_stale_and_another_one_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ready, "calm_s", 0.03)
    connection, driver = await on_ready_host()
    shell = await stands(driver)
    for _ in range(8):
        driver._changes.note()
        await asyncio.sleep(0.01)
        assert not shell.is_ready
    assert requests(connection) == [False, True]  # it goes on changing
    assert await stands(driver) is not shell
    assert requests(connection) == [False, True, True]


async def test_a_command_that_comes_before_that_goes_by_a_request() -> None:
    connection, driver = await on_ready_host()
    await stands(driver)
    driver._changes.note()
    await driver.run(command("second"))
    assert requests(connection)[:3] == [False, True, False]


async def test_no_other_one_follows_after_its_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "calm_s", 0.02)
    monkeypatch.setattr(ready, "stands_s", 0.1)
    connection, driver = await on_ready_host()
    await stands(driver)
    driver._changes.note()
    await stands(driver)
    await until(lambda: driver._ready._shell is None)
    driver._changes.note()
    await asyncio.sleep(0.1)
    assert requests(connection) == [False, True, True]


async def test_one_that_ended_while_it_waited_is_followed_by_another() -> None:
    connection, driver = await on_ready_host()
    shell = await stands(driver)
    connection.channels[0].exits(signal="KILL")
    assert not shell.is_ready
    await driver.run(command("second"))
    assert requests(connection)[:3] == [False, True, False]
    assert await stands(driver) is not shell


async def test_it_is_let_go_when_files_are_wanted() -> None:
    connection, driver = await on_ready_host()
    shell = await stands(driver)
    driver.changed()
    assert not shell.is_ready
    assert connection.channels == []


async def test_it_stands_for_a_minute_and_no_other_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "stands_s", 0.05)
    connection, driver = await on_ready_host()
    await stands(driver)
    await until(lambda: driver._ready._shell is None)
    assert connection.channels == []
    assert requests(connection) == [False, True]


async def test_a_shell_that_ends_without_its_process_id_ran_nothing_and_the_command_goes_by_a_request() -> None:
    def refuses(channel: MemoryChannel) -> None:
        shell_script(echo)(channel)
        if is_ready_request(channel.command):
            tried, lines = channel.typed, []
            assert tried is not None

            def typed(data: bytes) -> None:
                lines.append(data)
                if len(lines) == 1:
                    tried(data)
                else:
                    channel.exits(0)

            channel.typed = typed

    connection, driver = await on_ready_host(refuses)
    await stands(driver)
    result = await driver.run(command("second"))
    assert (result.exit_code, result.stdout.head[-6:]) == (0, b"second")
    assert requests(connection) == [False, True, False]
    assert driver.sent_by == "exec requests (its login shell did not take a line as it was sent)"


async def test_a_link_that_goes_after_the_line_left_is_an_unknown_outcome() -> None:
    connection, driver = await on_ready_host(shell_script(lambda _: None, pid=None))
    await stands(driver)
    running = asyncio.ensure_future(driver.run(command("second")))
    await until(lambda: len(connection.channels[0].written) > len(line_of(trial)))
    connection.breaks(SessionLostError("the link went", sent=True))
    result: CommandResult = await running
    assert result.outcome is Outcome.UNKNOWN


async def test_a_host_with_no_channel_for_it_is_asked_three_times() -> None:
    connection = MemoryConnection(shell_script(echo))
    driver = ExecDriver(connection)
    for number in range(1, 4):
        await driver.run(command())
        await until(lambda: driver._ready._lost == number)  # noqa: B023  it is asked in this very round
    assert driver.sent_by == "exec requests (the host has no channel for them, or ends them)"


async def test_a_shell_of_another_kind_is_never_started() -> None:
    def ksh(channel: MemoryChannel) -> None:
        if channel.command.startswith("read -r boot"):
            channel.out(b"mcp-ssh ksh93 \n")
            channel.exits(0)
        else:
            shell_script(echo)(channel)

    connection, driver = await on_ready_host(ksh)
    assert driver.sent_by == "exec requests (its login shell is ksh93)"
    assert requests(connection) == [False]


async def test_the_fake_shell_reads_lines_as_a_real_one() -> None:
    assert text_of_line(line_of(b"it's\n'x'")) == b"it's\n'x'"
    assert Trial.PASSED.value == ""
