"""A server while it is measured: spoken to over its pipes by the SDK's own client, as an assistant would."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from bench.peers.peer import Peer, Place, Way
from tests.support.sshd import Sshd

answer_wait_s = 30.0
expected: Mapping[str, str] = {"echo hi": "hi", "uname -a": os.uname().release}
"""The commands, and a word that stands in the output of each."""


@dataclass
class Running:
    """A server that has answered `initialize`, `start_s` seconds after it was spawned."""

    peer: Peer
    session: ClientSession
    start_s: float
    begun: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def warm(self, calls: int) -> None:
        """Let each way open what it keeps open, and run some commands."""
        for way in self.peer.ways:
            self.begun[way.tool] = await way.begun(self.session)
            for _ in range(calls):
                for command in expected:
                    await self.call(way, command)

    async def call(self, way: Way, command: str) -> float:
        """Milliseconds of one call. Raises `RuntimeError` where the output is not in the answer."""
        arguments = {**self.begun[way.tool], **way.arguments(command)}
        began = time.perf_counter()
        async with asyncio.timeout(answer_wait_s):
            answer = await self.session.call_tool(way.tool, arguments)
        took_ms = (time.perf_counter() - began) * 1e3
        text = answer.model_dump_json()
        if answer.is_error or not is_answered(text, command):
            raise RuntimeError(f"{self.peer.name}: {way.tool} answers {command!r} by {text[:2_000]}")
        return took_ms

    async def empty(self) -> float:
        """Milliseconds of a call that touches nothing; of our own server."""
        began = time.perf_counter()
        await self.session.call_tool("ssh_ping", {})
        return (time.perf_counter() - began) * 1e3

    async def tools_chars(self) -> int:
        """Characters of what `tools/list` answers: each assistant reads them in each conversation."""
        tools = (await self.session.list_tools()).tools
        return sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in tools)


def is_answered(text: str, command: str) -> bool:
    """Whether the output of the command stands in the answer, beside the command itself."""
    return re.search(rf"\b{re.escape(expected[command])}\b", text.replace("\\n", " ").replace(command, "")) is not None


@asynccontextmanager
async def started(peer: Peer, folder: Path, server: Sshd) -> AsyncIterator[Running]:
    """The server in a home folder of its own; its end is waited for."""
    home = folder / peer.name
    home.mkdir(exist_ok=True)
    start = peer.configured(Place(home, server), str(peer.path))
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), **start.environ}
    words = StdioServerParameters(command=start.words[0], args=[*start.words[1:]], env=environ, cwd=home)
    began = time.perf_counter()
    with (home / "stderr").open("a") as log:
        async with stdio_client(words, errlog=log) as streams, ClientSession(*streams) as session:
            async with asyncio.timeout(answer_wait_s):
                await session.initialize()
            yield Running(peer, session, time.perf_counter() - began)
