"""The admin group: offered where it is configured, to those who may manage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp import Client

from mcp_ssh.app import wired
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.host import Host, Inventory
from mcp_ssh.model.principal import Permission, Principal, Via
from mcp_ssh.service.keyrings import Keyrings
from tests.support.clock import FakeClock
from tests.support.daemon import Ledger
from tests.support.hosts import host, settings
from tests.support.memory import MemoryTransport
from tests.support.secrets import NoSecrets

ANN = Principal("stdio:ann", Via.STDIO)
LAB = Principal("token:lab", Via.NETWORK, frozenset({Permission.MANAGE}), hosts=("lab-*",))


@dataclass
class File:
    """A hosts.yaml in memory."""

    hosts: list[Host] = field(default_factory=lambda: [host("web"), host("lab-1")])
    groups: tuple[str, ...] = ("core", "admin")
    is_broken: bool = False

    def read(self) -> Snapshot:
        if self.is_broken:
            raise ConfigurationError([Fault("hosts.yaml", 3, "hosts.web.port", "must be a port")])
        return Snapshot(Inventory({each.name: each for each in self.hosts}), settings(tool_groups=self.groups), "x")


@asynccontextmanager
async def client_of(file: File, principal: Principal = ANN) -> AsyncIterator[Client]:
    parts = (Configuration(file.read), Ledger(), MemoryTransport(), FakeClock(), Keyrings(NoSecrets()))
    async with wired(*parts) as app, Client(mcp_server(app, lambda: principal)) as client:
        yield client


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


async def reloaded(client: Client) -> tuple[dict[str, Any], str]:
    result = await client.call_tool("ssh_reload_config", {})
    return result.structured_content or {}, result.content[0].text  # type: ignore[union-attr]


async def test_a_reload_tells_what_changed() -> None:
    file = File()
    async with client_of(file) as client:
        file.hosts = [host("web", port=2222), host("new")]
        told, text = await reloaded(client)
        assert told == {"added": ["new"], "removed": ["lab-1"], "changed": ["web"], "restart_needed": False}
        assert "added: new" in text
        told, text = await reloaded(client)
        assert "no host changed" in text


async def test_a_broken_file_tells_its_faults_and_changes_nothing() -> None:
    file = File()
    async with client_of(file) as client:
        file.is_broken = True
        _, text = await reloaded(client)
        assert "hosts.web.port: must be a port" in text
        listed = await client.call_tool("ssh_list_hosts", {})
        assert len((listed.structured_content or {})["hosts"]) == 2


async def test_who_sees_some_hosts_is_told_of_no_other() -> None:
    file = File()
    async with client_of(file, LAB) as client:
        file.hosts = [host("lab-2"), host("secret-db")]
        told, text = await reloaded(client)
        assert told == {"added": ["lab-2"], "removed": ["lab-1"], "changed": [], "restart_needed": False}
        file.is_broken = True
        _, broken = await reloaded(client)
        assert "1 fault" in broken
        assert not {"web", "secret-db"} & set((text + broken).replace(".", " ").split())


@pytest.mark.parametrize("may", [set(Permission) - {Permission.MANAGE}, {Permission.EXECUTE}])
async def test_who_may_not_manage_is_neither_shown_it_nor_let_do_it(may: set[Permission]) -> None:
    file = File()
    async with client_of(file, Principal("token:ci", Via.NETWORK, frozenset(may))) as client:
        assert "ssh_reload_config" not in await names(client)
        file.hosts = []
        _, text = await reloaded(client)
        assert "may not manage" in text
        assert len((await client.call_tool("ssh_list_hosts", {})).structured_content["hosts"]) == 2


async def test_a_group_that_is_not_configured_is_not_there() -> None:
    async with client_of(File(groups=("core",))) as client:
        assert "ssh_reload_config" not in await names(client)
        result = await client.call_tool("ssh_reload_config", {})
        assert result.is_error
