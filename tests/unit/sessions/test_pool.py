import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mcp_ssh.model.errors import ConnectionFailedError, SessionLostError
from mcp_ssh.ports import Connection, Secrets
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.pool import DriverFactory, Pool, Reconnect
from mcp_ssh.sessions.session import Session
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.clock import FakeClock
from tests.support.hosts import host
from tests.support.memory import MemoryTransport
from tests.support.secrets import NoSecrets, SomeSecrets

WEB = Seat(host("web"))
ADDRESSES = ("192.0.2.1",)


class Ledger:
    """A session log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def opened(self, session: Session) -> None:
        self.lines.append(f"open {session.host.name}")

    async def closed(self, session: Session, reason: str) -> None:
        self.lines.append(f"close {session.host.name}: {reason}")


def exec_driver(_seat: Seat, connection: Connection, reconnect: Reconnect, _secrets: Secrets) -> ExecDriver:
    return ExecDriver(connection, reconnect)


@asynccontextmanager
async def pool_on(
    transport: MemoryTransport,
    clock: FakeClock | None = None,
    ledger: Ledger | None = None,
    driver_for: DriverFactory = exec_driver,
) -> AsyncIterator[Pool]:
    async with Pool(
        transport=transport,
        driver_for=driver_for,
        clock=clock or FakeClock(),
        max_sessions=4,
        idle_timeout_s=lambda _: 600,
        log=ledger or Ledger(),
    ) as pool:
        yield pool


async def test_a_driver_asks_the_secrets_of_the_latest_caller() -> None:
    held: list[Secrets] = []

    def driver_for(_seat: Seat, connection: Connection, reconnect: Reconnect, secrets: Secrets) -> ExecDriver:
        held.append(secrets)
        return ExecDriver(connection, reconnect)

    async with pool_on(MemoryTransport(), driver_for=driver_for) as pool:
        for text in ("of the first", "of the second"):
            async with pool.lend(WEB, ADDRESSES, SomeSecrets({"P": text})):
                assert held[0].get("P").reveal() == text
    assert len(held) == 1


@pytest.mark.parametrize("addresses", [(), ("192.0.2.1", "192.0.2.2")])
async def test_a_session_that_reconnects_goes_where_it_was_judged_to_go(addresses: tuple[str, ...]) -> None:
    held: list[Reconnect] = []

    def driver_for(_seat: Seat, connection: Connection, reconnect: Reconnect, secrets: Secrets) -> ExecDriver:
        held.append(reconnect)
        return ExecDriver(connection, reconnect)

    transport = MemoryTransport()
    async with pool_on(transport, driver_for=driver_for) as pool, pool.lend(WEB, addresses, NoSecrets()) as session:
        peer = session.connection.peer.address
        await (await held[0]()).close()
    (_, first), (_, again) = transport.attempts
    assert first == addresses
    assert again == ((peer,) if addresses else ())  # a name that only a program knows stays with the program


async def use(pool: Pool, where: Seat = WEB) -> str:
    async with pool.lend(where, ADDRESSES, NoSecrets()) as session:
        await asyncio.sleep(0.01)
        return session.id


async def test_ten_callers_share_one_connection() -> None:
    transport = MemoryTransport()
    async with pool_on(transport) as pool:
        ids = await asyncio.gather(*(use(pool) for _ in range(10)))
    assert len(set(ids)) == 1
    assert transport.attempts == [("web", ADDRESSES)]


async def test_after_two_hours_of_idleness_sessions_are_closed_and_the_next_command_works() -> None:
    transport, clock, ledger = MemoryTransport(), FakeClock(), Ledger()
    async with pool_on(transport, clock, ledger) as pool:
        first = await use(pool)
        await clock.advance(7200)
        await asyncio.sleep(0.01)
        assert pool.sessions() == ()
        assert transport.connections[0].is_closed
        assert await use(pool) != first
    assert ledger.lines[:3] == ["open web", "close web: idle", "open web"]


async def test_a_failed_opening_reaches_all_who_wait() -> None:
    transport = MemoryTransport(error=ConnectionFailedError("refused"))
    async with pool_on(transport) as pool:
        results = await asyncio.gather(*(use(pool) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["refused"] * 3


async def test_a_caller_who_leaves_while_the_host_is_opened_takes_nothing_with_him() -> None:
    transport = MemoryTransport(gate=asyncio.Event())
    async with pool_on(transport) as pool:
        leaving = asyncio.ensure_future(use(pool))
        staying = asyncio.ensure_future(use(pool))
        await asyncio.sleep(0.01)
        leaving.cancel()
        assert transport.gate is not None
        transport.gate.set()
        await staying
        assert leaving.cancelled()
        assert [view.running for view in pool.sessions()] == [0]
    assert len(transport.attempts) == 1


async def test_a_broken_connection_is_forgotten_at_once() -> None:
    transport, ledger = MemoryTransport(), Ledger()
    async with pool_on(transport, ledger=ledger) as pool:
        await use(pool)
        transport.connections[0].breaks(SessionLostError("reset"))
        await asyncio.sleep(0.01)
        assert pool.sessions() == ()
        await use(pool)
    assert len(transport.connections) == 2
    assert "close web: reset" in ledger.lines


async def test_a_disconnected_session_is_closed_and_others_are_not() -> None:
    transport = MemoryTransport()
    async with pool_on(transport) as pool:
        first = await use(pool)
        await use(pool, Seat(host("db")))
        await pool.disconnect(first)
        await asyncio.sleep(0.01)
        assert [view.host for view in pool.sessions()] == ["db"]
    assert all(connection.is_closed for connection in transport.connections)


async def test_the_end_of_the_pool_refuses_who_waits() -> None:
    transport = MemoryTransport(gate=asyncio.Event())
    async with pool_on(transport) as pool:
        waiting = asyncio.ensure_future(use(pool))
        await asyncio.sleep(0.01)
    with pytest.raises(SessionLostError) as caught:
        await waiting
    assert not caught.value.sent


async def test_a_view_tells_idle_time_and_when_it_closes() -> None:
    clock = FakeClock()
    async with pool_on(MemoryTransport(), clock) as pool:
        await use(pool)
        await clock.advance(100)
        [view] = pool.sessions()
        assert (view.idle_s, view.closes_in_s, view.running) == (100, 500, 0)
