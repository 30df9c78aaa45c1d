"""Whole devices at the edge: in a network of their own, of the dropbear kind, in great number, and again and again."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from mcp import Client

from mcp_ssh.face.server import mcp_server
from tests.support.daemon import ANN
from tests.support.edges import PORT, Gateway, device_key, dialling, end, entry, forward, gateway, until
from tests.support.netns import Namespace, namespace
from tests.support.parts import require
from tests.support.sshd import Sshd, sftp_server

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
    make, client = require("dropbearkey"), require("dbclient")
    key = tmp_path / "router"
    made = subprocess.run([make, "-t", "ed25519", "-f", str(key)], check=True, capture_output=True, text=True)
    line = next(each for each in made.stdout.splitlines() if each.startswith("ssh-ed25519 "))
    key.with_suffix(".pub").write_text(line + "\n")
    async with gateway(tmp_path, {"edge": entry(sshd, key)}) as gate:
        process = subprocess.Popen(
            [
                *(client, "-y", "-y", "-N", "-T", "-K", "15", "-i", str(key)),
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
async def in_process(gate: Gateway, key: asyncssh.SSHKey, port: int, to: int) -> AsyncIterator[None]:
    """A device without a process of its own."""
    async with (
        asyncssh.connect(
            "127.0.0.1", gate.port, config=None, known_hosts=None, client_keys=[key], username="d", agent_path=None
        ) as connection,
        await connection.forward_remote_port("127.0.0.1", port, "127.0.0.1", to),
    ):
        yield


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
            for _ in range(2):
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
