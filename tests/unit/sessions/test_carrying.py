"""Sessions on jump hosts: what goes through them, and what becomes of them when nothing does any more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import AuthenticationError, ConnectionFailedError, McpSshError, SessionLostError
from mcp_ssh.model.host import Auth, AuthMethod, Host, Limits
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.ports import Connection, Secrets, Through
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.plan import Close, Grant, Open, Plan, Refuse
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryConnection, MemoryTransport, answers, hangs
from tests.support.secrets import SomeSecrets
from tests.support.waiting import until

BASTION = Seat(host("bastion"))


def plan(max_sessions: int = 10) -> Plan:
    return Plan(max_sessions=max_sessions, idle_timeout_s=lambda _: 600)


def test_a_session_that_carries_others_is_not_idle_however_long_nothing_runs_on_it() -> None:
    pool = plan()
    assert pool.wanted(BASTION, 0, carries=True) == [Open(BASTION)]
    assert pool.opened(BASTION, "s1", 0) == [Grant(0, "s1")]
    assert pool.ticked(100_000) == []
    assert pool.drained([]) == []
    assert pool.released(BASTION, "s1", 100_000, carried=True) == [
        Close(BASTION, "s1", "its host was changed or removed")
    ]


def test_idle_time_counts_from_the_end_of_what_was_carried() -> None:
    pool = plan()
    pool.wanted(BASTION, 0, carries=True)
    pool.opened(BASTION, "s1", 0)
    pool.released(BASTION, "s1", 500, carried=True)
    assert pool.ticked(1_099) == []
    assert pool.ticked(1_100) == [Close(BASTION, "s1", "idle")]


def test_to_carry_takes_no_commands_turn() -> None:
    narrow = Seat(host("bastion", limits=Limits(max_concurrent=1)))
    pool = plan()
    pool.wanted(narrow, 0)
    pool.wanted(narrow, 1, carries=True)
    pool.wanted(narrow, 2)
    assert pool.opened(narrow, "s1", 0) == [Grant(1, "s1"), Grant(0, "s1")]
    assert pool.wanted(narrow, 3, carries=True) == [Grant(3, "s1")]
    assert pool.released(narrow, "s1", 1, carried=True) == []
    assert pool.released(narrow, "s1", 1) == [Grant(2, "s1")]


def test_a_session_that_carries_others_makes_no_room() -> None:
    pool = plan(max_sessions=1)
    pool.wanted(BASTION, 0, carries=True)
    pool.opened(BASTION, "s1", 0)
    [refused] = pool.wanted(Seat(host("other")), 1)
    assert isinstance(refused, Refuse)


def test_whoever_wants_to_go_through_hears_why_it_cannot_be_opened_or_that_the_pool_ends() -> None:
    error, stop = ConnectionFailedError("refused"), SessionLostError("stop")
    pool = plan()
    pool.wanted(BASTION, 0, carries=True)
    pool.wanted(BASTION, 1, carries=True)
    pool.withdrawn(BASTION, 1)
    assert pool.failed(BASTION, error) == [Refuse(0, error)]
    pool.wanted(BASTION, 2, carries=True)
    assert pool.stopped(stop) == [Refuse(2, stop)]


def test_a_jump_host_of_a_configured_host_is_configured_by_whatever_way_it_is_reached() -> None:
    inner = host("inner", jump=BASTION.host)
    pool = plan()
    pool.wanted(Seat(inner), 0, carries=True)
    pool.opened(Seat(inner), "s1", 0)
    pool.released(Seat(inner), "s1", 1, carried=True)
    assert pool.drained([host("web", jump=inner)]) == []
    assert len(pool.drained([host("web"), host("inner")])) == 1


@dataclass(eq=False)
class Row(MemoryTransport):
    """Hosts behind others. `through` tells what each was reached through; the line that goes takes others with it."""

    through: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, list[MemoryConnection]] = field(default_factory=dict)
    fails: dict[str, list[McpSshError]] = field(default_factory=dict)

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        for name in host.auth.variables:
            secrets.get(name)
        by = [name for name, lines in self.lines.items() if through is not None and through.connection in lines]
        assert by == ([] if host.jump is None else [host.jump.name])
        self.through.setdefault(host.name, []).extend(by or [""])
        if self.fails.get(host.name):
            raise self.fails[host.name].pop(0)
        connection = await super().connect(host, addresses, secrets)
        assert isinstance(connection, MemoryConnection)
        self.lines.setdefault(host.name, []).append(connection)
        return connection

    def breaks(self, *names: str) -> None:
        for name in names:
            self.lines[name][-1].breaks(SessionLostError("gone"))


WEB = host("web", jump=BASTION.host)
DB = host("db", jump=BASTION.host)


@asynccontextmanager
async def row(*hosts: Host, **changes: object) -> AsyncIterator[tuple[Daemon, Row]]:
    transport = Row(script=answers(b"on\n"))
    async with daemon(*(hosts or (BASTION.host, WEB, DB)), transport=transport, **changes) as it:  # type: ignore[arg-type]
        yield it, transport


async def run(it: Daemon, name: str, caller: Caller = ANN) -> bytes:
    return (await it.app.commands.run(caller, name, Wish("uptime"))).result.stdout.head


def open_hosts(it: Daemon) -> list[str]:
    return sorted(view.host for view in it.app.commands.sessions(ANN))


async def test_a_bastion_stays_while_others_go_through_it_and_closes_after_them() -> None:
    async with row(idle_timeout_s=600.0) as (it, transport):
        await asyncio.gather(*(run(it, name) for name in ("web", "db", "bastion")))
        assert (len(transport.lines["bastion"]), open_hosts(it)) == (1, ["bastion", "db", "web"])
        await it.clock.advance(500)
        await run(it, "web")
        await it.clock.advance(500)
        await until(lambda: open_hosts(it) == ["bastion", "web"])
        await it.clock.advance(500)
        await until(lambda: open_hosts(it) == ["bastion"])
        await it.clock.advance(601)
        await until(lambda: open_hosts(it) == [])
        assert await run(it, "web") == b"on\n"
        assert transport.through == {"bastion": ["", ""], "web": ["bastion", "bastion"], "db": ["bastion"]}


async def test_a_changed_bastion_takes_what_goes_through_it_along_and_what_runs_ends_on_the_old_one() -> None:
    async with row() as (it, transport):
        await run(it, "db")
        transport.script = hangs
        running = asyncio.ensure_future(it.app.commands.run(ANN, "web", Wish("sleep 9")))
        await until(
            lambda: any("sleep 9" in command for line in transport.lines.get("web", []) for command in line.commands)
        )
        transport.script = answers(b"new\n")
        changed = replace(BASTION.host, port=2222)
        it.take(changed, replace(WEB, jump=changed), replace(DB, jump=changed))
        await until(lambda: open_hosts(it) == ["bastion", "web"])
        assert await run(it, "db") == b"new\n"
        assert len(transport.lines["bastion"]) == 2
        for channel in tuple(transport.lines["web"][0].channels):
            channel.exits(0)
        assert (await running).result.exit_code == 0
        await until(lambda: open_hosts(it) == ["bastion", "db"])
        assert transport.lines["bastion"][0].is_closed
        assert not transport.lines["bastion"][1].is_closed


async def test_a_bastion_that_is_gone_when_it_is_needed_is_found_anew_once() -> None:
    async with row() as (it, transport):
        transport.fails["web"] = [SessionLostError("the jump host bastion is gone")]
        assert await run(it, "web") == b"on\n"
        assert len(transport.lines["bastion"]) == 2
        transport.fails["db"] = [SessionLostError("the jump host bastion is gone") for _ in range(2)]
        with pytest.raises(
            SessionLostError, match="db is reached through bastion: the jump host bastion is gone"
        ) as lost:
            await run(it, "db")
        assert not lost.value.sent


async def test_why_a_bastion_lets_nobody_in_is_told_to_all_who_would_go_through_it() -> None:
    async with row() as (it, transport):
        transport.fails["bastion"] = [AuthenticationError("bastion did not accept the key", hint="look there")]
        results = await asyncio.gather(run(it, "web"), run(it, "db"), return_exceptions=True)
        assert sorted(map(str, results)) == [
            f"{name} is reached through bastion: bastion did not accept the key" for name in ("db", "web")
        ]
        assert {(error.code, error.hint) for error in results if isinstance(error, McpSshError)} == {
            ("auth_failed", "look there")
        }
        await it.clock.advance(2)  # by then both are tried again by themselves
        assert await run(it, "web") == b"on\n"


async def test_closing_the_session_of_a_bastion_is_heard_by_what_goes_through_it_and_mends_itself() -> None:
    async with row() as (it, transport):
        await run(it, "web")
        await it.app.commands.disconnect(ANN, "bastion")
        transport.breaks("web")
        await until(lambda: open_hosts(it) == [])
        assert await run(it, "web") == b"on\n"
        assert len(transport.lines["bastion"]) == 2


async def test_nobody_goes_through_a_login_that_he_could_not_have_made() -> None:
    login = Auth(AuthMethod.PASSWORD, password_env="BASTION_PASS")
    bastion = host("bastion", auth=login)
    async with row(bastion, replace(WEB, jump=bastion)) as (it, transport):
        for text in ("of ann", "of bob", "of ann"):
            with it.app.keyrings.attached(SomeSecrets({"BASTION_PASS": text})) as keyring:
                await run(it, "web", Caller(Principal("stdio:ann", Via.STDIO, keyring=keyring)))
        assert transport.through == {"bastion": ["", ""], "web": ["bastion", "bastion"]}


async def test_secrets_of_the_way_are_looked_up_before_it_is_opened() -> None:
    fetched: list[str] = []

    async def fetch(names: Sequence[str]) -> None:
        fetched.extend(names)

    bastion = host("bastion", auth=Auth(AuthMethod.PASSWORD, password_env="BASTION_PASS"))
    async with row(replace(WEB, jump=bastion), fetch=fetch, secrets=SomeSecrets({})) as (it, _):
        with pytest.raises(McpSshError, match=r"^web is reached through bastion: "):
            await run(it, "web")
    assert fetched == ["BASTION_PASS"]
