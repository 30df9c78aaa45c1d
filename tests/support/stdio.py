"""The server as a process, spoken to over its pipes: by hand, or by the SDK's client."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp import StdioServerParameters

from tests.support.sshd import Sshd


def configuration(folder: Path, server: Sshd, *, audit_log: str | None = None, rest: str = "") -> Path:
    """A hosts.yaml with the lab's sshd as `web`."""
    path = folder / "hosts.yaml"
    path.write_text(f"""\
hosts:
  web:
    host: 127.0.0.1
    port: {server.port}
    user: {server.user}
    auth: {{method: key, key_path: {server.key_path}}}
{rest}
settings:
  state_dir: {folder}/state
  known_hosts: []
  audit_log: {audit_log or folder / "audit.log"}
""")
    return path


def command() -> list[str]:
    """How the server is started."""
    return [sys.executable, "-m", "mcp_ssh"]


def environment(config: Path, **more: str) -> dict[str, str]:
    """The environment of a client's child."""
    return {"PATH": os.environ["PATH"], "HOME": str(config.parent), "MCP_SSH_CONFIG": str(config), **more}


def parameters(config: Path) -> StdioServerParameters:
    """For the SDK's client."""
    return StdioServerParameters(command=command()[0], args=command()[1:], env=environment(config))


class Wire:
    """A server's pipes, with nothing between the test and the bytes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._number = 0
        self.lines: list[bytes] = []

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer; every line on the way must be JSON-RPC."""
        number = self.post(method, params)
        while True:
            message = await self.receive()
            if message.get("id") == number:
                return message

    def post(self, method: str, params: dict[str, Any]) -> int:
        """Send a request without waiting."""
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params or {}})

    async def initialize(self) -> dict[str, Any]:
        """Shake hands as clients of the session era do."""
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        answer = await self.request("initialize", hello)
        self.notify("notifications/initialized")
        return answer

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; gives its result."""
        answer = await self.request("tools/call", {"name": tool, "arguments": arguments})
        result: dict[str, Any] = answer["result"]
        return result

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            line = await self.process.stdout.readline()
        assert line, "the server closed its stdout"
        self.lines.append(line)
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def ended(self, seconds: float = 10) -> int:
        """The exit code."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")


@contextlib.asynccontextmanager
async def wire_to(config: Path, *words: str, **more: str) -> AsyncIterator[Wire]:
    """A server process; ended with the context if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *command(),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(config, **more),
        cwd=config.parent,
        limit=2**24,
    )
    try:
        yield Wire(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # pipes that nobody reads to their end
