"""ssh_shell, ssh_send and ssh_read as a client sees them, on a scripted switch."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult

from mcp_ssh.face.server import mcp_server
from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.host import Shell
from tests.support.daemon import ANN, daemon
from tests.support.devices import DeviceTransport
from tests.support.hosts import host
from tests.support.secrets import SomeSecrets
from tests.unit.face.test_tools import ERAS, text_of

SECRETS = SomeSecrets({"SWITCH_ENABLE": "enable-secret-7"})
SWITCH = host("sw", shell=Shell.CLI, platform="cisco_ios", enable_env="SWITCH_ENABLE")


class Served(DeviceTransport):
    """Devices, with the server that leads to them."""

    server: Any = None


@asynccontextmanager
async def clients(count: int, era: str = "legacy", **changes: Any) -> AsyncIterator[tuple[list[Client], Served]]:
    """Clients of one server, each on a connection of its own."""
    transport = Served(switch("enable-secret-7"))
    async with (
        transport,
        daemon(SWITCH, transport=transport, secrets=SECRETS, **changes) as it,
        AsyncExitStack() as stack,
    ):
        server = transport.server = mcp_server(it.app, lambda: ANN.principal)
        yield [await stack.enter_async_context(Client(server, mode=era)) for _ in range(count)], transport


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    return await client.call_tool(tool, {"host": "sw", **arguments})


def fields(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return dict(result.structured_content)


@ERAS
async def test_the_way_into_configuration_and_back(era: str) -> None:
    async with clients(1, era) as ([client], transport):
        first = await call(client, "ssh_shell", command="show clock")
        assert text_of(first).startswith("sw [user]: done in ")
        done = await call(client, "ssh_shell", command="interface Gi0/1", mode="config")
        assert not done.is_error
        assert transport.devices[0].lines[-5:] == [
            "enable",
            "configure terminal",
            "interface Gi0/1",
            "end",
            "disable",
        ]
        assert fields(first)["session"] == fields(done)["session"]


@ERAS
async def test_a_question_is_answered_and_the_answer_tells_the_next_step(era: str) -> None:
    async with clients(1, era) as ([client], _):
        asked = await call(client, "ssh_shell", command="enable")
        assert fields(asked)["outcome"] == "waiting_input"
        assert "it asks for a secret: Password:" in text_of(asked)
        assert "answer with ssh_send, or leave it with ssh_send key ctrl-c" in text_of(asked)
        answered = await call(client, "ssh_send", secret="SWITCH_ENABLE")
        assert fields(answered)["mode"] == "privileged"
        assert "enable-secret-7" not in text_of(answered)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one of text, key and secret"),
        ({"text": "y", "key": "ctrl-c"}, "exactly one of text, key and secret"),
        ({"text": "y\nreload"}, "control character"),
        ({"key": "ctrl-q"}, "key: input should be"),
        ({"text": "y"}, "no shell is open there"),
        ({"text": "y", "session": "s-nothing"}, "sw has no shell 's-nothing'"),
        ({"key": "ctrl-c", "session": "r-nothing"}, "unknown handle 'r-nothing'"),
    ],
)
async def test_what_cannot_be_said_is_told_and_nothing_is_sent(arguments: dict[str, Any], words: str) -> None:
    async with clients(1) as ([client], transport):
        result = await call(client, "ssh_send", **arguments)
        assert result.is_error
        assert words in text_of(result)
        assert "nothing was sent" in text_of(result)
        assert transport.devices == []


async def test_a_client_that_leaves_takes_nothing_of_another_with_it() -> None:
    async with clients(1) as ([other], transport):
        await call(other, "ssh_shell", command="show clock")
        async with Client(transport.server) as one:
            await call(one, "ssh_shell", command="enable")
            await call(one, "ssh_send", secret="SWITCH_ENABLE")
            mine = await call(one, "ssh_shell", command="configure terminal")
            assert fields(mine)["mode"] == "config"
            assert fields(await call(other, "ssh_shell", command="show clock"))["mode"] == "user"
        assert fields(await call(other, "ssh_shell", command="show clock"))["mode"] == "user"
        assert len(transport.devices) == 2


async def test_a_further_shell_has_a_handle_that_others_are_given() -> None:
    async with clients(1) as ([client], transport):
        opened = await call(client, "ssh_connect", new_shell=True)
        handle = fields(opened)["shell"]
        assert f"with shell {handle}: give it to ssh_shell as `session`" in text_of(opened)
        await call(client, "ssh_shell", command="show clock", session=handle)
        await call(client, "ssh_shell", command="show clock")
        assert len(transport.devices) == 2
        sessions = fields(await client.call_tool("ssh_list_sessions", {}))["sessions"]
        own = {row["shell"] for row in sessions}
        assert handle in own
        assert len(own) == 2
        closed = await call(client, "ssh_disconnect", session=handle)
        assert len(fields(closed)["closed"]) == 1


async def test_a_command_that_goes_on_is_read_and_stopped() -> None:
    async with clients(1) as ([client], _):
        await call(client, "ssh_shell", command="show clock")
        running = await call(client, "ssh_shell", command="ping 192.0.2.9", reply_within=0.5, timeout=30)
        handle = fields(running)["handle"]
        assert fields(running)["outcome"] == "running"
        assert f"ssh_read {handle}" in text_of(running)
        read = await client.call_tool("ssh_read", {"handle": handle})
        assert "Type escape sequence to abort." in fields(read)["text"]
        assert fields(read)["outcome"] == "running"
        stopped = await call(client, "ssh_send", key="ctrl-c")
        assert fields(stopped)["outcome"] == "interrupted"
        task = await client.call_tool("ssh_task", {"task": handle})
        assert fields(task)["state"] == "cancelled"


@ERAS
async def test_a_client_that_asks_for_progress_hears_of_a_command_that_goes_on(era: str) -> None:
    heard: list[tuple[float, str | None]] = []

    async def hears(progress: float, total: float | None, message: str | None) -> None:
        del total
        heard.append((progress, message))

    async with clients(1, era, task_progress_interval_s=0.1) as ([client], _):
        arguments = {"host": "sw", "command": "ping 192.0.2.9", "reply_within": 1.5, "timeout": 30}
        await client.call_tool("ssh_shell", arguments, progress_callback=hears)
        assert len(heard) > 5
        assert [progress for progress, _ in heard] == sorted(progress for progress, _ in heard)
        assert (heard[-1][1] or "").endswith(" bytes: Sending 5, 100-byte ICMP Echos")
        await call(client, "ssh_send", key="ctrl-c")
