"""A driver on a real sshd, for tests of commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp_ssh.model.command import Command
from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.dropbear import Dropbear
from tests.support.hosts import host, settings
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd
from tests.support.waiting import until


def host_of(server: Sshd | Dropbear, **changes: Any) -> Host:
    """The inventory's entry for a server of the lab."""
    facts: dict[str, Any] = {
        "address": server.address if isinstance(server, Sshd) else "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "auth": Auth(AuthMethod.KEY, key_path=str(server.key_path)),
    }
    return host(**(facts | changes))


def transport_in(folder: Path, **changes: Any) -> SshTransport:
    """A transport that keeps its state in the folder."""
    return SshTransport(settings(state_dir=str(folder / "state"), **changes))


@asynccontextmanager
async def driver_on(server: Sshd | Dropbear, folder: Path, *, fast: bool = True) -> AsyncIterator[ExecDriver]:
    """A driver on a connection of its own."""
    transport, where = transport_in(folder), host_of(server)
    connection = await transport.connect(where, ["127.0.0.1"], NoSecrets())
    driver = ExecDriver(connection, lambda: transport.connect(where, ["127.0.0.1"], NoSecrets()), fast=fast)
    try:
        yield driver
    finally:
        driver.changed()
        await connection.close()


def command(text: str, timeout_s: float = 20.0, max_output_bytes: int = 1_000_000, **changes: Any) -> Command:
    """A command with limits that do not matter."""
    return Command(text, timeout_s, max_output_bytes, **changes)


async def stands_ready(driver: ExecDriver) -> None:
    """Return when a shell waits for the next command."""
    ready = driver._ready
    await until(lambda: ready._shell is not None and ready._shell.is_ready, f"no shell stands ready: {driver.sent_by}")
