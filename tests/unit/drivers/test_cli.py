"""Stateless commands on a scripted device: what its shell is left in, and whose answer is whose."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from mcp_ssh.lab.device import Reply
from mcp_ssh.lab.kinds import switch as switch_kind
from mcp_ssh.model.command import Command, Key, Speech
from mcp_ssh.model.errors import EnableFailedError, NotAtPromptError, NothingAsksError, SessionLostError
from mcp_ssh.model.result import Ended, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.clishell import CliShell
from mcp_ssh_drivers.exchange import PtyResult
from mcp_ssh_drivers.registry import known, profile_of
from tests.support.devices import DeviceTransport
from tests.support.memory import MemoryChannel, MemoryConnection

PROFILES = known()


class Switch:
    """An IOS-like switch: it echoes what is typed, and answers lines from a table."""

    def __init__(self) -> None:
        self.prompt = b"sw1#"
        self.lines: list[str] = []
        self.shells = 0
        self.answers: dict[str, bytes] = {
            "show clock": b"12:00\r\n",
            "terminal length 0": b"",
            "terminal width 511": b"",
        }
        self.typed = bytearray()
        self.asks = b""
        self.dead: set[str] = set()
        self.secret = ""
        self.waits_for_secret = False

    def opened(self, channel: MemoryChannel) -> None:
        self.shells += 1
        self.prompt = b"sw1>" if self.secret else b"sw1#"
        asyncio.get_running_loop().call_soon(channel.out, b"\r\n" + self.prompt)

    def written(self, channel: MemoryChannel, data: bytes) -> None:
        for byte in data:
            self.key(channel, bytes([byte]))

    def key(self, channel: MemoryChannel, key: bytes) -> None:
        def say(text: bytes) -> None:
            asyncio.get_running_loop().call_soon(channel.out, text)

        if key == b"\x1e":
            if not self.dead:
                say(b"^C\r\n" + self.prompt)
        elif key == b"\x15":
            say(b"\b \b" * len(self.typed))
            self.typed.clear()
        elif key == b"\r":
            line = self.typed.decode()
            self.typed.clear()
            say(b"\r\n")
            if self.waits_for_secret:
                self.waits_for_secret = False
                self.prompt = b"sw1#" if line == self.secret else self.prompt
                say((b"" if line == self.secret else b"% Bad secrets\r\n\r\n") + self.prompt)
                return
            self.lines.append(line)
            self.enter(channel, line, say)
        else:
            self.typed += key
            if not self.waits_for_secret:
                say(key)

    def enter(self, channel: MemoryChannel, line: str, say: Callable[[bytes], object]) -> None:
        if line == "configure terminal":
            self.prompt = b"sw1(config)#"
        if line == "end":
            self.prompt = b"sw1#"
        if line == "enable":
            self.waits_for_secret = True
            say(b"Password: ")
        elif line == "reload":
            say(b"Proceed with reload? [confirm]")
        elif line in self.dead:
            return
        elif line == "logout":
            channel.ends()
        else:
            say(self.answers.get(line, b"") + self.prompt)


def driver_on(switch: Switch, secret: str | None = None) -> CliDriver:
    connection = MemoryConnection(switch.opened, typed=switch.written)
    return CliDriver(
        connection, profile_of("cisco_ios", None, PROFILES), enable=None if secret is None else lambda: Secret(secret)
    )


def command(text: str, timeout_s: float = 5) -> Command:
    return Command(text, timeout_s, 10_000)


async def test_each_command_gets_its_answer_and_one_shell_serves_all() -> None:
    switch = Switch()
    driver = driver_on(switch)
    results = await asyncio.gather(*(driver.run(command("show clock")) for _ in range(3)))
    assert [result.stdout.head for result in results] == [b"12:00\n"] * 3
    assert switch.shells == 1


async def test_a_command_that_enters_a_mode_is_followed_by_the_way_back() -> None:
    switch = Switch()
    driver = driver_on(switch)
    await driver.run(command("configure terminal"))
    await driver.run(command("show clock"))
    assert switch.lines[-3:] == ["configure terminal", "end", "show clock"]


async def test_a_question_is_told_and_the_command_interrupted() -> None:
    switch = Switch()
    driver = driver_on(switch)
    result = await driver.run(command("reload"))
    assert (result.outcome, result.question) == (Outcome.INTERRUPTED, "Proceed with reload? [confirm]")
    assert result.ended is Ended.SIGNALLED
    assert switch.lines[-1] == "reload"  # no line, and so no Enter, has answered it
    assert (await driver.run(command("show clock"))).stdout.head == b"12:00\n"


async def test_a_shell_that_cannot_be_brought_back_is_left_and_another_one_opened() -> None:
    switch = Switch()
    driver = driver_on(switch)
    switch.dead = {"debug all"}
    result = await driver.run(command("debug all", timeout_s=0.3))
    assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.UNKNOWN)
    assert (await driver.run(command("show clock"))).stdout.head == b"12:00\n"
    assert switch.shells == 2


async def test_a_cancelled_command_is_stopped_and_its_late_end_answers_nobody_else() -> None:
    switch = Switch()
    driver = driver_on(switch)
    await driver.run(command("show clock"))
    switch.answers["show slow"] = b""
    switch.dead = {"show slow"}
    task = asyncio.ensure_future(driver.run(command("show slow")))
    while "show slow" not in switch.lines:
        await asyncio.sleep(0)
    switch.dead = set()
    task.cancel()
    assert (await task).outcome is Outcome.CANCELLED
    assert (await driver.run(command("show clock"))).stdout.head == b"12:00\n"


async def test_a_device_that_hangs_up_leaves_the_outcome_unknown() -> None:
    switch = Switch()
    driver = driver_on(switch)
    result = await driver.run(command("logout"))
    assert (result.outcome, result.ended) == (Outcome.UNKNOWN, Ended.UNKNOWN)
    assert (await driver.run(command("show clock"))).stdout.head == b"12:00\n"


async def test_a_device_without_a_known_prompt_is_told_with_what_it_showed() -> None:
    switch = Switch()
    connection = MemoryConnection(lambda channel: channel.out(b"\r\nlogin as: "), typed=switch.written)
    driver = CliDriver(connection, profile_of("cisco_ios", None, PROFILES))
    with pytest.raises(SessionLostError, match="login as:") as caught:
        await driver.run(command("show clock", timeout_s=0.3))
    assert not caught.value.sent


async def test_a_turn_that_does_not_come_in_time_is_refused() -> None:
    switch = Switch()
    driver = driver_on(switch)
    switch.dead = {"show slow"}
    slow = asyncio.ensure_future(driver.run(command("show slow", timeout_s=1)))
    while "show slow" not in switch.lines:
        await asyncio.sleep(0)
    with pytest.raises(NotAtPromptError, match="nothing was sent"):
        await driver.run(command("show clock", timeout_s=0.1))
    await slow


async def test_with_the_enable_secret_commands_run_privileged_and_it_is_typed_at_its_prompt_only() -> None:
    switch = Switch()
    switch.secret = "lab-enable"
    driver = driver_on(switch, "lab-enable")
    result = await driver.run(command("show clock"))
    assert result.stdout.head == b"12:00\n"
    assert switch.prompt == b"sw1#"
    assert "lab-enable" not in switch.lines
    await driver.run(command("show clock"))
    assert switch.lines.count("enable") == 1


async def test_a_wrong_enable_secret_is_told_and_the_command_not_sent() -> None:
    switch = Switch()
    switch.secret = "lab-enable"
    with pytest.raises(EnableFailedError, match="Bad secrets") as caught:
        await driver_on(switch, "wrong").run(command("show clock"))
    assert "wrong" not in str(caught.value)
    assert "show clock" not in switch.lines


async def test_a_way_back_that_fails_is_told_and_the_command_counts_as_run() -> None:
    commands = {mode: dict(own) for mode, own in switch_kind("secret").commands.items()}
    commands["config"]["end"] = Reply(hangs_up=True)
    async with DeviceTransport(replace(switch_kind("secret"), commands=commands, start="privileged")) as transport:
        shell = CliShell(transport.connection(), PROFILES["cisco_ios"])
        await shell.open(5)
        result = await shell.run(replace(command("vlan 20"), mode="config"))
        assert result.outcome is Outcome.COMPLETED
        assert result.remark.startswith("the command ran, and then the way back to mode 'privileged' failed")
        assert "not sent" not in result.remark
        assert transport.devices[0].lines.count("vlan 20") == 1


async def test_a_shell_that_is_lost_between_two_lines_counts_as_sent() -> None:
    async with DeviceTransport(replace(switch_kind("secret"), start="privileged")) as transport:
        shell = CliShell(transport.connection(), PROFILES["cisco_ios"])
        await shell.open(5)
        run, lines = shell._pty.run, []

        async def dies_after_the_first(text: str, *arguments: object, **options: object) -> PtyResult:
            lines.append(text)
            if len(lines) == 2:
                raise SessionLostError("gone")
            return await run(text, *arguments, **options)  # type: ignore[arg-type]

        shell._pty.run = dies_after_the_first  # type: ignore[method-assign]
        with pytest.raises(SessionLostError, match="before line 2; the lines before it ran") as caught:
            await shell.run(command("show clock\nshow version"))
        assert caught.value.sent


async def test_words_for_a_program_never_reach_a_prompt() -> None:
    async with DeviceTransport(replace(switch_kind("secret"), start="privileged")) as transport:
        connection = transport.connection()
        shell = CliShell(connection, PROFILES["cisco_ios"])
        await shell.open(5)
        before = bytes(connection.channels[0].written)
        for speech in (Speech("reload"), Speech(key=Key.ENTER), Speech(key=Key.CTRL_C)):
            with pytest.raises(NothingAsksError, match="nothing was sent"):
                shell.type(speech)
        assert bytes(connection.channels[0].written) == before
