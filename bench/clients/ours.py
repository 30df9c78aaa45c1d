"""The product: a connection of its transport with its exec driver on it, without the daemon around them."""

from pathlib import Path
from typing import Any

from bench.clients.client import Target, address, answer_wait_s
from mcp_ssh.model.command import Command
from mcp_ssh.model.host import Auth, AuthMethod, Host, HostKeyChecking, Shell
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.secrets import NoSecrets

kept_bytes = 1_000_000


class Ours:
    """`fast` takes a shell that was started before the call, where there is one; without it, a plain exec channel."""

    def __init__(self, target: Target, *, fast: bool = True) -> None:
        self._target = target
        self._fast = fast
        self._connection: Connection | None = None
        self._driver: ExecDriver | None = None

    async def open(self) -> None:
        """Log in."""
        self._connection = await connected(self._target)
        self._driver = driver_on(self._connection, self._target, fast=self._fast)

    async def run(self, command: str) -> bytes:
        """What it printed; all of it has to fit."""
        result = await self.result(command)
        if result.stdout.omitted:
            raise RuntimeError(f"{command} printed more than is kept")
        return result.stdout.head + result.stdout.tail

    async def result(self, command: str) -> CommandResult:
        """How it ended, and it has to end well."""
        assert self._driver is not None  # noqa: S101  open was called
        result = await self._driver.run(command_of(command))
        if result.outcome is not Outcome.COMPLETED or result.exit_code != 0:
            raise RuntimeError(f"{command} ended as {result.outcome} with {result.exit_code}")
        return result

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


async def connected(target: Target) -> Connection:
    """A connection as the daemon makes it."""
    return await transport_of(target).connect(host_of(target), [address], NoSecrets())


def transport_of(target: Target) -> SshTransport:
    """A transport that knows the server's key."""
    state = str(Path(target.folder) / "state")
    settings = Settings(state_dir=state, audit_log=f"{state}/audit.log", known_hosts=(target.known_hosts,))
    return SshTransport(settings)


def host_of(target: Target, **changes: Any) -> Host:  # noqa: ANN401  as many kinds as a host has fields
    """The entry that hosts.yaml would have for it."""
    facts: dict[str, Any] = {
        "name": "bench",
        "address": address,
        "port": target.port,
        "user": target.user,
        "auth": Auth(AuthMethod.KEY, key_path=target.key_path),
        "shell": Shell.POSIX,
        "host_key_checking": HostKeyChecking.STRICT,
    }
    return Host(**(facts | changes))


def driver_on(connection: Connection, target: Target, *, fast: bool) -> ExecDriver:
    """A driver as the daemon makes it."""
    return ExecDriver(connection, lambda: connected(target), fast=fast)


def command_of(text: str) -> Command:
    """A command that was read and found to change nothing."""
    return Command(text, answer_wait_s, kept_bytes, parsed=True, reads_only=True)
