"""Hosts behind others: real servers in networks of their own, of which each is reached from its neighbours alone."""

import asyncio
import json
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self, cast

import pytest
from mcp import Client

from mcp_ssh.app import App, running, wired
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    ConnectionFailedError,
    ConnectTimeoutError,
    HostKeyChangedError,
    JumpFailedError,
    LinkSilentError,
)
from mcp_ssh.model.host import Host, Inventory
from mcp_ssh.model.policy import NetworkPolicy, Policy
from mcp_ssh.model.refusals import DeniedError
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.ports import Through
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.transport.connection import SshConnection
from tests.support.clock import FakeClock
from tests.support.daemon import ANN, Ledger
from tests.support.hosts import host, settings
from tests.support.namespaces import row
from tests.support.posix import host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, can_connect, pause, processes_with, send, sftp_server
from tests.support.waiting import until

pytestmark = pytest.mark.integration

OTHER_KEY = f"SHA256:{'A' * 43}"


@dataclass(frozen=True)
class Lab:
    """Three servers in a row: from here only the first is reached, from each only the next."""

    outer: Sshd
    inner: Sshd
    target: Sshd

    @property
    def bastion(self) -> Host:
        return host_of(self.outer, name="bastion")

    def middle(self, name: str = "middle", **changes: Any) -> Host:
        """The second server, through the first."""
        return host_of(self.inner, name=name, **({"jump": self.bastion} | changes))

    def far(self, name: str = "far", **changes: Any) -> Host:
        """The third, through both."""
        return host_of(self.target, name=name, **({"jump": self.middle()} | changes))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ExitStack() as stack:
        places = stack.enter_context(row(3))
        servers = [
            Sshd(tmp_path_factory.mktemp("sshd"), address=place.address, inside=place.name, extra=[sftp_server()])
            for place in places
        ]
        yield Lab(*(stack.enter_context(server) for server in servers))


@pytest.fixture
def orphan() -> Iterator[str]:
    """The time of a `sleep` that outlives its connection; ended with the test."""
    mark = f"60.{uuid.uuid4().int % 10**9:09d}"
    yield mark
    for pid in processes_with(mark):
        send(pid, signal.SIGKILL)


@asynccontextmanager
async def app_for(
    folder: Path, *hosts: Host, audit: Ledger | None = None, policy: Policy | None = None, **changes: Any
) -> AsyncIterator[App]:
    inventory = Inventory({each.name: each for each in hosts})
    snapshot = Snapshot(inventory, settings(**changes), "hosts.yaml", policy=policy or Policy())
    parts = (Configuration(lambda: snapshot), audit or Ledger(), transport_in(folder, **changes), FakeClock())
    async with wired(*parts, Keyrings(NoSecrets())) as app:
        yield app


async def ran(app: App, name: str, text: str, **limits: Any) -> CommandResult:
    return (await app.commands.run(ANN, name, Wish(text, **limits))).result


async def test_a_host_that_only_the_bastion_reaches_is_reached_through_it(lab: Lab, tmp_path: Path) -> None:
    assert can_connect(lab.outer.port, lab.outer.address)
    assert not can_connect(lab.inner.port, lab.inner.address)
    audit = Ledger()
    async with app_for(tmp_path, lab.middle(), lab.far(), audit=audit) as app:
        near = await ran(app, "middle", "echo $SSH_CONNECTION")
        far = await ran(app, "far", "echo $SSH_CONNECTION; cat; exit 3")
    assert near.stdout.head.split()[2].decode() == lab.inner.address
    assert far.stdout.head.split()[2].decode() == lab.target.address
    assert far.exit_code == 3
    for event in ("connect", "session.open"):
        rows = {record["host"]: record for record in audit.records if record["event"] == event}
        assert [rows[name].get("jump") or [] for name in ("bastion", "middle", "far")] == [
            [],
            ["bastion"],
            ["bastion", "middle"],
        ]
        assert rows["far"]["address"] == f"{lab.target.address}:{lab.target.port}"


async def test_ten_hosts_behind_a_bastion_and_the_bastion_itself_make_one_login_there(lab: Lab, tmp_path: Path) -> None:
    before = lab.outer.connections_made(), lab.inner.connections_made()
    behind = [lab.middle(f"web-{number}") for number in range(10)]
    async with app_for(tmp_path, lab.bastion, *behind) as app:
        names = [each.name for each in (*behind, lab.bastion)]
        results = await asyncio.gather(*(ran(app, name, f"echo {name}") for name in names))
        assert [result.stdout.head.decode().strip() for result in results] == names
        sessions = {view.host: view for view in app.commands.sessions(ANN)}
        assert sessions["bastion"].closes_in_s is None, "it carries others"
        assert sessions["web-0"].closes_in_s == 600
    assert (lab.outer.connections_made(), lab.inner.connections_made()) == (before[0] + 1, before[1] + 10)


async def test_a_bastion_that_dies_in_mid_command_is_named_and_the_next_command_opens_the_way_anew(
    lab: Lab, tmp_path: Path, orphan: str
) -> None:
    async with app_for(tmp_path, lab.far()) as app:
        begun = asyncio.ensure_future(ran(app, "far", f"sleep {orphan}"))
        await until(lambda: bool(processes_with(f"sleep\x00{orphan}")))
        for pid in lab.outer.connection_pids():
            send(pid, signal.SIGKILL)
        result = await begun
        assert result.outcome is Outcome.UNKNOWN
        assert result.lost is not None
        assert "the jump host middle is gone: the jump host bastion is gone" in result.lost.message
        assert (await ran(app, "far", "echo again")).stdout.head == b"again\n"


async def test_whoever_falls_silent_on_the_way_ends_the_call_within_six_seconds(
    lab: Lab, tmp_path: Path, orphan: str
) -> None:
    async def silenced(app: App, pids: set[int], number: int) -> CommandResult:
        mark = f"{orphan}{number}"
        begun = asyncio.ensure_future(ran(app, "middle", f"sleep {mark}"))
        await until(lambda: bool(processes_with(f"sleep\x00{mark}")))
        for pid in pids:
            pause(pid)
        try:
            # The bound is the promise itself: a call that hangs is what this test is about.
            async with asyncio.timeout(6):
                result = await begun
            again = await ran(app, "middle", "echo again")
        finally:
            for pid in pids:
                send(pid, signal.SIGKILL)
        assert again.stdout.head == b"again\n"
        return result

    async def opened(app: App, server: Sshd) -> set[int]:
        known = set(server.connection_pids())
        await ran(app, "middle", "true")
        return set(server.connection_pids()) - known

    async with app_for(tmp_path / "a", lab.middle()) as one, app_for(tmp_path / "b", lab.middle()) as other:
        hop, end = await opened(one, lab.outer), await opened(other, lab.inner)
        results = await asyncio.gather(silenced(one, hop, 1), silenced(other, end, 2))
    for result in results:
        assert result.outcome is Outcome.UNKNOWN
        assert isinstance(result.lost, LinkSilentError)
        assert "bastion" in result.lost.message


async def test_another_key_on_the_way_or_at_its_end_is_refused_and_whose_it_is_is_told(
    lab: Lab, tmp_path: Path
) -> None:
    behind = lab.middle(jump=replace(lab.bastion, host_key=OTHER_KEY))
    before = lab.inner.log().count("Connection from")
    async with app_for(tmp_path, behind) as app:
        with pytest.raises(HostKeyChangedError, match="middle is reached through bastion: the host key of bastion has"):
            await ran(app, "middle", "true")
    assert lab.inner.log().count("Connection from") == before, "nobody came there"
    async with app_for(tmp_path, lab.middle(host_key=OTHER_KEY)) as app:
        with pytest.raises(HostKeyChangedError, match=r"^the host key of middle has changed"):
            await ran(app, "middle", "true")
    known = (tmp_path / "state" / "known_hosts").read_text()
    assert known == lab.outer.host_key_line, "each under its own name, and none that was refused"


async def test_a_bastion_that_forwards_nothing_is_named_with_what_mends_it(lab: Lab, tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd", extra=["AllowTcpForwarding no"]) as closed:
        mute = host_of(closed, name="mute")
        async with app_for(tmp_path, lab.middle(jump=mute), mute) as app:
            with pytest.raises(JumpFailedError, match="the jump host mute does not forward to middle") as caught:
                await ran(app, "middle", "true")
            assert "AllowTcpForwarding" in caught.value.hint
            assert not caught.value.sent
            assert (await ran(app, "mute", "echo on")).stdout.head == b"on\n"
            assert [view.closes_in_s for view in app.commands.sessions(ANN)] == [600], "it carries nobody"


async def test_nothing_runs_on_a_bastion_so_one_that_takes_no_sessions_carries_as_many_as_any(
    lab: Lab, tmp_path: Path
) -> None:
    async with Sshd(tmp_path / "sshd", max_sessions=0) as narrow:
        hosts = [replace(lab.bastion, name=f"web-{n}", jump=host_of(narrow, name="narrow")) for n in range(3)]
        async with app_for(tmp_path, *hosts) as app:
            results = await asyncio.gather(*(ran(app, each.name, "echo on") for each in hosts))
        assert [result.stdout.head for result in results] == [b"on\n"] * 3
        assert narrow.connections_made() == 1


async def test_what_the_bastion_cannot_reach_is_told_from_its_side(lab: Lab, tmp_path: Path) -> None:
    async with app_for(tmp_path, lab.middle(port=1)) as app:
        with pytest.raises(ConnectionFailedError, match="cannot be reached from its jump host bastion: ") as caught:
            await ran(app, "middle", "true")
    assert caught.value.code == "connect_failed"


async def test_the_connect_timeout_is_that_of_the_whole_way(lab: Lab, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        hole = host(name="hole", address="127.0.0.1", port=silent.getsockname()[1], auth=lab.bastion.auth)
        async with app_for(tmp_path, lab.middle(jump=hole), connect_timeout_s=0.5) as app:
            with pytest.raises(ConnectTimeoutError, match=r"^middle is reached through hole: hole .* within 0\.5 s"):
                await ran(app, "middle", "true")
    for pid in (server := lab.inner).connection_pids():
        send(pid, signal.SIGKILL)
    pause(server.pid)
    try:
        async with app_for(tmp_path, lab.middle(), connect_timeout_s=0.8) as app:
            with pytest.raises(ConnectTimeoutError, match=r"^middle .* did not answer through bastion within 0\.8 s"):
                await ran(app, "middle", "true")
    finally:
        send(server.pid, signal.SIGCONT)


async def test_the_judged_address_is_dialled_under_the_hosts_own_name_in_the_time_that_is_left_and_never_directly(
    lab: Lab, tmp_path: Path
) -> None:
    transport, now = transport_in(tmp_path), asyncio.get_running_loop().time()
    named, there = lab.middle(address="middle.example"), [lab.inner.address]  # a name that nobody knows
    bastion = await transport.connect(lab.bastion, [lab.outer.address], NoSecrets())
    try:
        behind = await transport.connect(named, there, NoSecrets(), Through(bastion, now))
        await behind.close()
        assert behind.peer.address == lab.inner.address
        assert f"[middle.example]:{lab.inner.port} " in (tmp_path / "state" / "known_hosts").read_text()
        with pytest.raises(ConnectTimeoutError):
            await transport.connect(named, there, NoSecrets(), Through(bastion, now - 100))
        with pytest.raises(JumpFailedError, match="middle is reached through bastion"):
            await transport.connect(named, there, NoSecrets())
    finally:
        await bastion.close()


async def test_a_channel_that_comes_too_late_is_closed_again(lab: Lab, tmp_path: Path) -> None:
    bastion = replace(lab.bastion, fast=False)  # its one channel is to be the one to the host behind it
    async with app_for(tmp_path, bastion, replace(lab.middle(), jump=bastion), connect_timeout_s=0.5) as app:
        known = set(lab.outer.connection_pids())
        await ran(app, "bastion", "true")
        [session] = app.commands._pool._sessions.values()
        channels = cast("SshConnection", session.connection)._connection._channels
        stopped = set(lab.outer.connection_pids()) - known
        for pid in stopped:
            pause(pid)
        with pytest.raises(ConnectTimeoutError, match="did not answer through bastion"):
            await ran(app, "middle", "true")
        assert channels
        for pid in stopped:
            send(pid, signal.SIGCONT)
        await until(lambda: not channels)
        await app.commands.connect(ANN, "middle")  # somebody's wish comes before the patience after a failure
        assert (await ran(app, "middle", "echo on")).stdout.head == b"on\n"


class Counter:
    """A port that counts who comes, and lets nobody in."""

    def __init__(self, address: str) -> None:
        self.address, self.came = address, 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._came, self.address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        writer.close()


@pytest.mark.parametrize("blocked", ["127.0.0.2", "127.0.0.3", "127.0.0.4", ""])
async def test_whoever_is_blocked_on_the_way_gets_no_packet_and_nobody_before_him(
    lab: Lab, tmp_path: Path, blocked: str
) -> None:
    async with Counter("127.0.0.2") as outer, Counter("127.0.0.3") as inner, Counter("127.0.0.4") as target:
        made = [
            host(name=name, address=each.address, port=each.port, auth=lab.bastion.auth)
            for name, each in (("outer", outer), ("inner", inner), ("web", target))
        ]
        web = replace(made[2], jump=replace(made[1], jump=made[0]))
        lists = NetworkPolicy(block=(ip_network(blocked),)) if blocked else NetworkPolicy()
        async with app_for(tmp_path, web, policy=Policy(network=lists)) as app:
            plan = await app.commands.plan(ANN, "web", Wish("uptime"))
            assert [layer.name for layer in plan.trace].count("jump") == 2
            assert plan.would_run is not bool(blocked)
            with pytest.raises(DeniedError if blocked else ConnectionFailedError) as caught:
                await ran(app, "web", "uptime")
            assert not blocked or blocked in caught.value.message
        assert [each.came for each in (outer, inner, target)] == ([0, 0, 0] if blocked else [1, 0, 0])


async def test_every_tool_works_behind_a_bastion_and_terminals_are_recorded_there(lab: Lab, tmp_path: Path) -> None:
    key = f"user: {lab.outer.user}, auth: {{method: key, key_path: {lab.outer.key_path}}}"
    own = f"user: {lab.inner.user}, auth: {{method: key, key_path: {lab.inner.key_path}}}"
    (tmp_path / "up").mkdir()
    (tmp_path / "hosts.yaml").write_text(
        f"hosts:\n"
        f"  bastion: {{host: {lab.outer.address}, port: {lab.outer.port}, {key}}}\n"
        f"  web: {{host: {lab.inner.address}, port: {lab.inner.port}, jump: [bastion], {own}}}\n"
        f"settings: {{state_dir: {tmp_path}/state, audit_log: {tmp_path}/audit.log, known_hosts: [],\n"
        f"  recording: {{enabled: true}}, transfer_dir: {tmp_path}/up}}\n"
    )
    file = str(tmp_path / "there.txt")
    environment = Environment(tmp_path / "hosts.yaml", tmp_path, log_level="error")
    async with running(environment, {}) as app, Client(mcp_server(app, lambda: ANN.principal)) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            return dict(result.structured_content or {})

        connected = await client.call_tool("ssh_connect", {"host": "web"})
        assert " through bastion) is open" in connected.content[0].text  # type: ignore[union-attr]
        await call("ssh_shell", host="web", command="cd /tmp")
        assert (await call("ssh_shell", host="web", command="pwd"))["stdout"].strip() == "/tmp"
        await call("ssh_write_file", host="web", path=file, content="written there\n")
        assert (await call("ssh_read_file", host="web", path=file))["content"] == "written there\n"
        await call("ssh_transfer", host="web", direction="download", path=file, local="here.txt")
        assert (tmp_path / "up" / "here.txt").read_text() == "written there\n"
        assert (await call("ssh_run_many", hosts=["web"], command="uptime"))["state"] == "completed"
        task = (await call("ssh_run_async", host="web", command="echo done"))["task"]
        while (await call("ssh_task", task=task))["state"] != "completed":
            await asyncio.sleep(0.02)
    assert list((tmp_path / "state" / "recordings").glob("*web*.cast"))
    events = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert {tuple(each.get("jump", ())) for each in events if each["event"] == "session.open"} == {(), ("bastion",)}
    assert [each["host"] for each in events if each["event"] == "connect"].count("bastion") == 1
