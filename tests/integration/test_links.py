"""Links that break, fall silent, never answer or answer with another key: a real sshd, through the whole daemon."""

import asyncio
import contextlib
import re
import signal
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.app import App, wired
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    ConnectionFailedError,
    ConnectTimeoutError,
    HandshakeError,
    HostKeyChangedError,
    HostKeyUnknownError,
    McpSshError,
)
from mcp_ssh.model.host import Host, HostKeyChecking, Inventory
from mcp_ssh.model.result import Ended, Outcome
from mcp_ssh.service.keyrings import Keyrings
from tests.support.clock import FakeClock
from tests.support.daemon import ANN, Ledger
from tests.support.hosts import host, settings
from tests.support.posix import host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, pause, processes_with, send
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def orphan() -> Iterator[str]:
    """The time of a `sleep` that outlives its connection; ended with the test."""
    mark = f"60.{uuid.uuid4().int % 10**9:09d}"
    yield mark
    for pid in processes_with(mark):
        send(pid, signal.SIGKILL)


@asynccontextmanager
async def app_for(folder: Path, *hosts: Host, clock: FakeClock | None = None, **changes: Any) -> AsyncIterator[App]:
    snapshot = Snapshot(Inventory({each.name: each for each in hosts}), settings(**changes), "hosts.yaml")
    transport = transport_in(folder, **changes)
    configuration, keyrings = Configuration(lambda: snapshot), Keyrings(NoSecrets())
    async with wired(configuration, Ledger(), transport, clock or FakeClock(), keyrings) as app:
        yield app


async def test_ten_callers_on_a_cold_host_make_one_connection(sshd: Sshd, tmp_path: Path) -> None:
    async with app_for(tmp_path, host_of(sshd)) as app:
        results = await asyncio.gather(*(app.commands.run(ANN, "web", Wish(f"echo {n}")) for n in range(10)))
    assert [done.result.stdout.head for done in results] == [b"%d\n" % number for number in range(10)]
    assert sshd.connections_made() == 1


async def test_after_two_idle_hours_the_session_is_closed_on_the_host_and_the_next_command_works(
    sshd: Sshd, tmp_path: Path
) -> None:
    clock = FakeClock()
    async with app_for(tmp_path, host_of(sshd), clock=clock) as app:
        await app.commands.run(ANN, "web", Wish("true"))
        assert len(sshd.connection_pids()) >= 1
        await clock.advance(7_200)
        await until(lambda: sshd.connection_pids() == [])
        assert app.commands.sessions(ANN) == ()
        done = await app.commands.run(ANN, "web", Wish("echo back"))
        assert done.result.stdout.head == b"back\n"
    assert sshd.connections_made() == 2


async def test_a_connection_killed_in_mid_command_is_told_at_once_and_the_rest_goes_on(
    sshd: Sshd, tmp_path: Path, orphan: str
) -> None:
    async with app_for(tmp_path, host_of(sshd)) as app:
        running = asyncio.ensure_future(app.commands.run(ANN, "web", Wish(f"echo begun; sleep {orphan}")))
        await until(lambda: bool(processes_with(f"sleep\x00{orphan}")))
        began = time.monotonic()
        for pid in sshd.connection_pids():
            send(pid, signal.SIGKILL)
        done = await running
        assert time.monotonic() - began < 6
        assert (done.result.outcome, done.result.ended) == (Outcome.UNKNOWN, Ended.UNKNOWN)
        assert done.result.stdout.head == b"begun\n"
        again = await app.commands.run(ANN, "web", Wish("echo again"))
        assert again.result.stdout.head == b"again\n"


async def test_the_listening_sshd_may_die_and_open_sessions_live_on(sshd: Sshd, tmp_path: Path) -> None:
    async with app_for(tmp_path, host_of(sshd)) as app:
        await app.commands.run(ANN, "web", Wish("true"))
        connections = sshd.connection_pids()
        send(sshd.pid, signal.SIGKILL)
        try:
            done = await app.commands.run(ANN, "web", Wish("echo alive"))
            assert done.result.stdout.head == b"alive\n"
        finally:
            for pid in connections:
                send(pid, signal.SIGKILL)


async def test_a_link_that_falls_silent_in_mid_command_ends_the_call_within_six_seconds(
    sshd: Sshd, tmp_path: Path, orphan: str
) -> None:
    async with app_for(tmp_path, host_of(sshd)) as app:
        running = asyncio.ensure_future(app.commands.run(ANN, "web", Wish(f"echo begun; sleep {orphan}")))
        await until(lambda: bool(processes_with(f"sleep\x00{orphan}")))
        stopped = sshd.connection_pids()
        for pid in stopped:
            pause(pid)
        try:
            # The bound is the promise itself, not a measurement: a call that hangs is what this test is about.
            async with asyncio.timeout(6):
                done = await running
        finally:
            for pid in stopped:
                send(pid, signal.SIGKILL)
        assert done.result.outcome is Outcome.UNKNOWN
        assert done.result.lost is not None
        assert done.result.lost.code == "link_silent"
        again = await app.commands.run(ANN, "web", Wish("echo again"))
        assert again.result.stdout.head == b"again\n"


async def test_a_session_that_fell_silent_while_idle_is_replaced_and_the_command_runs_once(
    sshd: Sshd, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    async with app_for(tmp_path, host_of(sshd)) as app:
        await app.commands.run(ANN, "web", Wish("true"))
        stopped = sshd.connection_pids()
        for pid in stopped:
            pause(pid)
        try:
            done = await app.commands.run(ANN, "web", Wish(f"echo x >> {mark}"))
        finally:
            for pid in stopped:
                send(pid, signal.SIGKILL)
        assert done.result.exit_code == 0
    assert mark.read_text() == "x\n"
    assert sshd.connections_made() == 2


async def test_a_host_that_comes_back_with_another_key_is_refused_with_the_line_that_mends_it(
    sshd: Sshd, tmp_path: Path
) -> None:
    async with app_for(tmp_path, host_of(sshd)) as app:
        await app.commands.run(ANN, "web", Wish("true"))
        old = sshd.fingerprint
        sshd.restart(new_host_key=True)
        await until(lambda: app.commands.sessions(ANN) == ())
        with pytest.raises(HostKeyChangedError) as caught:
            await app.commands.run(ANN, "web", Wish("true"))
    assert old in caught.value.message
    assert sshd.fingerprint in caught.value.message
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f '{tmp_path / 'state' / 'known_hosts'}'" in caught.value.hint


async def test_the_first_key_is_told_and_the_next_connection_knows_it(sshd: Sshd, tmp_path: Path) -> None:
    for expected in (True, False):
        async with app_for(tmp_path, host_of(sshd)) as app:
            done = await app.commands.connect(ANN, "web")
            key = done.session.connection.peer.host_key
            assert key is not None
            assert (key.fingerprint, key.newly_pinned) == (sshd.fingerprint, expected)


async def test_under_strict_only_a_known_key_is_accepted(sshd: Sshd, tmp_path: Path) -> None:
    strict = host_of(sshd, host_key_checking=HostKeyChecking.STRICT)
    async with app_for(tmp_path, strict) as app:
        with pytest.raises(HostKeyUnknownError, match=re.escape(sshd.fingerprint)):
            await app.commands.connect(ANN, "web")
    (tmp_path / "known").write_text(sshd.host_key_line)
    async with app_for(tmp_path, strict, known_hosts=(str(tmp_path / "known"),)) as app:
        await app.commands.connect(ANN, "web")


async def test_a_pinned_fingerprint_and_off_need_no_file(sshd: Sshd, tmp_path: Path) -> None:
    for each in (host_of(sshd, host_key=sshd.fingerprint), host_of(sshd, host_key_checking=HostKeyChecking.OFF)):
        async with app_for(tmp_path, each) as app:
            await app.commands.connect(ANN, "web")
    assert not (tmp_path / "state" / "known_hosts").exists()


@asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    """A port whose connections are accepted by the kernel and never answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


async def test_a_black_hole_ends_within_the_calls_deadline(tmp_path: Path) -> None:
    async with black_hole() as port, app_for(tmp_path, host("web", address="127.0.0.1", port=port)) as app:
        key = tmp_path / "key"
        key.write_text("no key")
        with pytest.raises(McpSshError) as caught:
            await app.commands.run(ANN, "web", Wish("uptime", timeout_s=1))
    assert not caught.value.sent


async def test_a_host_that_never_answers_is_a_connect_timeout(sshd: Sshd, tmp_path: Path) -> None:
    async with black_hole() as port:
        silent = host_of(sshd, port=port)
        async with app_for(tmp_path, silent, connect_timeout_s=0.5) as app:
            with pytest.raises(ConnectTimeoutError, match=r"did not answer within 0\.5 s"):
                await app.commands.run(ANN, "web", Wish("uptime"))


async def test_a_closed_port_and_one_that_speaks_something_else_are_told_apart(sshd: Sshd, tmp_path: Path) -> None:
    async with app_for(tmp_path, host_of(sshd, port=1)) as app:
        with pytest.raises(ConnectionFailedError, match="refused the connection"):
            await app.commands.run(ANN, "web", Wish("uptime"))

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with app_for(tmp_path, host_of(sshd, port=port)) as app:
            with pytest.raises((HandshakeError, ConnectionFailedError)) as caught:
                await app.commands.run(ANN, "web", Wish("uptime"))
    assert not caught.value.sent


async def test_a_denied_command_leaves_no_trace_on_the_host(sshd: Sshd, tmp_path: Path) -> None:
    async with app_for(tmp_path, host_of(sshd, deny_patterns=(r"touch\s",))) as app:
        for text in (f"touch {tmp_path}/trace", f"sudo touch {tmp_path}/trace", f"echo $(touch {tmp_path}/trace)"):
            with pytest.raises(McpSshError, match="not run"):
                await app.commands.run(ANN, "web", Wish(text))
    assert not (tmp_path / "trace").exists()
    assert sshd.connections_made() == 0
