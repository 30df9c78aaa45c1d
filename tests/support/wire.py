"""A server in the loop of the test, spoken to message by message: for revisions that no client of the SDK speaks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from mcp.server.mcpserver import MCPServer

from mcp_ssh.face.stdio import decoded, serve_lines


class InnerWire:
    """Both ends of the conversation. `heard` are all messages that came; nothing is read while `holds` is not set."""

    def __init__(self) -> None:
        self.lines = asyncio.StreamReader(limit=2**24)
        self.heard: list[dict[str, Any]] = []
        self.holds = asyncio.Event()
        self.holds.set()
        self._news = asyncio.Event()
        self._number = 0

    async def write(self, text: str) -> None:
        await self.holds.wait()
        self.heard += [json.loads(line) for line in text.splitlines()]
        self._news.set()

    async def flush(self) -> None:
        pass

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request."""
        number = self.post(method, params)
        return await self.until(lambda message: message.get("id") == number)

    async def until(self, fits: Any) -> dict[str, Any]:
        """The first message that fits, however long ago it came."""
        async with asyncio.timeout(10):
            while True:
                self._news.clear()
                for message in self.heard:
                    if fits(message):
                        return message
                await self._news.wait()

    def post(self, method: str, params: dict[str, Any]) -> int:
        """Send a request without waiting."""
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    async def initialize(self, version: str) -> dict[str, Any]:
        """Shake hands in that revision."""
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        answer = await self.request("initialize", hello)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        self.lines.feed_data(json.dumps(message).encode() + b"\n")


@contextlib.asynccontextmanager
async def wire_in(server: MCPServer[Any]) -> AsyncIterator[InnerWire]:
    """A wire to a server; the server sees its end when the context ends."""
    wire = InnerWire()
    serving = asyncio.ensure_future(serve_lines(server, decoded(wire.lines), wire))
    try:
        yield wire
    finally:
        wire.lines.feed_eof()
        async with asyncio.timeout(10):
            await serving
