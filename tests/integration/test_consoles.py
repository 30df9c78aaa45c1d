"""Hosts behind a program of this machine: a router's command line over telnet, and one without any network."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.client import Client

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.errors import ConnectionFailedError, McpSshError, NeedsPtyError
from mcp_ssh.model.host import Auth, AuthMethod, Host, Shell, Way
from mcp_ssh.model.result import Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Connection, Pty
from mcp_ssh.transport.console import CommandTransport
from mcp_ssh.transport.ways import Ways
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.registry import known, profile_for
from tests.contract.test_transport import Ear
from tests.support.daemon import ANN, daemon
from tests.support.hosts import host, settings
from tests.support.parts import require
from tests.support.posix import command
from tests.support.routers import bird, zebra_on_telnet
from tests.support.secrets import NoSecrets, SomeSecrets
from tests.support.sshd import descendants, processes_with, until

pytestmark = pytest.mark.integration
PROFILES = known()
PASSWORD = "letmein"


@pytest.fixture
def telnet(tmp_path: Path) -> Iterator[Host]:
    with zebra_on_telnet(password=PASSWORD, enable="up") as port:
        yield console("frr", require("busybox"), "telnet", "127.0.0.1", str(port))


def console(platform: str, *words: str) -> Host:
    auth = Auth(AuthMethod.PASSWORD, password_env="CORE")
    return host("core", user="ann", auth=auth, shell=Shell.CLI, platform=platform, way=Way.COMMAND, command=words)


@asynccontextmanager
async def driver(where: Host, password: str = PASSWORD, enable: str | None = None) -> AsyncIterator[CliDriver]:
    before = children()
    connection = await CommandTransport(os.environ).connect(where, [], NoSecrets())
    secret = None if enable is None else (lambda: Secret(enable))
    login = {"user": where.user, "password": password}
    try:
        yield CliDriver(connection, profile_for(where, PROFILES), where.charset, secret, lambda: login)
    finally:
        await connection.close()
    until(lambda: children() == before, "a program is left behind")


def children() -> list[int]:
    return descendants(os.getpid())


async def test_a_router_over_telnet_is_logged_in_to_and_commanded(telnet: Host) -> None:
    async with driver(telnet) as router:
        result = await router.run(command("show version"))
        assert result.outcome is Outcome.COMPLETED
        assert result.stdout.head.startswith(b"FRRouting ")
        assert PASSWORD.encode() not in result.stdout.head
        assert (await router.run(command("shwo"))).device_error == "% [ZEBRA] Unknown command: shwo"


async def test_assistants_reach_it_as_any_other_host(telnet: Host) -> None:
    ways = Ways(settings(), os.environ)
    async with (
        daemon(telnet, transport=ways, secrets=SomeSecrets({"CORE": PASSWORD})) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy") as client,
    ):
        connected = await client.call_tool("ssh_connect", {"host": "core"})
        assert not connected.is_error, connected.content
        assert connected.structured_content is not None
        assert connected.structured_content["address"].endswith(telnet.command[-1])  # a program has no port of SSH
        result = await client.call_tool("ssh_run", {"host": "core", "command": "show version"})
    assert result.structured_content is not None
    assert result.structured_content["stdout"].startswith("FRRouting ")
    assert "busybox telnet" in str(next(each for each in it.audit.records if each["event"] == "connect"))


async def test_its_privileged_mode_is_entered_with_the_secret_for_it(telnet: Host) -> None:
    async with driver(telnet, enable="up") as router:
        result = await router.run(command("show running-config"))
        long = await router.run(command("list"))
    assert result.outcome is long.outcome is Outcome.COMPLETED
    assert long.stdout.head.count(b"\n") > 100
    assert b"More" not in long.stdout.head
    assert b"hostname core" in result.stdout.head


async def test_a_wrong_password_is_told_and_given_once(telnet: Host) -> None:
    async with driver(telnet, password="guess") as router:
        with pytest.raises(McpSshError) as caught:
            await router.run(command("show version", timeout_s=6))
    assert not caught.value.sent
    assert "guess" not in str(caught.value)


async def test_a_program_without_a_network_is_a_console_as_well(tmp_path: Path) -> None:
    with bird(tmp_path) as socket:
        where = console("bird", require("birdc"), "-s", str(socket))
        async with driver(where) as router:
            result = await router.run(command("show status"))
    assert b"BIRD" in result.stdout.head


async def test_what_cannot_be_started_is_told_before_anything_ran() -> None:
    async with driver(console("frr", "/nowhere/telnet", "core")) as router:
        with pytest.raises(ConnectionFailedError) as caught:
            await router.run(command("show version"))
    assert "/nowhere/telnet" in str(caught.value)
    assert not caught.value.sent


async def test_a_program_that_ends_at_once_is_told(tmp_path: Path) -> None:
    async with driver(console("frr", "/bin/sh", "-c", "echo no route; exit 1")) as router:
        with pytest.raises(McpSshError) as caught:
            await router.run(command("show version"))
    assert not caught.value.sent


async def test_a_program_that_nobody_waits_for_any_more_is_ended_as_soon_as_it_stands() -> None:
    connection = await CommandTransport(os.environ).connect(console("frr", "/bin/sleep", "60.25"), [], NoSecrets())
    opening = asyncio.create_task(connection.open_shell(Pty("xterm", 80, 24), Ear()))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    ear = Ear()
    opening = asyncio.create_task(connection.open_shell(Pty("xterm", 80, 24), ear))
    await asyncio.sleep(0)
    assert ear.channel is not None
    ear.channel.close()
    await opening
    assert ear.over.is_set()
    await connection.close()
    async with asyncio.timeout(5):
        while processes_with("sleep\x0060.25"):
            await asyncio.sleep(0.05)


async def test_a_console_runs_nothing_outside_of_its_terminal() -> None:
    connection: Connection = await CommandTransport(os.environ).connect(console("frr", "/bin/sh"), [], NoSecrets())
    with pytest.raises(NeedsPtyError):
        await ExecDriver(connection).run(command("id"))
    await connection.close()


async def test_the_program_sees_none_of_our_environment() -> None:
    environ = {"PATH": "/bin:/usr/bin", "MCP_SSH_SECRET_CORE": "hidden", "SSH_AUTH_SOCK": "/x"}
    where = host(shell=Shell.CLI, prompt_regex=r"ready>", way=Way.COMMAND, command=("/bin/sh", "-c", PRINTS))
    connection = await CommandTransport(environ).connect(where, [], NoSecrets())
    result = await CliDriver(connection, profile_for(where, PROFILES)).run(command("show"))
    await connection.close()
    assert b"PATH=" in result.stdout.head
    assert b"hidden" not in result.stdout.head
    assert b"SSH_AUTH_SOCK" not in result.stdout.head


PRINTS = "while printf 'ready>'; do read line || exit; env; done"
