"""Whole devices at the edge: in a network of their own, of the dropbear kind, in great number, and again and again."""

import asyncio
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from mcp import Client

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.transport import throttle, tunnelkeeper, tunnels
from mcp_ssh.transport.tunnelgate import most_keys, most_wishes
from tests.support.daemon import ANN
from tests.support.edges import PORT, Gateway, device_key, dialling, end, entry, forward, gateway
from tests.support.netns import Namespace, namespace
from tests.support.parts import require
from tests.support.sshd import Sshd, sftp_server
from tests.support.waiting import until

pytestmark = pytest.mark.integration

MANY = 200


@contextmanager
def sshd_in(net: Namespace, folder: Path) -> Iterator[Sshd]:
    """A server that only those in the namespace reach."""
    server = Sshd(folder, extra=[sftp_server()])
    with server:
        pass  # its keys and its configuration are there now
    process = subprocess.Popen(
        [*net.inside, require("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL
    )
    try:
        yield server
    finally:
        end(process)


async def test_commands_shells_and_files_go_through_the_tunnel_of_a_device_that_cannot_be_reached(
    tmp_path: Path,
) -> None:
    with namespace() as net, sshd_in(net, tmp_path / "sshd") as server:
        key = device_key(tmp_path)
        async with gateway(tmp_path, {"edge": entry(server, key)}, address=net.here) as gate:
            with dialling(gate, key, *forward(server), before=net.inside):
                await gate.until_code("open")
                async with Client(mcp_server(gate.running, lambda: ANN.principal)) as client:
                    connected = await asked(client, "ssh_connect")
                    assert connected["address"] == net.there
                    told = await asked(client, "ssh_run", command="ip -4 -o addr show")
                    assert f"inet {net.there}/30" in told["stdout"]
                    await asked(client, "ssh_shell", command="cd /usr/share")
                    assert (await asked(client, "ssh_shell", command="pwd"))["stdout"].strip() == "/usr/share"
                    path = str(tmp_path / "note")
                    await asked(client, "ssh_write_file", path=path, content="by SFTP\n")
                    assert (await asked(client, "ssh_read_file", path=path))["content"] == "by SFTP\n"
            assert gate.records("tunnel.open")[0]["address"] == net.there


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, {"host": "edge", **arguments})
    assert not answer.is_error, answer
    assert answer.structured_content is not None
    return dict(answer.structured_content)


async def test_a_router_dials_in_with_dropbear(sshd: Sshd, tmp_path: Path) -> None:
    make, program = require("dropbearkey"), require("dbclient")
    key = tmp_path / "router"
    made = subprocess.run([make, "-t", "ed25519", "-f", str(key)], check=True, capture_output=True, text=True)
    line = next(each for each in made.stdout.splitlines() if each.startswith("ssh-ed25519 "))
    key.with_suffix(".pub").write_text(line + "\n")
    async with gateway(tmp_path, {"edge": entry(sshd, key)}) as gate:
        process = subprocess.Popen(
            [
                *(program, "-y", "-y", "-N", "-T", "-K", "15", "-i", str(key)),
                *("-R", f"{PORT}:127.0.0.1:{sshd.port}", "-p", str(gate.port), "router@127.0.0.1"),
            ],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await gate.until_code("open")
            assert (await gate.run("echo by dropbear")).stdout.head == b"by dropbear\n"
        finally:
            end(process)


@asynccontextmanager
async def client(gate: Gateway, *keys: asyncssh.SSHKey) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A client without a process of its own."""
    async with asyncssh.connect(
        "127.0.0.1", gate.port, config=None, known_hosts=None, client_keys=list(keys), username="d", agent_path=None
    ) as connection:
        yield connection


@asynccontextmanager
async def in_process(gate: Gateway, key: asyncssh.SSHKey, port: int, to: int) -> AsyncIterator[None]:
    """A device that has dialled in."""
    async with (
        client(gate, key) as connection,
        await connection.forward_remote_port("127.0.0.1", port, "127.0.0.1", to),
    ):
        yield


async def test_a_device_that_goes_on_asking_for_what_it_may_not_is_put_out(sshd: Sshd, tmp_path: Path) -> None:
    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key")}) as gate, client(gate, key) as device:
        for _ in range(most_wishes):
            with pytest.raises(asyncssh.ChannelOpenError):
                await device.open_connection("127.0.0.1", 22)
        await device.wait_closed()


async def test_a_client_with_many_keys_is_put_out_and_all_of_them_are_written_down(sshd: Sshd, tmp_path: Path) -> None:
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(most_keys + 2)]
    async with gateway(tmp_path, {}) as gate:
        with pytest.raises(asyncssh.DisconnectError):
            async with client(gate, *keys):
                pass
        state = tmp_path / "state" / "devices.json"
        await until(
            lambda: state.exists() and state.read_text().count("fingerprint") == most_keys, "they are not there"
        )


async def test_a_device_that_asks_for_nothing_does_not_stay(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnelkeeper, "wish_wait_s", 0.1)
    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key")}) as gate:
        async with client(gate, key) as device:
            await device.wait_closed()
        await gate.until_record("tunnel.refused", "asked for nothing within 0.1 s")


async def test_an_address_that_fails_too_often_is_not_heard_for_a_while(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "most_failures", 2)
    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key")}) as gate:
        for _ in range(2):
            with pytest.raises(asyncssh.PermissionDenied):
                async with client(gate, asyncssh.generate_private_key("ssh-ed25519")):
                    pass
        with pytest.raises((asyncssh.Error, OSError)):
            async with client(gate, key):
                pass
        record = await gate.until_record("auth", "too many failed logins from there")
        assert (record["address"], record["decision"]) == ("127.0.0.1", "deny")


async def test_who_only_looks_whether_somebody_is_there_is_nobody(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "most_failures", 2)
    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key")}) as gate:
        for _ in range(4):  # as what watches a port does
            reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
            assert (await reader.readline()).startswith(b"SSH-2.0-")
            writer.close()
            await writer.wait_closed()
        async with in_process(gate, key, PORT, sshd.port):
            assert await gate.code() == "open"
        assert gate.records("auth") == []


async def test_the_device_of_a_disabled_host_is_told_apart_from_a_stranger(sshd: Sshd, tmp_path: Path) -> None:
    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key", more="enabled: false")}) as gate:
        with pytest.raises(asyncssh.PermissionDenied):
            async with client(gate, key):
                pass
        await gate.until_record("auth", "the key's host is disabled, or shares it")
    assert not (tmp_path / "state" / "devices.json").exists()


async def test_there_are_no_more_tunnels_than_files_that_may_be_open(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(tunnels, "kept_descriptors", soft - 1)
    keys = [asyncssh.read_private_key(device_key(tmp_path, name)) for name in ("first", "second")]
    hosts = {name: entry(sshd, tmp_path / name, port=port) for name, port in (("first", PORT), ("second", 22_223))}
    async with gateway(tmp_path, hosts) as gate, in_process(gate, keys[0], PORT, sshd.port):
        async with client(gate, keys[1]) as device:
            with pytest.raises(asyncssh.ChannelListenError):
                await device.forward_remote_port("127.0.0.1", 22_223, "127.0.0.1", sshd.port)
        await gate.until_record("tunnel.refused", "1 tunnels stand already")
        assert (await gate.code("first"), await gate.code("second")) == ("open", "tunnel_away")


async def test_where_nothing_can_be_recorded_no_tunnel_stands(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise AuditUnavailableError("the disk is full")

    key = asyncssh.read_private_key(device_key(tmp_path))
    async with gateway(tmp_path, {"edge": entry(sshd, tmp_path / "device_key")}) as gate:
        monkeypatch.setattr("mcp_ssh.audit.disk.sink.AuditLog.append", full)
        async with client(gate, key) as device:
            with pytest.raises(asyncssh.ChannelListenError):
                await device.forward_remote_port("127.0.0.1", PORT, "127.0.0.1", sshd.port)
        monkeypatch.undo()
        assert await gate.code() == "tunnel_away"


async def test_many_tunnels_stand_at_once_and_each_is_its_own_host(sshd: Sshd, tmp_path: Path) -> None:
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(MANY)]
    for number, key in enumerate(keys):
        key.write_public_key(tmp_path / f"{number}.pub")
    hosts = {f"d{number}": entry(sshd, tmp_path / str(number), port=20_000 + number) for number in range(MANY)}
    async with gateway(tmp_path, hosts) as gate, AsyncExitStack() as devices:
        await asyncio.gather(
            *(
                devices.enter_async_context(in_process(gate, key, 20_000 + number, sshd.port))
                for number, key in enumerate(keys)
            )
        )
        assert len({record["host"] for record in gate.records("tunnel.open")}) == MANY
        assert await gate.code("d0") == await gate.code(f"d{MANY - 1}") == "open"


async def test_restarts_of_both_ends_leave_nothing_behind(sshd: Sshd, tmp_path: Path) -> None:
    key = device_key(tmp_path)
    private = asyncssh.read_private_key(key)
    before: list[set[str]] = []
    for _ in range(11):
        async with gateway(tmp_path, {"edge": entry(sshd, key)}) as gate:
            async with in_process(gate, private, PORT, sshd.port):
                assert await gate.code() == "open"
            await gate.until_code("tunnel_away")
            async with in_process(gate, private, PORT, sshd.port):
                assert await gate.code() == "open"
                tasks = len(asyncio.all_tasks())
        await until(lambda most=tasks: len(asyncio.all_tasks()) < most, "tasks are left")  # type: ignore[misc]
        before.append(descriptors())
        assert not listens(gate.port)
    await until(lambda: len(descriptors()) <= len(before[0]), f"{before[0]} became {descriptors()}")
    assert len(asyncio.all_tasks()) == 1


def descriptors() -> set[str]:
    """What is open in this process, but for the folder that is being read."""
    folder = Path("/proc/self/fd")
    return {f"{path.name} {path.readlink()}" for path in folder.iterdir() if path.exists() or path.is_symlink()}


def listens(port: int) -> bool:
    """Whether somebody listens on that port (proc(5), net/tcp: state 0A)."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)
