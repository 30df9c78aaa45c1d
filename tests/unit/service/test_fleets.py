"""One command on many hosts: rows, batches, errors, consent, limits."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    ConnectTimeoutError,
    InvalidArgumentError,
    McpSshError,
    RateLimitedError,
    SessionLostError,
)
from mcp_ssh.model.host import Host
from mcp_ssh.model.policy import Access, Confirm
from mcp_ssh.model.principal import Answer, Caller, Permission, Principal, Via
from mcp_ssh.model.refusals import ApprovalRequiredError, DeniedError
from mcp_ssh.model.state import State
from mcp_ssh.ports import Connection, Secrets, Stream, Through
from mcp_ssh.service.fleet import Fleet
from mcp_ssh.service.fleets import Choice
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryChannel, MemoryConnection, Script, answers, hangs, shell_script
from tests.support.waiting import until

EVERYONE = Choice(("*",))
TOKEN = Principal("token:ops", Via.NETWORK, frozenset({Permission.EXECUTE}))


def hosts(count: int, **changes: Any) -> tuple[Host, ...]:
    return tuple(host(f"h{number:03d}", **changes) for number in range(count))


@dataclass
class Lan:
    """A `Transport` to many hosts: each answers by its own script; the dead ones not at all, once `gives_up` is set."""

    usual: Script = field(default_factory=answers)
    others: dict[str, Script] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    gives_up: asyncio.Event | None = None
    reached: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def connect(
        self, entry: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if entry.name not in self.dead:
                await asyncio.sleep(0)
            elif self.gives_up is not None:
                await self.gives_up.wait()
            else:
                await asyncio.sleep(0.05)
        finally:
            self.at_once -= 1
        if entry.name in self.dead:
            raise ConnectTimeoutError(f"{entry.name} did not answer")
        self.reached.append(entry.name)
        return MemoryConnection(shell_script(self.others.get(entry.name, self.usual)))


def lost(channel: MemoryChannel) -> None:
    channel.ends(SessionLostError("the link went", sent=True))


async def run(it: Daemon, choice: Choice = EVERYONE, command: str = "uptime", **more: Any) -> Fleet:
    return await it.app.fleets.run(more.pop("caller", ANN), choice, Wish(command), **more)


async def test_two_hundred_hosts_answer_while_five_are_dead_and_three_are_slow() -> None:
    dead = frozenset(f"h{number:03d}" for number in (1, 40, 80, 120, 199))
    late: list[MemoryChannel] = []
    gives_up = asyncio.Event()
    slow: dict[str, Script] = {f"h{number:03d}": late.append for number in (0, 100, 150)}
    lan = Lan(answers(b"up\n"), slow, dead, gives_up)
    async with daemon(*hosts(200), transport=lan) as it:
        calling = asyncio.ensure_future(run(it))
        # All that answer at once have done so before any of the others: nobody waited for anybody.
        await until(lambda: it.audit.events().count("finished") == 192 and len(late) == 3)
        for channel in late:
            answers(b"late\n")(channel)
        gives_up.set()
        fleet = await calling
        assert (len(fleet.rows), fleet.state) == (200, State.COMPLETED)
        assert {name for name, row in fleet.rows.items() if row.error is not None} == dead
        assert {row.error.code for row in fleet.rows.values() if row.error} == {"connect_timeout"}
        texts = {name: row.result.stdout.head for name, row in fleet.rows.items() if row.result}
        assert {name for name, text in texts.items() if text == b"late\n"} == set(slow)
        assert list(texts.values()).count(b"up\n") == 192
        assert set(list(fleet.rows)[:192]).isdisjoint(dead | set(slow))
        assert lan.most_at_once <= 32
        assert it.audit.events().count("decided") == 200
        assert it.app.tasks.held == 0


async def test_never_more_at_once_than_was_asked_for() -> None:
    lan = Lan(dead=frozenset(f"h{number:03d}" for number in range(12)))
    async with daemon(*hosts(12), transport=lan) as it:
        await run(it, replace(EVERYONE, parallel=4))
        assert lan.most_at_once == 4


async def test_memory_does_not_grow_with_the_hosts(tmp_path: Any) -> None:
    text = b"x" * 1_000_000

    def long(channel: MemoryChannel) -> None:
        for at in range(0, len(text), 50_000):
            channel.out(text[at : at + 50_000])
        channel.exits(0)

    async with daemon(*hosts(100), transport=Lan(long), state_dir=str(tmp_path)) as it:
        await run(it, Choice(("h000",)))
        tracemalloc.start()
        fleet = await run(it)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20_000_000
        assert len({id(row.result) for row in fleet.rows.values()}) == 1  # equal answers are held once
        assert all(row.handle is not None for row in fleet.rows.values())
        handle = fleet.rows["h042"].handle
        assert handle is not None
        assert it.app.background.named(ANN, handle).kept.total(Stream.STDOUT) == len(text)


async def test_each_host_is_judged_by_itself_and_a_denial_is_a_row() -> None:
    entries = (host("one"), host("reads", access=Access.READONLY), host("off", enabled=False), host("two"))
    async with daemon(*entries, transport=Lan()) as it:
        fleet = await run(it, command="touch /tmp/x")
        told = {name: row.error.code if row.error else row.result is not None for name, row in fleet.rows.items()}
        assert told == {"one": True, "reads": "denied", "off": "host_disabled", "two": True}
        decided = [record for record in it.audit.records if record["event"] == "decided"]
        assert {(record["host"], record["decision"]) for record in decided} == {
            ("one", "allow"), ("reads", "deny"), ("two", "allow"),
        }  # fmt: skip
        assert {record["tool"] for record in decided} == {"ssh_run_many"}
        assert len({record["id"] for record in decided}) == 3


async def test_batches_come_one_after_the_other_with_a_pause() -> None:
    lan = Lan()
    async with daemon(*hosts(6), transport=lan) as it:
        running = asyncio.ensure_future(run(it, Choice(("*",), batch=2, pause_s=30)))
        await until(lambda: len(lan.reached) == 2)
        for reached in (4, 6):
            await until(lambda: it.clock.is_awaited_in(30))
            await it.clock.advance(29)
            assert len(lan.reached) == reached - 2
            await it.clock.advance(1)
            await until(lambda reached=reached: len(lan.reached) == reached)  # type: ignore[misc]
        assert (await running).state is State.COMPLETED


@pytest.mark.parametrize(
    ("broken", "batch", "asked"),
    [("h003", 2, 4), ("h000", 1, 1), ("h005", 3, 6)],
    ids=["second batch", "first", "last"],
)
async def test_a_rolling_run_stops_at_the_batch_of_the_first_error(broken: str, batch: int, asked: int) -> None:
    lan = Lan(others={broken: answers(b"no\n", 1)})
    async with daemon(*hosts(9), transport=lan) as it:
        fleet = await run(it, Choice(("*",), batch=batch, stops=True))
        assert len(lan.reached) == asked
        assert (fleet.state, fleet.stopped_by) == (State.FAILED, broken)
        assert fleet.waiting == [f"h{number:03d}" for number in range(asked, 9)]


@pytest.mark.parametrize("script", [answers(code=3), lost], ids=["exit 3", "lost"])
async def test_without_that_wish_an_error_stops_nobody(script: Script) -> None:
    async with daemon(*hosts(5), transport=Lan(others={"h000": script})) as it:
        fleet = await run(it, Choice(("*",), batch=1))
        assert len(fleet.rows) == 5
        assert fleet.state is (State.UNKNOWN if script is lost else State.COMPLETED)


async def test_what_outlives_the_call_goes_on_as_a_task_and_can_be_cancelled_with_what_came() -> None:
    lan = Lan(answers(b"up\n"), {"h001": hangs, "h002": hangs})
    async with daemon(*hosts(5), transport=lan) as it:
        fleet = await run(it, reply_within_s=0.2)
        assert (fleet.state, sorted(fleet.runs)) == (State.RUNNING, ["h001", "h002"])
        assert len(fleet.rows) == 3
        assert [each.handle for each in it.app.tasks.all_of(ANN)] == [fleet.handle]
        ended = await it.app.tasks.cancel(ANN, fleet.handle)
        assert (ended, fleet.state, len(fleet.rows)) == (fleet, State.CANCELLED, 5)
        result = fleet.rows["h001"].result
        assert result is not None
        assert result.outcome.value == "cancelled"
        assert it.audit.events().count("cancelled") == 2
        await it.clock.advance(310)
        assert it.app.tasks.held == 0


async def test_whoever_stops_waiting_cancels_it_and_what_came_is_kept() -> None:
    lan = Lan(answers(b"up\n"), {"h001": hangs})
    async with daemon(*hosts(3), transport=lan) as it:
        calling = asyncio.ensure_future(run(it))
        await until(lambda: it.audit.events().count("finished") == 2)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        [fleet] = it.app.tasks.all_of(ANN)
        await it.app.tasks.look(ANN, fleet.handle, wait_s=5)
        assert isinstance(fleet, Fleet)
        assert fleet.state is State.CANCELLED
        assert {name: row.is_good for name, row in fleet.rows.items()} == {"h000": True, "h001": False, "h002": True}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(), "no hosts were named"),
        (Choice(("*",), parallel=33), "parallel 33 is not from 1 and 32"),
        (Choice(("*",), parallel=0), "parallel 0"),
        (Choice(("*",), batch=0), "batch 0"),
        (Choice(("*",), pause_s=5), "a pause is between batches"),
        (Choice(("*",), batch=1, pause_s=-1), "pause -1"),
        (Choice(("h000", "h9")), "unknown host 'h9'"),
    ],
)
async def test_a_bad_choice_is_refused_before_anybody_is_asked(choice: Choice, words: str) -> None:
    lan = Lan()
    async with daemon(*hosts(3), transport=lan) as it:
        with pytest.raises(McpSshError) as refused:
            await run(it, choice)
        assert words in refused.value.message
        assert (lan.reached, it.audit.events()) == ([], [])


async def test_a_command_that_is_too_long_for_a_host_is_its_row() -> None:
    async with daemon(*hosts(2), transport=Lan(), max_command_chars=10) as it:
        fleet = await run(it, command="echo 0123456789")
        assert {row.error.code for row in fleet.rows.values() if row.error} == {InvalidArgumentError.code}


# --- Consent: a person is asked once, for all hosts, before anything is sent to any of them


async def asks(it: Daemon, caller: Caller, command: str = "reboot") -> ApprovalRequiredError:
    with pytest.raises(ApprovalRequiredError) as asked:
        await run(it, command=command, caller=caller)
    return asked.value


async def test_one_answer_of_a_person_counts_for_every_host_once() -> None:
    lan = Lan()
    caller = replace(ANN, can_ask=True)
    async with daemon(*hosts(3), transport=lan) as it:
        asked = await asks(it, caller)
        assert lan.reached == []
        assert "wants to run this on 3 hosts: h000 (192.0.2.1), h001 (192.0.2.1), h002 (192.0.2.1)." in asked.question
        fleet = await run(it, command="reboot", caller=replace(caller, answer=Answer(asked.approval, True, "said yes")))
        assert all(row.is_good for row in fleet.rows.values())
        assert it.audit.events().count("override") == 3
        again = await run(it, command="reboot", caller=replace(caller, answer=Answer(asked.approval, True, "said yes")))
        assert not any(row.is_good for row in again.rows.values())


async def test_a_no_is_a_no_on_every_host() -> None:
    lan = Lan()
    caller = replace(ANN, can_ask=True)
    async with daemon(*hosts(3), transport=lan) as it:
        asked = await asks(it, caller)
        fleet = await run(it, command="reboot", caller=replace(caller, answer=Answer(asked.approval, False, "said no")))
        assert {row.error.code for row in fleet.rows.values() if row.error} == {DeniedError.code}
        assert lan.reached == []


async def test_an_answer_is_for_no_other_command_and_no_other_host() -> None:
    caller = replace(ANN, can_ask=True)
    async with daemon(*hosts(3), transport=Lan()) as it:
        asked = await asks(it, caller)
        said = replace(caller, answer=Answer(asked.approval, True, "said yes"))
        with pytest.raises(DeniedError):
            await it.app.commands.run(said, "h000", Wish("reboot"))
        fleet = await run(it, command="reboot -f", caller=said)
        assert not any(row.is_good for row in fleet.rows.values())


async def test_an_operator_approves_all_of_it_at_once() -> None:
    caller = Caller(TOKEN, "bot 1.0", "c")
    async with daemon(*hosts(3), transport=Lan()) as it:
        asked = await asks(it, caller)
        assert [each.hosts for each in it.app.approvals.waiting()] == ["h000, h001, h002"]
        await it.app.approvals.decide(asked.approval, "operator ann", accepted=True)
        fleet = await run(it, command="reboot", caller=caller)
        assert all(row.is_good for row in fleet.rows.values())
        await asks(it, caller)


async def test_where_the_model_may_confirm_each_host_says_so_in_its_row() -> None:
    entries = (host("one", confirm=Confirm.MODEL), host("never", confirm=Confirm.NEVER))
    async with daemon(*entries, transport=Lan()) as it:
        refused = await run(it, command="reboot")
        codes = {name: row.error.code for name, row in refused.rows.items() if row.error}
        assert codes == {"one": "confirmation_required", "never": "denied"}
        confirmed = await run(it, command="reboot", confirmed=True)
        assert {name: row.is_good for name, row in confirmed.rows.items()} == {"one": True, "never": False}


# --- Limits of tokens


async def test_a_fleet_is_one_call_and_a_command_on_each_host() -> None:
    caller = Caller(TOKEN, "bot 1.0", "c")
    async with daemon(*hosts(5), transport=Lan(), calls_per_minute=2, calls_per_hour=8) as it:
        first = await run(it, caller=caller)
        assert all(row.is_good for row in first.rows.values())
        second = await run(it, caller=caller)
        assert sum(row.is_good for row in second.rows.values()) == 3
        assert {row.error.code for row in second.rows.values() if row.error} == {RateLimitedError.code}
        with pytest.raises(RateLimitedError, match="calls of this minute"):
            await run(it, caller=caller)
