"""Log messages of tasks, for clients of the 2025 era."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client

from mcp_ssh.face.server import GuidedServer, mcp_server
from mcp_ssh.model.principal import Principal, Via
from tests.support.daemon import ANN, daemon
from tests.support.memory import MemoryChannel, MemoryTransport, answers, hangs

pytestmark = pytest.mark.filterwarnings("ignore:.*logging:mcp.shared.exceptions.MCPDeprecationWarning")

Heard = list[tuple[str, str, str]]
"""Task, event and level."""
BOB = Principal("stdio:bob", Via.STDIO)


@asynccontextmanager
async def hearing(server: GuidedServer, heard: Heard, era: str = "legacy") -> AsyncIterator[Client]:
    async def handler(message: Any) -> None:
        if getattr(message, "method", "") == "notifications/message":
            data = message.params.data
            heard.append((data["task"], data["event"], message.params.level))

    async with Client(server, mode=era, message_handler=handler) as client:
        await client.list_tools()  # the client is there by now
        yield client


async def until(heard: Heard, count: int) -> None:
    async with asyncio.timeout(5):
        while len(heard) < count:
            await asyncio.sleep(0.005)


async def started(client: Client, command: str) -> str:
    result = await client.call_tool("ssh_run_async", {"host": "web", "command": command})
    assert result.structured_content is not None
    return str(result.structured_content["task"])


def by_its_name(channel: MemoryChannel) -> None:
    match channel.command.rpartition("\n")[2] if "\n" in channel.command else channel.command:
        case text if "fine" in text:
            answers(b"ok\n")(channel)
        case text if "killed" in text:
            channel.exits(signal="KILL")
        case _:
            hangs(channel)


async def test_a_client_hears_of_its_tasks_when_they_are_created_and_how_they_end() -> None:
    heard: Heard = []
    async with daemon(transport=MemoryTransport(by_its_name)) as it:
        async with hearing(mcp_server(it.app, lambda: ANN.principal), heard) as client:
            fine = await started(client, "echo fine")
            await until(heard, 2)
            killed = await started(client, "echo killed")
            await until(heard, 4)
            hung = await started(client, "make")
            await client.call_tool("ssh_cancel", {"task": hung})
            await until(heard, 6)
        assert heard == [
            (fine, "created", "info"),
            (fine, "completed", "info"),
            (killed, "created", "info"),
            (killed, "failed", "warning"),
            (hung, "created", "info"),
            (hung, "cancelled", "info"),
        ]
        assert it.app.tasks.listeners == []  # nothing is left of a client that has gone


async def test_nobody_hears_of_the_tasks_of_others_and_everybody_from_the_level_on_that_he_wants() -> None:
    bobs: Heard = []
    anns: Heard = []
    async with (
        daemon(transport=MemoryTransport(by_its_name)) as it,
        hearing(mcp_server(it.app, lambda: BOB), bobs),
        hearing(mcp_server(it.app, lambda: ANN.principal), anns) as ann,
    ):
        await ann.set_logging_level("warning")
        await started(ann, "echo fine")
        killed = await started(ann, "echo killed")
        await until(anns, 1)
        await ann.list_tools()
        assert anns == [(killed, "failed", "warning")]
        assert bobs == []


async def test_a_client_of_the_later_era_hears_none_and_is_offered_none() -> None:
    heard: Heard = []
    async with (
        daemon(transport=MemoryTransport(by_its_name)) as it,
        hearing(mcp_server(it.app, lambda: ANN.principal), heard, "2026-07-28") as client,
    ):
        assert client.server_capabilities is not None
        assert client.server_capabilities.logging is None
        await started(client, "echo fine")
        await client.list_tools()
        assert heard == []
