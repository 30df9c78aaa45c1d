import asyncio

import pytest

from mcp_ssh.model.command import Command, Wish
from mcp_ssh.model.errors import (
    AuditUnavailableError,
    AuthenticationError,
    DeadlineExceededError,
    HostDisabledError,
    InvalidArgumentError,
    SessionLostError,
    UnknownHostError,
    UnknownSessionError,
)
from mcp_ssh.model.host import Limits, Shell
from mcp_ssh.model.refusals import ConfirmationRequiredError
from mcp_ssh.model.result import Outcome
from tests.support.daemon import ANN, Ledger, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryChannel, MemoryTransport, answers, hangs


async def test_a_command_is_recorded_before_it_is_sent_and_after_it_ended() -> None:
    ledger = Ledger()
    seen: list[list[str]] = []

    def script(channel: MemoryChannel) -> None:
        seen.append(ledger.events())
        channel.out(b"up\n")
        channel.exits(0)

    async with daemon(transport=MemoryTransport(script), audit=ledger) as it:
        done = await it.app.commands.run(ANN, "web", Wish("uptime"))
    assert done.result.stdout.head == b"up\n"
    assert seen == [["decided"]]
    decided, finished = ledger.of_commands()
    assert (decided["decision"], decided["verdict"], decided["command"]) == ("allow", "read_only", "uptime")
    assert (decided["principal"], decided["client"], decided["tool"]) == ("stdio:ann", "tests 1.0", "ssh_run")
    assert (finished["event"], finished["exit_code"], finished["bytes"]) == ("finished", 0, 3)
    assert finished["id"] == decided["id"]
    assert finished["host_key"] == "SHA256:memory"


async def test_a_dangerous_command_is_recorded_and_never_runs() -> None:
    async with daemon() as it:
        with pytest.raises(ConfirmationRequiredError, match="it takes the host down"):
            await it.app.commands.run(ANN, "web", Wish("reboot"))
        assert it.transport.attempts == []
        [record] = it.audit.of_commands()
    assert (record["decision"], record["rules"]) == ("needs_confirmation", ["posix.power"])


async def test_a_confirmed_one_runs_and_the_record_keeps_who_confirmed() -> None:
    async with daemon() as it:
        await it.app.commands.run(ANN, "web", Wish("reboot"), confirmed=True)
        decided, override, finished = it.audit.of_commands()
    assert (decided["override"], decided["confirmed_by"]) == (True, "model")
    assert (override["event"], finished["event"]) == ("override", "finished")


async def test_where_the_log_cannot_be_written_nothing_runs_and_no_host_is_reached() -> None:
    async with daemon(audit=Ledger(full_from="decided")) as it:
        with pytest.raises(AuditUnavailableError) as caught:
            await it.app.commands.run(ANN, "web", Wish("uptime"))
        assert not caught.value.sent
        assert it.transport.attempts == []


async def test_a_log_that_fails_after_the_run_says_so_and_stops_what_comes_next() -> None:
    async with daemon(audit=Ledger(full_from="finished")) as it:
        with pytest.raises(AuditUnavailableError, match="the command ran and could not be recorded") as caught:
            await it.app.commands.run(ANN, "web", Wish("touch x"))
        assert caught.value.sent
        with pytest.raises(AuditUnavailableError) as caught:
            await it.app.commands.run(ANN, "web", Wish("touch y"))
        assert not caught.value.sent
        assert not any("touch y" in text for text in it.transport.connections[0].commands)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("wbe", "uptime", UnknownHostError),
        ("user@192.0.2.9", "uptime", UnknownHostError),
        ("-oProxyCommand=x", "uptime", UnknownHostError),
        ("../web", "uptime", UnknownHostError),
        ("", "uptime", UnknownHostError),
        ("off", "uptime", HostDisabledError),
        ("switch", "show version\nreload", InvalidArgumentError),
        ("web", "  \n", InvalidArgumentError),
        ("web", "x" * 10_001, InvalidArgumentError),
        ("web", "echo \ud800", InvalidArgumentError),
    ],
)
async def test_what_cannot_be_asked_is_refused_and_recorded_before_any_look_up(
    name: str, text: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_look_up(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("mcp_ssh.transport.resolve.CachingResolver.resolve", no_look_up)
    hosts = (host("web"), host("off", enabled=False), host("switch", shell=Shell.CLI, prompt_regex="#"))
    async with daemon(*hosts) as it:
        with pytest.raises(error):
            await it.app.commands.run(ANN, name, Wish(text))
        assert it.transport.attempts == []
        [record] = it.audit.of_commands()
    assert record["event"] == "failed"
    assert record["sent"] is False


async def test_an_unknown_host_names_the_nearest_one() -> None:
    async with daemon(host("web-1"), host("db")) as it:
        with pytest.raises(UnknownHostError, match="unknown host 'web1', did you mean 'web-1'"):
            await it.app.commands.run(ANN, "web1", Wish("uptime"))


async def test_exactly_the_judged_address_is_dialled() -> None:
    async with daemon(host("web", address="127.0.0.1")) as it:
        await it.app.commands.run(ANN, "web", Wish("uptime"))
        assert it.transport.attempts == [("web", ("127.0.0.1",))]


async def test_a_failed_connection_is_recorded() -> None:
    async with daemon(transport=MemoryTransport(error=AuthenticationError("no"))) as it:
        with pytest.raises(AuthenticationError):
            await it.app.commands.run(ANN, "web", Wish("uptime"))
        assert it.audit.events() == ["decided", "failed"]
        assert it.audit.of_commands()[1]["reason"] == "auth_failed: no"


async def test_one_deadline_covers_the_way_to_the_host() -> None:
    async with daemon(transport=MemoryTransport(gate=asyncio.Event())) as it:
        with pytest.raises(DeadlineExceededError, match="nothing was sent"):
            await it.app.commands.run(ANN, "web", Wish("uptime", timeout_s=0.05))
        assert it.audit.events() == ["decided", "failed"]


async def test_a_connection_that_was_gone_before_is_replaced_and_the_command_runs_once() -> None:
    async with daemon(transport=MemoryTransport(answers(b"x"))) as it:
        await it.app.commands.run(ANN, "web", Wish("uptime"))
        stale = it.transport.connections[0]
        stale._ended.set_result(SessionLostError("gone"))  # the pool has not heard of it yet
        done = await it.app.commands.run(ANN, "web", Wish("touch once"))
        assert done.result.exit_code == 0
        sent = [text for each in it.transport.connections for text in each.commands if "touch once" in text]
    assert len(sent) == 1
    assert len(it.transport.connections) == 2


async def test_a_command_that_was_sent_is_never_repeated() -> None:
    def script(channel: MemoryChannel) -> None:
        channel.out(b"half")
        channel.connection.breaks(SessionLostError("reset"))

    async with daemon(transport=MemoryTransport(script)) as it:
        done = await it.app.commands.run(ANN, "web", Wish("touch once"))
        assert done.result.outcome is Outcome.UNKNOWN
        assert len(it.transport.connections) == 1
        failed = it.audit.of_commands()[1]
    assert (failed["event"], failed["outcome"], failed["ended"]) == ("failed", "unknown", "unknown")


async def test_a_caller_who_leaves_ends_the_command_and_leaves_its_record() -> None:
    async with daemon(transport=MemoryTransport(hangs)) as it:
        calling = asyncio.ensure_future(it.app.commands.run(ANN, "web", Wish("sleep 999")))
        await asyncio.sleep(0.05)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(5):
            while it.audit.events() != ["decided", "cancelled"]:
                await asyncio.sleep(0.01)
        assert it.transport.connections[0].channels == []
        assert it.audit.of_commands()[1]["ended"] == "certain"


async def test_a_caller_who_leaves_before_the_host_is_open_is_recorded_and_nothing_is_sent() -> None:
    async with daemon(transport=MemoryTransport(gate=asyncio.Event())) as it:
        calling = asyncio.ensure_future(it.app.commands.run(ANN, "web", Wish("touch x")))
        await asyncio.sleep(0.05)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(5):
            while it.audit.events() != ["decided", "cancelled"]:
                await asyncio.sleep(0.01)
    assert it.transport.connections == []


async def test_a_stop_ends_running_commands_and_records_them() -> None:
    async with daemon(transport=MemoryTransport(hangs)) as it:
        calling = asyncio.ensure_future(it.app.commands.run(ANN, "web", Wish("sleep 999")))
        await asyncio.sleep(0.05)
    done = await calling
    assert done.result.outcome is Outcome.CANCELLED
    assert it.audit.events() == ["decided", "cancelled"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"timeout_s": 31}, "timeout 31 is not within 0 and 30 seconds"),
        ({"timeout_s": 0}, "timeout 0 is not within"),
        ({"timeout_s": float("nan")}, "timeout nan is not within"),
        ({"max_output_bytes": 3000}, "max_output_bytes 3000 is not within 1 and 2048"),
        ({"max_output_bytes": -1}, "max_output_bytes -1 is not within"),
    ],
)
async def test_a_wish_beyond_a_limit_is_refused_with_the_figure(wish: dict[str, float], words: str) -> None:
    narrow = host("web", limits=Limits(max_seconds=30, max_output_bytes=2048))
    async with daemon(narrow) as it:
        with pytest.raises(InvalidArgumentError, match=words):
            await it.app.commands.run(ANN, "web", Wish("uptime", **wish))  # type: ignore[arg-type]
        assert it.transport.attempts == []


async def test_the_hosts_limit_bounds_the_default_timeout() -> None:
    async with daemon(host("web", limits=Limits(max_seconds=30))) as it:
        assert (await it.app.commands.plan(ANN, "web", Wish("uptime"))).judged.command == Command(
            "uptime", 30, 1_048_576, parsed=True, reads_only=True
        )


async def test_a_plan_says_what_the_run_would_and_touches_nothing() -> None:
    async with daemon() as it:
        good = await it.app.commands.plan(ANN, "web", Wish("uptime"))
        bad = await it.app.commands.plan(ANN, "web", Wish("sudo reboot"))
        assert good.would_run
        assert not bad.would_run
        assert [layer.name for layer in bad.trace] == ["host", "network", "access", "policy", "safety", "address"]
        assert it.transport.attempts == []
        assert it.audit.records == []


async def test_a_plan_for_a_cli_host_names_what_its_command_line_would_erase() -> None:
    async with daemon(host("switch", shell=Shell.CLI, prompt_regex="#")) as it:
        planned = await it.app.commands.plan(ANN, "switch", Wish("wr er"))
    assert [layer.rule for layer in planned.trace] == [
        "configured",
        "network.open",
        "unrestricted",
        "none",
        "network.erase",
        "resolve",
    ]


async def test_connect_opens_once_and_tells_when_the_session_was_open_before() -> None:
    async with daemon() as it:
        first = await it.app.commands.connect(ANN, "web")
        second = await it.app.commands.connect(ANN, "web")
        assert (first.first, second.first) == (True, False)
        assert first.session is second.session
        assert len(it.transport.attempts) == 1
        [view] = it.app.commands.sessions(ANN)
        assert view.commands == 0
        assert [str(record["event"]) for record in it.audit.records][1:3] == ["connect", "session.open"]


async def test_disconnect_closes_the_session_and_without_one_says_so() -> None:
    async with daemon() as it:
        await it.app.commands.connect(ANN, "web")
        [view] = await it.app.commands.disconnect(ANN, "web")
        await asyncio.sleep(0.01)
        assert it.transport.connections[0].is_closed
        assert it.app.commands.sessions(ANN) == ()
        with pytest.raises(UnknownSessionError):
            await it.app.commands.disconnect(ANN, "web")
        assert view.id in {record.get("session") for record in it.audit.records}


async def test_hosts_are_listed_by_tag_and_an_unused_tag_names_those_in_use() -> None:
    hosts = (host("web", tags=frozenset({"production"})), host("db"))
    async with daemon(*hosts) as it:
        assert [row.host.name for row in it.app.daemon.hosts(ANN.principal)] == ["web", "db"]
        assert [row.host.name for row in it.app.daemon.hosts(ANN.principal, "production")] == ["web"]
        with pytest.raises(InvalidArgumentError) as caught:
            it.app.daemon.hosts(ANN.principal, "prod")
    assert caught.value.hint == "tags in use: production"
