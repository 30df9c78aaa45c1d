"""Connections that rest on others: how closely each is probed, and what the end of one means for the next."""

import asyncio
from typing import Any, cast

import asyncssh
import pytest

from mcp_ssh.model.errors import LinkSilentError, SessionLostError
from mcp_ssh.model.result import Peer
from mcp_ssh.ports import Receiver
from mcp_ssh.transport import connection
from mcp_ssh.transport.connection import SshConnection
from mcp_ssh.transport.hop import Hop
from tests.support.hosts import host
from tests.support.waiting import until

CLOSELY, IDLE = (2.0, 1), (15.0, 2)
SILENT = asyncssh.ConnectionLost("Server not responding to keepalive")


class Line:
    """What asyncssh is to a connection. `probed` is how it was told to probe last."""

    probed: tuple[float, int] = (0, 0)
    changes = 0

    def set_keepalive(self, interval: float, count_max: int) -> None:
        self.changes += 1
        self.probed = (interval, count_max)


class Rung:
    """One connection with its line; on another one, if that is given."""

    def __init__(self, below: "Rung | None" = None) -> None:
        self.line = Line()
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        ground = Hop(host("web"), "bastion", "192.0.2.1", below.connection) if below is not None else None
        peer = Peer("192.0.2.1", 22, "admin", "SSH-2.0-x", None)
        line: Any = self.line
        self.connection: SshConnection = SshConnection(line, self.ended, peer, 15.0, ground)


async def test_whatever_a_connection_rests_on_is_probed_as_closely_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "calm_after_s", 0.01)
    outer = Rung()
    inner = Rung(outer)
    one, other = Rung(inner), Rung(inner)
    assert [each.line.probed for each in (outer, inner, one)] == [IDLE] * 3
    one.connection.watch(running=True)
    other.connection.watch(running=True)
    assert [each.line.probed for each in (outer, inner, one)] == [CLOSELY] * 3
    one.connection.watch(running=False)
    await until(lambda: [each.line.probed for each in (outer, inner, one)] == [CLOSELY, CLOSELY, IDLE])
    other.connection.watch(running=False)
    await until(lambda: [each.line.probed for each in (outer, inner, other)] == [IDLE] * 3)


async def test_a_link_is_probed_closely_for_a_while_after_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "calm_after_s", 0.05)
    web = Rung()
    for _ in range(3):
        web.connection.watch(running=True)
        web.connection.watch(running=False)
        assert web.line.probed == CLOSELY
    assert web.line.changes == 2  # idle, then closely: not once a command
    web.connection.watch(running=True)
    await asyncio.sleep(0.1)
    assert web.line.probed == CLOSELY
    web.connection.watch(running=False)
    await until(lambda: web.line.probed == IDLE)


async def test_what_a_silent_connection_rests_on_is_suspect_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "suspect_s", 0.05)
    bastion = Rung()
    web = Rung(bastion)
    web.connection.watch(running=True)
    web.ended.set_result(SILENT)
    web.connection.watch(running=False)
    await asyncio.sleep(0)
    assert bastion.line.probed == CLOSELY
    async with asyncio.timeout(5):
        while bastion.line.probed != IDLE:
            await asyncio.sleep(0.01)


async def test_nothing_is_opened_on_a_connection_that_is_over() -> None:
    web = Rung()
    web.ended.set_result(SILENT)
    with pytest.raises(LinkSilentError):
        await web.connection.open_exec("true", cast("Receiver", None))  # nobody is ever told of a channel
    assert web.connection._tasks == set()


async def test_the_end_of_a_connection_names_the_jump_host_that_is_gone_or_that_it_went_through() -> None:
    outer = Rung()
    inner = Rung(outer)
    web = Rung(inner)
    web.ended.set_result(SILENT)
    error = await web.connection.wait_closed()
    assert isinstance(error, LinkSilentError)
    assert error.message == "nobody answers on the connection through bastion any more"
    outer.ended.set_result(SILENT)
    inner.ended.set_result(asyncssh.ConnectionLost("Connection lost"))
    error = await inner.connection.wait_closed()
    assert isinstance(error, LinkSilentError)
    assert error.message == "the jump host bastion is gone: nobody answers on the connection any more"
    again = Rung(Rung())
    again.ended.set_result(None)
    error = await again.connection.wait_closed()
    assert type(error) is SessionLostError
