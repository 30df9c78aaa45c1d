"""An assistant's side of the demo: the official MCP client, which starts the server as any client would."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import TextContent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered: the text that a model reads."""

    text: str
    is_error: bool


class Assistant:
    """Calls tools."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def protocol(self) -> str:
        """The protocol version that client and server agreed on."""
        return str(self._client.protocol_version)

    async def call(self, tool: str, arguments: Mapping[str, object]) -> Answer:
        """Call a tool and wait for its answer."""
        result = await self._client.call_tool(tool, dict(arguments))
        texts = [block.text for block in result.content if isinstance(block, TextContent)]
        return Answer("\n".join(texts), bool(result.is_error))


@asynccontextmanager
async def assistant(command: Sequence[str], environment: Mapping[str, str], log: TextIO) -> AsyncIterator[Assistant]:
    """An assistant with a server of its own over stdio; the server's log goes to `log`."""
    server = StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(environment))
    async with Client(stdio_client(server, errlog=log), read_timeout_seconds=60) as client:
        yield Assistant(client)
