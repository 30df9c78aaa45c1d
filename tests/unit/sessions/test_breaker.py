import asyncio

import pytest

from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConnectTimeoutError,
    HostKeyChangedError,
    HostKeyUnknownError,
    McpSshError,
    SecretMissingError,
)
from mcp_ssh.model.nodeerrors import BackingOffError
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.sessions import breaker as module
from mcp_ssh.sessions.breaker import Breaker
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.clock import FakeClock
from tests.support.hosts import host
from tests.support.memory import MemoryTransport
from tests.support.secrets import NoSecrets

WEB = host("web")
WAY = (WEB, "")
DOWN, LATE = ConnectionFailedError("refused"), ConnectTimeoutError("no answer")
NO = AuthenticationError("no such login", hint="check the key")
CHANGED = HostKeyChangedError("another key", hint="ssh-keygen -R web")
UNKNOWN, MISSING = HostKeyUnknownError("nobody knows it"), SecretMissingError("P is not set")


def after(*errors: McpSshError, at: float = 0.0, luck: float = 1.0) -> Breaker:
    """A way that was tried so often, each time as soon as it could be."""
    breaker = Breaker(lambda: luck)
    for error in errors:
        breaker.began(WAY)
        breaker.failed(WAY, error, at)
    return breaker


def wait_s(breaker: Breaker) -> float | None:
    contact = breaker.contact(WEB)
    assert contact is not None
    return contact.next_at


@pytest.mark.parametrize(
    ("errors", "longest"),
    [
        ([DOWN], 1.0),
        ([DOWN, DOWN], 2.0),
        ([DOWN, LATE, DOWN], 4.0),
        ([DOWN] * 6, 32.0),
        ([DOWN] * 7, 60.0),
        ([DOWN] * 500, 60.0),
        ([NO], 1.0),
        ([NO, NO], 60.0),
        ([NO, NO, NO], 120.0),
        ([NO, DOWN, NO], 60.0),
        ([NO] * 500, 900.0),
        ([NO, NO, DOWN], 4.0),
        ([MISSING], None),
        ([CHANGED], None),
        ([UNKNOWN], None),
        ([DOWN, CHANGED], None),
        ([CHANGED, DOWN], 2.0),
    ],
)
def test_how_long_a_way_is_not_tried_by_itself(errors: list[McpSshError], longest: float | None) -> None:
    assert wait_s(after(*errors)) == longest


def test_the_wait_is_a_random_part_of_it_but_not_where_an_account_may_be_locked() -> None:
    assert wait_s(after(DOWN, DOWN, luck=0.25)) == 0.5
    assert wait_s(after(DOWN, luck=0.0)) == 0.0
    assert wait_s(after(NO, NO, luck=0.0)) == 60.0


def test_what_nobody_tried_and_what_was_reached_is_never_held_back() -> None:
    breaker = Breaker(lambda: 1.0)
    assert breaker.refusal(WAY, 0) is None
    breaker.began(WAY)
    assert breaker.refusal(WAY, 0) is None, "a first try holds nobody back"
    breaker.failed(WAY, DOWN, 0)
    breaker.began(WAY)
    breaker.reached(WAY, 1)
    assert breaker.refusal(WAY, 1) is None
    breaker.failed(WAY, DOWN, 2)
    assert wait_s(breaker) == 3.0, "success makes it forget"


def test_what_is_missing_on_our_side_says_nothing_of_the_host() -> None:
    assert after(MISSING).refusal(WAY, 0) is None
    assert after(DOWN, MISSING).refusal(WAY, 2) is None
    assert after(TunnelAwayError("no tunnel")).refusal(WAY, 0) is None, "a device that dials in is used at once"


def test_a_login_that_never_left_counts_for_no_lock() -> None:
    no_agent = AuthenticationError("no ssh-agent")
    no_agent.dialled = False
    assert after(no_agent, no_agent, no_agent).refusal(WAY, 0) is None


def test_who_is_held_back_is_told_the_last_error_and_the_next_try() -> None:
    refused = after(DOWN).refusal(WAY, 0.4)
    assert isinstance(refused, BackingOffError)
    assert refused.retryable
    assert refused.message == (
        "web is not tried again yet, the next try is in 0.6 s; the last one ended with connect_failed: refused; "
        "nothing was sent"
    )
    assert "ssh_connect" in refused.hint
    assert after(DOWN).refusal(WAY, 1.0) is None


def test_what_a_host_key_is_wrong_about_waits_for_somebody() -> None:
    refused = after(CHANGED).refusal(WAY, 1e9)
    assert refused is not None
    assert "not tried again by itself after host_key_changed: another key" in refused.message
    assert refused.hint == "ssh-keygen -R web; then ssh_connect tries it"
    assert not refused.retryable


def test_whoever_may_lock_an_account_is_told_so() -> None:
    refused = after(NO, NO).refusal(WAY, 1)
    assert refused is not None
    assert "may lock the account" in refused.hint


def test_while_a_host_that_failed_is_tried_again_others_are_told_so() -> None:
    breaker = after(DOWN)
    breaker.began(WAY)
    refused = breaker.refusal(WAY, 100)
    assert refused is not None
    assert "is being tried again just now" in refused.message


def test_an_entry_that_changed_has_no_past_and_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = after(DOWN)
    breaker.keep([host("web")])
    assert breaker.refusal(WAY, 0) is not None, "an equal entry is the same host"
    breaker.keep([host("web", port=2222)])
    assert breaker.refusal(WAY, 0) is None
    monkeypatch.setattr(module, "most_kept", 2)
    for name in ("a", "b", "c"):
        breaker.began((host(name), ""))
    assert [name for name in ("a", "b", "c") if breaker.contact(host(name))] == ["b", "c"]


# --- in the pool


class Silent:
    async def opened(self, session: Session) -> None:
        del session

    async def closed(self, session: Session, reason: str) -> None:
        del session, reason


def pool_on(transport: MemoryTransport, clock: FakeClock) -> Pool:
    return Pool(
        transport=transport,
        driver_for=lambda _seat, connection, reconnect, _secrets: ExecDriver(connection, reconnect),
        clock=clock,
        max_sessions=100,
        idle_timeout_s=lambda _: 600,
        log=Silent(),
        breaker=Breaker(lambda: 1.0),
    )


async def use(pool: Pool, seat: Seat, *, forced: bool = False) -> str:
    async with pool.lend(seat, ("192.0.2.1",), NoSecrets(), forced=forced) as session:
        return session.id


async def codes(pool: Pool, *seats: Seat) -> list[str]:
    told = await asyncio.gather(*(use(pool, seat) for seat in seats), return_exceptions=True)
    return [each.code if isinstance(each, McpSshError) else str(each) for each in told]


async def test_fifty_callers_on_a_dead_host_make_one_dial() -> None:
    transport, clock = MemoryTransport(error=DOWN), FakeClock()
    async with pool_on(transport, clock) as pool:
        assert await codes(pool, *[Seat(WEB)] * 50) == ["connect_failed"] * 50
        assert await codes(pool, *[Seat(WEB, f"s-{number}") for number in range(50)]) == ["backing_off"] * 50
        assert len(transport.attempts) == 1
        await clock.advance(1.1)
        told = await codes(pool, *[Seat(WEB, f"s-{number}") for number in range(50)])
        assert sorted(told) == ["backing_off"] * 49 + ["connect_failed"]
        assert len(transport.attempts) == 2


async def test_a_host_that_comes_back_is_used_at_the_next_try() -> None:
    transport, clock = MemoryTransport(error=DOWN), FakeClock()
    async with pool_on(transport, clock) as pool:
        for _ in range(3):
            await codes(pool, Seat(WEB))
            await clock.advance(60)
        transport.error = None
        await use(pool, Seat(WEB))
        assert len(transport.attempts) == 4
        contact = pool.contact(WEB)
        assert contact is not None
        assert (contact.failures, contact.error) == (0, None)


async def test_who_forces_it_dials_at_once_and_one_that_opened_serves_all() -> None:
    transport, clock = MemoryTransport(error=NO), FakeClock()
    async with pool_on(transport, clock) as pool:
        for forced in (True, True, False):
            with pytest.raises(McpSshError):
                await use(pool, Seat(WEB), forced=forced)
        assert len(transport.attempts) == 2
        transport.error = None
        first = await use(pool, Seat(WEB), forced=True)
        assert await use(pool, Seat(WEB)) == first


async def test_an_open_session_is_lent_though_another_seat_of_the_host_could_not_be_opened() -> None:
    transport, clock = MemoryTransport(), FakeClock()
    async with pool_on(transport, clock) as pool:
        first = await use(pool, Seat(WEB))
        transport.error = DOWN
        assert await codes(pool, Seat(WEB, "s-1")) == ["connect_failed"]
        assert await use(pool, Seat(WEB)) == first


async def test_hosts_behind_a_dead_bastion_make_one_dial_and_are_held_back_for_it_alone() -> None:
    transport, clock = MemoryTransport(error=NO), FakeClock()
    bastion = host("bastion")
    behind = [Seat(host(name, jump=bastion), via=Seat(bastion)) for name in ("a", "b", "c")]

    async def told(seat: Seat, *, forced: bool = False) -> str:
        hops = [("192.0.2.9",)]
        try:
            async with pool.lend(seat, ("192.0.2.1",), NoSecrets(), hops, forced=forced):
                return "open"
        except McpSshError as error:
            return f"{error.code} {error.message.partition(':')[0]}"

    async with pool_on(transport, clock) as pool:
        assert await told(behind[0]) == "auth_failed a is reached through bastion"
        assert await told(behind[1]) == "backing_off b is reached through bastion"
        assert [name for name, _ in transport.attempts] == ["bastion"]
        assert await told(behind[2], forced=True) == "auth_failed c is reached through bastion"
        assert await told(behind[2]) == "backing_off c is reached through bastion"
        await clock.advance(61)
        transport.error = None
        assert [await told(seat) for seat in behind] == ["open"] * 3, "nothing is held against those behind it"
        assert [name for name, _ in transport.attempts] == ["bastion", "bastion", "bastion", "a", "b", "c"]
