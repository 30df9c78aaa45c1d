"""The product on a device's command line: its stateless driver, with the time noted that it waits at a prompt."""

import time
from typing import Any
from unittest import mock

from bench.clients.client import Target
from bench.clients.ours import command_of, connected, host_of
from mcp_ssh.model.host import Shell
from mcp_ssh.model.result import Outcome
from mcp_ssh.ports import Connection, Stream
from mcp_ssh_drivers import clishell
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.registry import known, profile_for


class OurCli:
    """`settled_s` is what the last command waited, after its last byte, for more to come behind the prompt."""

    def __init__(self, target: Target, platform: str, **changes: Any) -> None:  # noqa: ANN401  fields of a host
        host = host_of(target, shell=Shell.CLI, platform=platform, **changes)
        self._target = target
        self._profile = profile_for(host, known())
        self._connection: Connection | None = None
        self._driver: CliDriver | None = None
        self._terminals: list[_Terminal] = []

    async def open(self) -> None:
        """Log in; the shell itself is opened by the first command."""
        self._connection = await connected(self._target)
        self._driver = CliDriver(self._connection, self._profile)

    async def run(self, command: str) -> bytes:
        """What it printed."""
        assert self._driver is not None  # noqa: S101  open was called
        if self._terminals:
            self._terminals[-1].settled_s = 0.0
        with mock.patch.object(clishell, "PtyDriver", self._terminal):
            result = await self._driver.run(command_of(command))
        if result.outcome is not Outcome.COMPLETED or result.device_error is not None:
            raise RuntimeError(f"{command} ended as {result.outcome}: {result.device_error}")
        return result.stdout.head + result.stdout.tail

    @property
    def settled_s(self) -> float:
        """Seconds of that wait."""
        return self._terminals[-1].settled_s

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    def _terminal(self, *arguments: Any) -> "_Terminal":  # noqa: ANN401  whatever a shell gives its terminal
        self._terminals.append(_Terminal(*arguments))
        return self._terminals[-1]


class _Terminal(PtyDriver):
    """Between the last look at what came and the timer lies nothing but the wait."""

    settled_s = 0.0
    _looked_at = 0.0

    def data(self, chunk: bytes, stream: Stream) -> None:
        """As ever, and the time when it was looked at."""
        super().data(chunk, stream)
        self._looked_at = time.perf_counter()

    def _woken(self) -> None:
        self.settled_s += time.perf_counter() - self._looked_at
        super()._woken()
