"""Devices that dial in with the real ssh: what they may, what they may not, and what becomes of them."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.model.errors import HostKeyChangedError, McpSshError
from mcp_ssh.model.result import Outcome
from mcp_ssh.transport import tunnellistener, tunnels
from tests.support.daemon import ANN
from tests.support.edges import PORT, Gateway, device_key, dialling, ended, entry, forward, gateway, ssh
from tests.support.sshd import Sshd, free_port, make_key, pause, send
from tests.support.waiting import until

pytestmark = pytest.mark.integration


@asynccontextmanager
async def edge(folder: Path, server: Sshd, **changes: str) -> AsyncIterator[tuple[Gateway, Path]]:
    key = device_key(folder)
    async with gateway(folder, {"edge": entry(server, key)}, **changes) as gate:  # type: ignore[arg-type]
        yield gate, key


async def test_a_device_that_is_away_is_told_at_once_and_one_that_was_here_with_time_and_place(
    sshd: Sshd, tmp_path: Path
) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with pytest.raises(
            McpSshError, match="edge dials in by itself and is away \\(it has never been here\\)"
        ) as told:
            await gate.run("true")
        assert (told.value.code, told.value.sent) == ("tunnel_away", False)
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open")
        await gate.until_code("tunnel_away")
        with pytest.raises(McpSshError, match=r"last here 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, from 127\.0\.0\.1"):
            await gate.run("true")
    async with gateway(tmp_path, gate.hosts) as again:
        with pytest.raises(McpSshError, match="last here"):
            await again.run("true")


async def test_what_a_device_may_not_is_refused_and_on_record(sshd: Sshd, tmp_path: Path) -> None:
    wishes = {
        "port 22223 on 'localhost'; its own is 22222": ["-N", "-R", "22223:127.0.0.1:22"],
        "port 0 on 'localhost'": ["-N", "-R", "0:127.0.0.1:22"],
        "port 22222 on '0.0.0.0'": ["-N", "-R", f"0.0.0.0:{PORT}:127.0.0.1:22"],
        "port 22222 on ''": ["-N", "-R", f"*:{PORT}:127.0.0.1:22"],
        "to listen on the socket": ["-N", "-R", f"{tmp_path}/socket:127.0.0.1:22"],
        "a connection to '127.0.0.1', port 25": ["-W", "127.0.0.1:25"],
    }
    async with edge(tmp_path, sshd) as (gate, key):
        for told, words in wishes.items():
            client = ssh(gate, key, "-o", "ExitOnForwardFailure=yes", *words, "edge@127.0.0.1")
            await ended(client)
            assert client.returncode == 255
            record = await gate.until_record("tunnel.refused", told)
            assert (record["host"], record["decision"], record["address"]) == ("edge", "deny", "127.0.0.1")
        for words in (["edge@127.0.0.1", "id"], ["-tt", "edge@127.0.0.1"], ["-s", "edge@127.0.0.1", "sftp"]):
            client = ssh(gate, key, *words)
            assert b"uid=" not in (await asyncio.to_thread(client.communicate, timeout=15))[0]
        assert await gate.until_record("tunnel.refused", "a session: a shell, a command or a subsystem")
        assert not (tmp_path / "socket").exists()
        assert gate.records("tunnel.open") == []


async def test_a_port_of_the_device_leads_nowhere_here(sshd: Sshd, tmp_path: Path) -> None:
    local = free_port()
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, *forward(sshd), "-L", f"{local}:127.0.0.1:{sshd.port}"):
            await gate.until_code("open")
            _, writer = await asyncio.open_connection("127.0.0.1", local)
            await gate.until_record("tunnel.refused", f"a connection to '127.0.0.1', port {sshd.port}")
            writer.close()
            assert await gate.code() == "open"


async def test_another_key_and_every_other_method_stay_outside(sshd: Sshd, tmp_path: Path) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        other = device_key(tmp_path, "other")
        client = ssh(gate, other, *forward(sshd), "pi@127.0.0.1")
        assert "Permission denied (publickey)" in await ended(client)
        record = await gate.until_record("auth", "the key is no device's")
        assert (record["decision"], record["address"]) == ("deny", "127.0.0.1")
        passwords = ssh(gate, key, "-o", "PreferredAuthentications=password,keyboard-interactive,none", "pi@127.0.0.1")
        assert "Permission denied (publickey)" in await ended(passwords)
        assert gate.records("tunnel.open") == []


async def test_a_device_is_its_own_host_and_no_other(sshd: Sshd, tmp_path: Path) -> None:
    mine, others = device_key(tmp_path, "mine"), device_key(tmp_path, "others")
    hosts = {"edge": entry(sshd, mine), "other": entry(sshd, others, port=22_223)}
    async with gateway(tmp_path, hosts) as gate:
        client = ssh(gate, others, *forward(sshd), "edge@127.0.0.1")
        await ended(client)
        assert (await gate.until_record("tunnel.refused", "its own is 22223"))["host"] == "other"
        with dialling(gate, others, *forward(sshd, 22_223)):
            await gate.until_code("open", "other")
            assert await gate.code("edge") == "tunnel_away"


@pytest.mark.parametrize("how", ["key", "entry", "disabled"])
async def test_a_device_that_may_no_longer_is_out_at_once_and_what_ran_there_is_unknown(
    sshd: Sshd, tmp_path: Path, how: str
) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, *forward(sshd)) as client:
            await gate.until_code("open")
            pid = tmp_path / "pid"
            running = asyncio.ensure_future(gate.run(f"echo $$ > {pid}; exec sleep 30"))
            await until(lambda: pid.exists() and pid.read_text().endswith("\n"), "the command does not start")
            if how == "key":
                make_key(tmp_path / "new")
                (tmp_path / "new.pub").replace(key.with_suffix(".pub"))
            elif how == "entry":
                gate.take(other="host: 127.0.0.1, user: x, auth: {method: agent}")
            else:
                gate.take(edge=entry(sshd, key, more="enabled: false"))
            assert (await running).outcome is Outcome.UNKNOWN
            await ended(client)
            record = await gate.until_record("tunnel.close", "its key or its host is not in force any more")
            assert record["host"] == "edge"
            send(int(pid.read_text()), signal.SIGKILL)


async def test_the_port_is_nobodys_so_who_listens_there_is_never_asked(sshd: Sshd, tmp_path: Path) -> None:
    port = free_port()
    key = device_key(tmp_path)
    seen: list[object] = []

    async def squat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(reader)
        writer.close()

    async with gateway(tmp_path, {"edge": entry(sshd, key, port=port)}) as gate:
        async with await asyncio.start_server(squat, "127.0.0.1", port):  # before the device comes
            with dialling(gate, key, *forward(sshd, port)):
                await gate.until_code("open")
        with dialling(gate, key, *forward(sshd, port)):
            await gate.until_code("open")
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
            async with await asyncio.start_server(squat, "127.0.0.1", port):  # and after
                [view] = gate.running.commands.sessions(ANN)
                await gate.running.commands.disconnect(ANN, view.host)
                assert await gate.code() == "open"
        assert seen == []


async def test_another_host_key_inside_of_the_tunnel_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open")
            assert (tmp_path / "state" / "known_hosts").read_text().startswith("edge ssh-ed25519 ")
            await gate.running.commands.disconnect(ANN, "edge")
            sshd.restart(new_host_key=True)
            with pytest.raises(HostKeyChangedError, match="the host key of edge has changed"):
                await gate.run("true")


async def test_a_device_is_a_jump_host_for_what_is_behind_it(sshd: Sshd, tmp_path: Path) -> None:
    key = device_key(tmp_path)
    behind = f"host: 127.0.0.1, port: {sshd.port}, user: {sshd.user}, jump: [edge]"
    hosts = {"edge": entry(sshd, key), "camera": f"{behind}, auth: {{method: key, key_path: {sshd.key_path}}}"}
    async with gateway(tmp_path, hosts) as gate:
        assert await gate.code("camera") == "tunnel_away"
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open", "camera")
            assert (await gate.run("echo behind", "camera")).stdout.head == b"behind\n"
        await gate.until_code("tunnel_away", "camera")


async def test_a_tunnel_with_nothing_behind_it_says_so(sshd: Sshd, tmp_path: Path) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, "-N", "-R", f"{PORT}:127.0.0.1:{free_port()}"):
            await gate.until_code("connect_failed")
            with pytest.raises(McpSshError, match=r"no SSH server answers behind its tunnel .*; nothing was sent"):
                await gate.run("true")


async def test_the_address_of_the_device_is_what_network_lists_judge(sshd: Sshd, tmp_path: Path) -> None:
    lists = "policy: {network: {allow_cidrs: [192.0.2.0/24]}}\n"
    async with edge(tmp_path, sshd, rest=lists) as (gate, key):
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("denied")
            with pytest.raises(McpSshError, match=r"127\.0\.0\.1 lies in none of the allowed networks"):
                await gate.run("true")
            assert gate.records("connect") == []
            gate.rest = lists.replace("192.0.2.0/24", "127.0.0.0/8")
            gate.take(**gate.hosts)
            assert await gate.code() == "open"
            assert [record["address"] for record in gate.records("connect")] == ["127.0.0.1"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are half of one."""
    monkeypatch.setattr(tunnels, "probe_s", 0.12)
    monkeypatch.setattr(tunnels, "answer_wait_s", 0.7)


@pytest.mark.usefixtures("hasty")
async def test_a_second_connection_of_a_device_waits_for_the_first_to_be_dead(sshd: Sshd, tmp_path: Path) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, *forward(sshd)) as first:
            await gate.until_code("open")
            second = ssh(gate, key, *forward(sshd), "edge@127.0.0.1")
            await ended(second)  # it asks to end where its port is not given
            assert await gate.until_record("tunnel.refused", "its tunnel from 127.0.0.1 stands and answers")
            assert await gate.code() == "open"
            pause(first.pid)
            with dialling(gate, key, *forward(sshd)):
                await until(lambda: len(gate.records("tunnel.open")) == 2, "it gets no place")
                await gate.until_code("open")
                assert await gate.until_record("tunnel.close", "not responding")


@pytest.mark.usefixtures("hasty")
async def test_a_device_that_fell_silent_is_found_out_by_whoever_dials(sshd: Sshd, tmp_path: Path) -> None:
    async with edge(tmp_path, sshd) as (gate, key):
        with dialling(gate, key, *forward(sshd)) as client:
            await gate.until_code("open")
            await gate.running.commands.disconnect(ANN, "edge")
            pause(client.pid)
            assert await gate.code() == "tunnel_away"  # and not connect_timeout


async def test_daemons_of_one_configuration_take_turns(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnellistener, "again_s", 0.05)
    key, port = device_key(tmp_path), free_port()
    hosts = {"edge": entry(sshd, key)}
    async with gateway(tmp_path, hosts, port=port):
        second = gateway(tmp_path, hosts, port=port)
        gate = await second.__aenter__()
        with pytest.raises(McpSshError, match=f"on 127.0.0.1, port {port}: Address already in use"):
            await gate.run("true")
    try:
        await until(lambda: _connects(port), "nobody listens there")
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open")
    finally:
        await second.__aexit__(None, None, None)


async def test_those_who_only_hold_a_place_make_room_for_a_device(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnellistener, "patience_s", 0.2)
    monkeypatch.setattr(tunnellistener, "most_logins", 5)
    async with edge(tmp_path, sshd) as (gate, key):
        idle = [await asyncio.open_connection("127.0.0.1", gate.port) for _ in range(12)]
        with dialling(gate, key, *forward(sshd)):
            await gate.until_code("open")
        for _, writer in idle:
            writer.close()


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
