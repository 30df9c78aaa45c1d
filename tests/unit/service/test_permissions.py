"""What a principal may not do, and may not see: for it, a host that it does not see is not there."""

from dataclasses import replace

import pytest

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import PermissionMissingError, RateLimitedError, UnknownHostError
from mcp_ssh.model.principal import Caller, Permission, Principal, Via
from mcp_ssh.model.refusals import ApprovalRequiredError
from tests.support.daemon import Daemon, daemon
from tests.support.hosts import host

WEB, DB = host("web", tags=frozenset({"production"})), host("db-1", tags=frozenset({"lab"}))


def caller(*permissions: Permission, hosts: tuple[str, ...] = ("*",), tags: tuple[str, ...] = ()) -> Caller:
    return Caller(Principal("token:t", Via.NETWORK, frozenset(permissions), hosts, frozenset(tags)), conversation="c")


async def every_call(it: Daemon, who: Caller, name: str) -> list[Exception]:
    """What each call that names a host says."""
    calls = (
        lambda: it.app.commands.run(who, name, Wish("uptime")),
        lambda: it.app.commands.connect(who, name),
        lambda: it.app.commands.plan(who, name, Wish("uptime")),
        lambda: it.app.commands.disconnect(who, name),
        lambda: it.app.terminals.run(who, name, Wish("uptime")),
        lambda: it.app.terminals.open(who, name),
    )
    errors: list[Exception] = []
    for call in calls:
        with pytest.raises(Exception) as caught:  # noqa: PT011  which one is what the tests look at
            await call()
        errors.append(caught.value)
    return errors


async def test_a_host_that_is_not_seen_is_answered_like_one_that_is_not_there() -> None:
    async with daemon(WEB, DB) as it:
        who = caller(Permission.EXECUTE, hosts=("db-*",))
        hidden, missing = await every_call(it, who, "web"), await every_call(it, who, "wob")
        assert all(isinstance(error, UnknownHostError) for error in (*hidden, *missing))
        assert [str(error).replace("web", "wob") for error in hidden] == [str(error) for error in missing]
        assert [row.host.name for row in it.app.daemon.hosts(who.principal)] == ["db-1"]
        assert it.app.daemon.health(who.principal).hosts == 1
        assert it.transport.attempts == []


async def test_hosts_are_seen_by_glob_or_by_tag() -> None:
    async with daemon(WEB, DB) as it:
        by_tag = caller(Permission.EXECUTE, hosts=(), tags=("production",))
        assert [row.host.name for row in it.app.daemon.hosts(by_tag.principal)] == ["web"]
        nothing = caller(Permission.EXECUTE, hosts=())
        assert it.app.daemon.hosts(nothing.principal) == ()


async def test_without_the_permission_nothing_is_executed() -> None:
    async with daemon(WEB) as it:
        who = caller(Permission.READ)
        with pytest.raises(PermissionMissingError, match="nothing was sent"):
            await it.app.commands.run(who, "web", Wish("uptime"))
        assert it.transport.attempts == []
        assert it.audit.events() == ["failed"]
        await it.app.commands.run(caller(Permission.EXECUTE), "web", Wish("uptime"))
        with pytest.raises(PermissionMissingError):
            await it.app.commands.disconnect(who, "web")
        assert len(it.app.commands.sessions(who)) == 1


async def test_over_the_network_the_model_speaks_for_a_person_only_with_override() -> None:
    async with daemon(WEB) as it:
        with pytest.raises(ApprovalRequiredError, match="it takes the host down") as caught:
            await it.app.commands.run(caller(Permission.EXECUTE), "web", Wish("reboot"), confirmed=True)
        assert "mcp-ssh approvals" in caught.value.hint
        assert "confirm_dangerous" not in caught.value.hint
        who = caller(Permission.EXECUTE, Permission.OVERRIDE)
        await it.app.commands.run(who, "web", Wish("reboot"), confirmed=True)
        assert "override" in it.audit.events()


async def test_sessions_of_hosts_that_are_not_seen_are_not_listed() -> None:
    async with daemon(WEB, DB) as it:
        await it.app.commands.run(caller(Permission.EXECUTE), "web", Wish("uptime"))
        assert it.app.commands.sessions(caller(Permission.EXECUTE, hosts=("db-*",))) == ()
        assert len(it.app.commands.sessions(caller(Permission.EXECUTE))) == 1


async def test_a_token_that_calls_too_often_is_told_when_there_is_room_again() -> None:
    async with daemon(WEB, calls_per_minute=3, calls_per_hour=5) as it:
        who, other = caller(Permission.EXECUTE), replace(caller(Permission.EXECUTE).principal, name="token:other")

        async def call(principal: Principal = who.principal) -> None:
            await it.app.commands.run(Caller(principal), "web", Wish("uptime"))

        for _ in range(3):
            await call()
        with pytest.raises(RateLimitedError, match="its 3 calls of this minute; nothing was sent") as caught:
            await call()
        assert caught.value.hint == "there is room again in 60 s"
        await call(other)
        await call(replace(other, name="stdio:ann", via=Via.STDIO))
        await it.clock.advance(61)
        await call()
        await call()
        with pytest.raises(RateLimitedError, match="its 5 commands of this hour"):
            await call()
        generous = replace(who.principal, rate_multiplier=2.0)
        await call(generous)
        await it.clock.advance(3_600)
        await call()
