"""Shells on a scripted switch: whose they are, what is asked and said in them, and what outlives a call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mcp_ssh.lab.device_host import Wire
from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.command import Key, Wish
from mcp_ssh.model.errors import (
    DeadlineExceededError,
    EnableFailedError,
    InvalidArgumentError,
    NotAtPromptError,
    NothingAsksError,
    StateChangedError,
    UnknownSessionError,
)
from mcp_ssh.model.host import Host, Limits, Shell
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.model.refusals import ConfirmationRequiredError
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Stream
from mcp_ssh.service.reading import Place
from mcp_ssh.service.runs import Answer
from mcp_ssh.service.said import Said
from mcp_ssh.service.terminals import Terminals
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.devices import DeviceTransport
from tests.support.hosts import host

SECRET = "enable-secret-7"
ONE, OTHER = replace(ANN, conversation="one"), replace(ANN, conversation="other")
BOB = Caller(Principal("stdio:bob", Via.STDIO), conversation="one")
LONG = "show ip interface brief"


class OneSecret:
    """`SWITCH_ENABLE` and nothing else."""

    def get(self, name: str) -> Secret:
        assert name == "SWITCH_ENABLE"
        return Secret(SECRET)


def entry(**changes: object) -> Host:
    return host("sw", shell=Shell.CLI, platform="cisco_ios", enable_env="SWITCH_ENABLE", **changes)


@asynccontextmanager
async def on_switch(wire: Wire | None = None, **changes: object) -> AsyncIterator[tuple[Daemon, DeviceTransport]]:
    transport = DeviceTransport(switch(SECRET), wire or Wire())
    async with transport, daemon(entry(**changes), transport=transport, secrets=OneSecret()) as it:
        yield it, transport


async def run(terminals: Terminals, command: str, caller: Caller = ONE, **more: object) -> CommandResult:
    wish = Wish(command, timeout_s=5, mode=more.pop("mode", None))  # type: ignore[arg-type]
    answer, _ = await terminals.run(caller, "sw", wish, **more)  # type: ignore[arg-type]
    return answer.result


def text(result: CommandResult | Answer) -> str:
    return (result.result if isinstance(result, Answer) else result).stdout.head.decode()


async def test_the_mode_stays_for_the_next_command() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        modes = [(await run(shells, line, mode=None)).mode for line in ("show clock", "terminal width 511")]
        assert modes == ["user", "user"]
        answer, _ = await shells.run(ONE, "sw", Wish("show clock", mode="privileged"))
        assert text(answer).startswith("*12:00:00")
        assert transport.devices[0].mode == "user"
        configured = await run(shells, "interface Gi0/1", mode="config")
        assert configured.device_error is None
        assert transport.devices[0].mode == "user"
        assert SECRET not in repr(it.audit.records)


async def test_a_wrong_enable_secret_stops_before_the_command() -> None:
    async with on_switch() as (it, transport):
        transport.kind = switch("another")
        with pytest.raises(EnableFailedError, match="the command was not sent"):
            await run(it.app.terminals, "show clock", mode="privileged")
        assert "show clock" not in transport.devices[0].lines
        assert text(await run(it.app.terminals, "show clock")).startswith("*12:00:00")


async def test_a_question_comes_back_and_its_listed_answer_is_judged_as_the_command_that_asked() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        asked = await run(shells, "copy running-config startup-config")
        assert (asked.outcome, asked.question) == (Outcome.WAITING_INPUT, "Destination filename [startup-config]?")
        with pytest.raises(NotAtPromptError, match="is waited for"):
            await run(shells, "show clock")
        answer, _ = await shells.send(ONE, "sw", Said(text=""))
        assert "[OK]" in text(answer)
        assert transport.devices[0].mode == "privileged"
        assert it.audit.events()[-2:] == ["decided", "finished"]


async def test_free_words_to_a_program_are_dangerous_until_a_person_agrees() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        await run(shells, "copy running-config startup-config")
        with pytest.raises(ConfirmationRequiredError, match=r"opaque\.interactive"):
            await shells.send(ONE, "sw", Said(text="flash:other"))
        answer, _ = await shells.send(ONE, "sw", Said(text="flash:other"), confirmed=True)
        assert answer.result.device_error == "%Error opening nvram: (Permission denied)"
        assert transport.devices[0].lines[-1] == "copy running-config startup-config"


async def test_an_answer_to_a_dangerous_command_is_as_dangerous_as_the_command() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        with pytest.raises(ConfirmationRequiredError):
            await run(shells, "reload")
        asked = await run(shells, "reload", confirmed=True)
        assert asked.question == "Proceed with reload? [confirm]"
        with pytest.raises(ConfirmationRequiredError):
            await shells.send(ONE, "sw", Said(text="y", enter=False))
        left, _ = await shells.send(ONE, "sw", Said(key=Key.CTRL_C))
        assert left.result.outcome is Outcome.INTERRUPTED
        assert transport.devices[0].mode == "privileged"
        assert text(await run(shells, "show clock")).startswith("*12:00:00")


async def test_a_secret_is_given_by_name_where_one_is_asked_for_and_shown_nowhere() -> None:
    async with on_switch() as (it, _):
        shells = it.app.terminals
        asked = await run(shells, "enable")
        assert (asked.question, asked.asks_secret) == ("Password:", True)
        with pytest.raises(InvalidArgumentError, match="never text from you"):
            await shells.send(ONE, "sw", Said(text=SECRET), confirmed=True)
        with pytest.raises(InvalidArgumentError, match="has no secret"):
            await shells.send(ONE, "sw", Said(secret="HOME"))
        answer, _ = await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        assert answer.result.mode == "privileged"
        with pytest.raises(NothingAsksError, match="nothing was sent"):
            await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        told = repr((asked, answer.result, it.audit.records))
        assert SECRET not in told
        assert "<secret SWITCH_ENABLE>" in told


async def test_a_secret_that_is_not_found_in_time_is_told_and_nothing_is_sent() -> None:
    hangs = asyncio.Event()

    async def fetch(_: Sequence[str]) -> None:
        if hangs.is_set():
            await asyncio.Event().wait()

    transport = DeviceTransport(switch(SECRET), Wire())
    async with transport, daemon(entry(), transport=transport, secrets=OneSecret(), fetch=fetch) as it:
        await run(it.app.terminals, "enable")
        hangs.set()
        with pytest.raises(DeadlineExceededError, match="before the secret was found; nothing was sent"):
            await it.app.terminals.send(ONE, "sw", Said(secret="SWITCH_ENABLE"), reply_within_s=0.05)
        hangs.clear()
        answer, _ = await it.app.terminals.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        assert answer.result.mode == "privileged"


async def test_each_conversation_has_a_shell_of_its_own_and_a_foreign_handle_is_unknown() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        _, mine = await shells.run(ONE, "sw", Wish("configure terminal"))
        assert (await run(shells, "show clock", caller=OTHER)).mode == "user"
        assert transport.devices[0].mode == "config"
        for caller, handle in ((BOB, mine.handle), (ONE, "s-made-up")):
            with pytest.raises(UnknownSessionError) as caught:
                await run(shells, "show clock", caller=caller, session=handle)
            assert str(caught.value) == f"sw has no shell {handle!r}; nothing was sent"
        assert (await run(shells, "end", caller=OTHER, session=mine.handle)).mode == "privileged"
        assert {view.shell for view in it.app.commands.sessions(BOB)} == set()


async def test_a_stateless_command_never_disturbs_a_shell_in_configuration() -> None:
    async with on_switch() as (it, transport):
        await run(it.app.terminals, "interface Gi0/1", mode="config")
        answer = await it.app.commands.run(ANN, "sw", Wish("show clock"))
        assert text(answer).startswith("*12:00:00")
        assert len(transport.devices) == 2


async def test_three_callers_at_once_each_get_their_own_answer() -> None:
    async with on_switch(Wire(pause_s=0.02)) as (it, transport):
        lines = ("show clock", "show version", "show clock")
        results = await asyncio.gather(*(run(it.app.terminals, line) for line in lines))
        assert [text(result)[:6] for result in results] == ["*12:00", "Cisco ", "*12:00"]
        assert transport.devices[0].lines[-3:] == list(lines)


async def test_a_command_that_was_judged_in_another_mode_is_not_sent() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        both = await asyncio.gather(
            run(shells, "configure terminal"), run(shells, "show clock"), return_exceptions=True
        )
        assert isinstance(both[1], StateChangedError)
        assert "show clock" not in transport.devices[0].lines


async def test_a_lost_shell_is_opened_anew_and_that_is_told() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "show clock")
        transport.devices[0].say(None)
        await asyncio.sleep(0.05)
        again = await run(shells, "show clock")
        assert again.renewed
        assert text(again).startswith("*12:00:00")
        assert not (await run(shells, "show clock")).renewed


async def test_a_command_for_a_mode_that_was_lost_with_its_shell_is_not_sent() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await run(shells, "enable")
        await shells.send(ONE, "sw", Said(secret="SWITCH_ENABLE"))
        await run(shells, "configure terminal")
        transport.devices[0].say(None)
        await asyncio.sleep(0.05)
        with pytest.raises(StateChangedError, match="nothing was sent"):
            await run(shells, "hostname lost")
        assert transport.devices[-1].host == "sw1"
        assert (await run(shells, "show clock")).mode == "user"


async def test_a_call_answers_in_time_and_its_command_goes_on() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        answer, shell = await shells.run(ONE, "sw", Wish("ping 192.0.2.9", timeout_s=20), reply_within_s=1)
        assert answer.done is None
        assert answer.handle is not None
        part = await it.app.reader.read(ONE, answer.handle, Place())
        assert part.data.startswith(b"Type escape sequence")
        assert part.next_offset == part.total
        for stranger in (BOB,):
            with pytest.raises(UnknownSessionError):
                await it.app.reader.read(stranger, answer.handle, Place())
        stopped, _ = await shells.send(ONE, "sw", Said(key=Key.CTRL_C))
        assert stopped.result.outcome is Outcome.INTERRUPTED
        assert shell.active_run is None
        assert text(await run(shells, "show clock")).startswith("*12:00:00")
        assert transport.devices[0].lines.count("ping 192.0.2.9") == 1


async def test_words_to_what_runs_go_through_the_same_judgement() -> None:
    async with on_switch() as (it, transport):
        shells = it.app.terminals
        await shells.run(ONE, "sw", Wish("ping 192.0.2.9", timeout_s=20), reply_within_s=1)
        with pytest.raises(ConfirmationRequiredError, match=r"opaque\.interactive"):
            await shells.send(ONE, "sw", Said(text="reload"))
        assert b"reload" not in transport.connections[0].channels[0].written
        await shells.send(ONE, "sw", Said(key=Key.CTRL_C))


async def test_a_long_output_can_be_read_on_by_place_end_and_pattern() -> None:
    async with on_switch() as (it, _):
        answer = await it.app.commands.run(ANN, "sw", Wish(LONG))
        assert answer.handle is None  # short enough for the answer
        answer, _ = await it.app.terminals.run(ONE, "sw", Wish(LONG, timeout_s=20), reply_within_s=0.001)
        assert answer.handle is not None
        read = it.app.reader.read
        whole = await read(ONE, answer.handle, Place(), wait_s=5)
        assert whole.next_offset is None
        assert len(whole.data.splitlines()) == 49
        assert (await read(ONE, answer.handle, Place(tail=2))).data.split()[0] == b"GigabitEthernet0/47"
        assert (await read(ONE, answer.handle, Place(grep=r"0/4\b"))).data.split()[0] == b"GigabitEthernet0/4"
        assert (await read(ONE, answer.handle, Place(Stream.STDERR))).data == b""
        with pytest.raises(InvalidArgumentError, match="regular expression"):
            await read(ONE, answer.handle, Place(grep="("))


async def test_a_stateless_command_that_goes_on_can_be_interrupted_by_its_handle() -> None:
    async with on_switch() as (it, _):
        answer = await it.app.commands.run(ANN, "sw", Wish("ping 192.0.2.9", timeout_s=20), reply_within_s=1)
        assert answer.handle is not None
        stopped, _ = await it.app.terminals.send(ANN, "sw", Said(key=Key.CTRL_C), session=answer.handle)
        assert stopped.result.outcome is Outcome.CANCELLED


async def test_several_lines_go_one_by_one_and_stop_at_the_first_complaint() -> None:
    async with on_switch(multiline=True) as (it, transport):
        lines = "interface Gi0/1\ndescrption x\nno shutdown"
        result = await run(it.app.terminals, lines, mode="config")
        assert result.device_error is not None
        assert result.device_error.startswith("line 2 (descrption x): % Invalid input")
        assert "1 lines after it were not sent" in result.device_error
        assert "no shutdown" not in transport.devices[0].lines


async def test_several_lines_are_refused_where_nobody_allowed_them() -> None:
    async with on_switch() as (it, transport):
        with pytest.raises(InvalidArgumentError, match="several lines"):
            await run(it.app.terminals, "show clock\nshow clock")
        assert transport.devices == []


async def test_silence_ends_a_command_where_a_limit_for_it_is_set() -> None:
    async with on_switch(limits=Limits(idle_seconds=0.3)) as (it, _):
        began = asyncio.get_running_loop().time()
        result = await run(it.app.terminals, "ping 192.0.2.9")
        assert result.outcome is Outcome.TIMED_OUT
        assert asyncio.get_running_loop().time() - began < 3


async def test_a_closed_shell_is_forgotten_with_its_handle() -> None:
    async with on_switch() as (it, transport):
        _, shell = await it.app.terminals.open(ONE, "sw")
        await it.app.commands.disconnect(ONE, "sw", shell.handle)
        with pytest.raises(UnknownSessionError):
            await run(it.app.terminals, "show clock", session=shell.handle)
        await asyncio.sleep(0.05)
        assert transport.connections[0].is_closed


async def test_a_device_takes_abbreviations_and_its_characters_are_its_own() -> None:
    async with on_switch(charset="latin-1") as (it, transport):
        assert text(await run(it.app.terminals, "sh cl")).startswith("*12:00:00")
        await run(it.app.terminals, "interface Gi0/1", mode="config")
        transport.devices[0].log("caf\xe9 is open")
        await asyncio.sleep(0.05)
        told = await run(it.app.terminals, "show clock")
        assert told.unsolicited == ("caf\xe9 is open",)


async def test_a_posix_host_has_no_modes() -> None:
    async with daemon() as it:
        with pytest.raises(InvalidArgumentError, match="has no modes; nothing was sent"):
            await it.app.terminals.run(ONE, "web", Wish("uptime", mode="config"))
        assert it.transport.attempts == []
