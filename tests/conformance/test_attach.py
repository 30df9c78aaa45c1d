"""Clients that attach to the daemon of their user: by the real command, one process each."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.sshd import Sshd, until
from tests.support.stdio import Wire, command, configuration, environment, wire_to

pytestmark = pytest.mark.integration

PASSPHRASE = "correct-horse-battery"


class House:
    """A user's home: a configuration, and the folder of sockets."""

    def __init__(self, config: Path, sockets: Path) -> None:
        self.config = config
        self.sockets = sockets
        self.more = {"XDG_RUNTIME_DIR": str(self.sockets), "MCP_IDLE_EXIT": "600"}

    def attached(self, **more: str) -> contextlib.AbstractAsyncContextManager[Wire]:
        """A client, by hand."""
        return wire_to(self.config, "attach", **self.more, **more)

    def parameters(self) -> StdioServerParameters:
        """A client, for the SDK."""
        words = [*command(), "attach"]
        return StdioServerParameters(command=words[0], args=words[1:], env=environment(self.config, **self.more))

    def said(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """What a command says."""
        return subprocess.run(
            [*command(), "attach", *words],
            env=environment(self.config, **(self.more | more)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def daemons(self) -> list[int]:
        """The process ids of all daemons of this house."""
        found = []
        for name in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                environ = (name / "environ").read_bytes().split(b"\0")
                words = (name / "cmdline").read_bytes().split(b"\0")
                if f"XDG_RUNTIME_DIR={self.sockets}".encode() in environ and b"--serve" in words:
                    found.append(int(name.name))
        return found

    def socket(self) -> Path:
        """The socket of the one daemon."""
        [path] = (self.sockets / "mcp-ssh").glob("*.sock")
        return path

    def end(self) -> None:
        """End whatever daemon is left."""
        for pid in self.daemons():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


@pytest.fixture
def house(sshd: Sshd, tmp_path: Path, sockets: Path) -> Iterator[House]:
    """A house with `web` in its configuration."""
    it = House(configuration(tmp_path, sshd), sockets)
    yield it
    it.end()


@contextlib.asynccontextmanager
async def client_of(house: House, folder: Path) -> AsyncIterator[Client]:
    with (folder / "stderr").open("a") as log:
        async with Client(stdio_client(house.parameters(), errlog=log)) as client:
            yield client


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None, result
    content: dict[str, Any] = result.structured_content
    return content


async def test_one_leaves_and_the_shell_of_the_other_keeps_directory_and_variables(
    house: House, tmp_path: Path
) -> None:
    async with client_of(house, tmp_path) as stays:
        async with client_of(house, tmp_path) as leaves:
            left = await called(leaves, "ssh_shell", host="web", command="cd /usr; kept=of-the-one-who-left")
            await called(stays, "ssh_shell", host="web", command="cd /etc; mine=42")
        told = await called(stays, "ssh_shell", host="web", command='pwd; echo "$mine$kept"')
        assert told["stdout"] == "/etc\n42\n"
        handle = left["session"]
    async with client_of(house, tmp_path) as later:
        told = await called(later, "ssh_shell", host="web", command='pwd; echo "$kept"', session=handle)
    assert told["stdout"] == "/usr\nof-the-one-who-left\n"
    assert len(house.daemons()) == 1


async def test_twenty_long_commands_and_a_ping_beside_them(house: House, tmp_path: Path) -> None:
    async with client_of(house, tmp_path) as one, client_of(house, tmp_path) as two:
        await called(one, "ssh_run", host="web", command="true")
        began = time.monotonic()
        long = [asyncio.ensure_future(called(one, "ssh_run", host="web", command="sleep 3")) for _ in range(20)]
        await asyncio.sleep(0.5)
        for client in (one, two):
            await called(client, "ssh_ping")
            assert not any(task.done() for task in long)
        done = await asyncio.gather(*long)
    assert {each["exit_code"] for each in done} == {0}
    assert time.monotonic() - began < 30, "they ran beside each other"


async def test_clients_that_come_at_once_start_one_daemon(house: House) -> None:
    async def pings() -> str:
        async with house.attached() as wire:
            await wire.initialize()
            answer = await wire.call("ssh_ping")
            return str(answer["isError"])

    assert await asyncio.gather(*(pings() for _ in range(4))) == ["False"] * 4
    await asyncio.to_thread(until, lambda: len(house.daemons()) == 1, "more than one daemon")


async def test_the_socket_is_the_users_alone_and_gone_when_the_daemon_is(house: House) -> None:
    async with house.attached() as wire:
        await wire.initialize()
        path = house.socket()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert "ended" in (await asyncio.to_thread(house.said, "--stop")).stdout
        assert await wire.ended() == 1
        assert wire.process.stderr is not None
        assert b"the daemon has ended; attach again" in await wire.process.stderr.read()
    assert not path.exists()
    assert house.daemons() == []
    assert "no daemon runs" in (await asyncio.to_thread(house.said, "--stop")).stdout


async def test_a_daemon_that_was_killed_is_followed_by_another(house: House) -> None:
    async with house.attached() as wire:
        await wire.initialize()
        [first] = house.daemons()
        os.kill(first, signal.SIGKILL)
        assert await wire.ended() == 1
    assert house.socket().exists()
    async with house.attached() as wire:
        await wire.initialize()
        assert (await wire.call("ssh_ping"))["isError"] is False
    [second] = house.daemons()
    assert second != first


async def test_a_client_that_is_killed_leaves_a_daemon_that_serves_the_others(house: House) -> None:
    async with house.attached() as stays, house.attached() as dies:
        await stays.initialize()
        await dies.initialize()
        dies.post("tools/call", {"name": "ssh_run", "arguments": {"host": "web", "command": "sleep 30"}})
        await asyncio.sleep(0.5)
        dies.process.kill()
        listed = await stays.call("ssh_list_sessions")
        assert listed["structuredContent"]["sessions"][0]["host"] == "web"

        def is_idle() -> bool:
            return '"cancelled"' in (house.config.parent / "audit.log").read_text()

        await asyncio.to_thread(until, is_idle, "the command of the killed client went on")


async def test_the_daemon_ends_when_nobody_is_there_and_nothing_is_open(house: House) -> None:
    house.more["MCP_IDLE_EXIT"] = "1"
    async with house.attached() as wire:
        await wire.initialize()
        assert len(house.daemons()) == 1
        await asyncio.sleep(3)
        await wire.call("ssh_ping")
    await asyncio.to_thread(until, lambda: house.daemons() == [], "the daemon lingers")


async def test_secrets_belong_to_the_client_that_brought_them(sshd: Sshd, tmp_path: Path, sockets: Path) -> None:
    locked = tmp_path / "locked_key"
    locked.write_bytes(sshd.key_path.read_bytes())
    locked.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", locked], check=True, stdout=subprocess.DEVNULL
    )
    entry = (
        f"  locked: {{host: 127.0.0.1, port: {sshd.port}, user: {sshd.user}, "
        f"auth: {{method: key, key_path: {locked}, passphrase_env: KEY_WORDS}}}}"
    )
    house = House(configuration(tmp_path, sshd, rest=entry), sockets)
    run = {"host": "locked", "command": 'echo "in $PPID"'}
    try:
        async with house.attached(KEY_WORDS=PASSPHRASE) as one:
            await one.initialize()
            first = (await one.call("ssh_run", **run))["structuredContent"]
            assert first["exit_code"] == 0
            async with house.attached() as other:
                await other.initialize()
                refused = await other.call("ssh_run", **run)
                assert refused["isError"] is True
                assert "KEY_WORDS is not set" in refused["content"][0]["text"]
            async with house.attached(KEY_WORDS="a wrong one") as other:
                await other.initialize()
                refused = await other.call("ssh_run", **run)
                assert "passphrase does not open it" in refused["content"][0]["text"]
        async with house.attached(KEY_WORDS=PASSPHRASE) as again:
            await again.initialize()
            assert (await again.call("ssh_run", **run))["structuredContent"]["stdout"] == first["stdout"]
        [daemon] = house.daemons()
        assert PASSPHRASE not in Path(f"/proc/{daemon}/environ").read_bytes().decode()
        assert PASSPHRASE not in (tmp_path / "audit.log").read_text()
    finally:
        house.end()


async def test_who_is_configured_otherwise_has_another_daemon(house: House, tmp_path: Path) -> None:
    async with house.attached() as one, house.attached(MCP_AUDIT_LOG=str(tmp_path / "other.log")) as two:
        await one.initialize()
        await two.initialize()
        await two.call("ssh_run", host="web", command="echo apart")
    assert len(house.daemons()) == 2
    assert "echo apart" in (tmp_path / "other.log").read_text()
    assert "echo apart" not in (tmp_path / "audit.log").read_text()


async def test_a_token_bounds_who_attaches_with_it(house: House) -> None:
    made = subprocess.run(
        [*command(), "tokens", "create", "reader", "--permissions", "read"],
        env=environment(house.config, **house.more),
        capture_output=True,
        text=True,
        check=True,
    )
    [secret] = [word for word in made.stdout.split() if word.startswith("mcpssh_")]
    async with house.attached(MCP_TOKEN=secret) as wire:
        await wire.initialize()
        refused = await wire.call("ssh_run", host="web", command="id")
        assert refused["isError"] is True
        assert "may not execute" in refused["content"][0]["text"]
    refused_at_once = await asyncio.to_thread(house.said, MCP_TOKEN="x" * 40)
    assert refused_at_once.returncode == 1
    assert "MCP_TOKEN: is no token that is valid now" in refused_at_once.stderr


def test_a_daemon_that_cannot_start_says_why(house: House) -> None:
    house.config.write_text("hosts: {web: {host: 192.0.2.1}}")
    told = house.said()
    assert told.returncode == 1
    assert "hosts.web.auth: is required" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_folder_that_others_can_enter_holds_no_socket(house: House) -> None:
    (house.sockets / "mcp-ssh").mkdir(mode=0o755)
    (house.sockets / "mcp-ssh").chmod(0o755)
    told = house.said()
    assert told.returncode == 2
    assert "only you can enter" in told.stderr


async def test_another_user_is_turned_away_though_the_modes_let_him_in(house: House) -> None:
    """The kernel names the user at the other end, for the daemon and for the client."""
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    async with house.attached() as wire:
        await wire.initialize()
        path = house.socket()
        reach = f"""\
import json, os, socket, sys
os.chdir({str(path.parent)!r})
os.setuid(65534)
sock = socket.socket(socket.AF_UNIX)
sock.connect({path.name!r})
sock.settimeout(10)
try:
    sock.sendall(b'{{"environ": {{}}}}\\n')
    print(sock.recv(100))
except (ConnectionResetError, BrokenPipeError):
    print(b"")
"""
        path.parent.chmod(0o711)
        path.chmod(0o666)
        told = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", reach], capture_output=True, text=True, check=False, timeout=30
        )
        assert told.stdout == "b''\n", told.stderr
        assert '"client_refused"' in next(path.parent.glob("*.log")).read_text()
        assert (await wire.call("ssh_ping"))["isError"] is False


async def test_a_socket_of_another_user_is_told_nothing(house: House) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    async with house.attached() as wire:
        await wire.initialize()
        path = house.socket()
        await asyncio.to_thread(house.said, "--stop")
    false = f"""\
import os, socket
sock = socket.socket(socket.AF_UNIX)
sock.bind({str(path)!r})
os.setuid(65534)
sock.listen()
print("up", flush=True)
print(sock.accept()[0].recv(100), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", false], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        told = await asyncio.to_thread(house.said)
        assert told.returncode == 1
        assert "served by another user (uid 65534)" in told.stderr
        assert server.stdout.readline() == "b''\n"


def test_who_says_nothing_is_let_go(house: House) -> None:
    async def main() -> None:
        async with house.attached() as wire:
            await wire.initialize()
            with socket.socket(socket.AF_UNIX) as silent:
                silent.connect(str(house.socket()))
                silent.settimeout(15)
                assert await asyncio.to_thread(silent.recv, 1) == b""
            with socket.socket(socket.AF_UNIX) as odd:
                odd.connect(str(house.socket()))
                odd.sendall(b'["no", "hello"]\n')
                odd.settimeout(15)
                assert await asyncio.to_thread(odd.recv, 1) == b""
            assert (await wire.call("ssh_ping"))["isError"] is False

    asyncio.run(main())
