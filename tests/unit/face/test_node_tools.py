"""The nodes group: offered where it is configured, to those who may manage; how far a host is, and who is asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, ElicitResult, TextContent

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import AuthenticationError, ConnectionFailedError, HostKeyChangedError, McpSshError
from mcp_ssh.model.policy import NetworkPolicy, Policy
from mcp_ssh.model.principal import Permission, Principal, Via
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryTransport, answers

LISTED = Policy(network=NetworkPolicy(allow=(ip_network("192.0.2.0/24"),)))
MANAGER = Principal("token:ops", Via.NETWORK, frozenset({Permission.MANAGE}), hosts=("lab-*",))
NODE_TOOLS = {"ssh_add_host", "ssh_remove_host", "ssh_enable_host", "ssh_host_status", "ssh_public_key"}
NEW: dict[str, Any] = {"name": "lab-9", "host": "192.0.2.9", "user": "ops"}


@asynccontextmanager
async def served(
    folder: Path, transport: MemoryTransport | None = None, who: Principal = ANN.principal, reply: Any = None
) -> AsyncIterator[tuple[Daemon, Client, list[Any]]]:
    asked: list[Any] = []

    async def person(context: Any, params: Any) -> ElicitResult:
        del context
        asked.append(params)
        return ElicitResult(**reply)

    changes: dict[str, Any] = {"tool_groups": ("core", "nodes"), "state_dir": str(folder / "state")}
    hosts = (host("web"), host("off", enabled=False), host("lab-1"))
    async with (
        daemon(*hosts, transport=transport or MemoryTransport(answers(b"ok\n")), **changes) as it,
        Client(
            mcp_server(it.app, lambda: who), mode="legacy", elicitation_callback=person if reply is not None else None
        ) as client,
    ):
        it.take(policy=LISTED)
        yield it, client, asked


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def test_they_are_shown_to_those_who_may_manage_and_cost_little(tmp_path: Path) -> None:
    reader = replace(MANAGER, permissions=frozenset({Permission.EXECUTE, Permission.READ}))
    for who, shown in ((MANAGER, NODE_TOOLS), (reader, set[str]())):
        async with served(tmp_path, who=who) as (_, client, _asked):
            tools = [tool for tool in (await client.list_tools()).tools if tool.name in NODE_TOOLS]
            assert {tool.name for tool in tools} == shown
            size = sum(len(json.dumps(tool.model_dump(by_alias=True, exclude_none=True))) for tool in tools)
            assert size < 4_000
    async with daemon() as it, Client(mcp_server(it.app, lambda: ANN.principal)) as client:
        assert not NODE_TOOLS & {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.parametrize("tool", sorted(NODE_TOOLS))
async def test_each_refuses_an_unknown_argument_by_name(tmp_path: Path, tool: str) -> None:
    async with served(tmp_path) as (_, client, _asked):
        result = await client.call_tool(tool, {"hots": "web"})
        assert "unknown argument 'hots'" in text_of(result)
        assert "password" not in " ".join(
            name for each in (await client.list_tools()).tools for name in each.input_schema["properties"]
        ).replace("password_secret", "")


async def test_a_person_is_asked_about_host_login_and_key_and_gives_the_password(tmp_path: Path) -> None:
    transport = MemoryTransport(error=AuthenticationError("lab-9 did not accept the password"))
    reply = {"action": "accept", "content": {"password": "hunter2-hunter2"}}
    async with served(tmp_path, transport, reply=reply) as (it, client, asked):
        result = await client.call_tool("ssh_add_host", NEW | {"port": 2222})
        assert text_of(result).startswith("auth_failed: lab-9 did not accept the password")
        assert asked[0].message.splitlines() == [
            "stdio:ann wants to do this on lab-9 (192.0.2.9).",
            "Why you are asked: it adds a host that the operator has not written down (nodes.add)",
            "Each line of it stands behind a bar:",
            "| add host lab-9: ops@192.0.2.9:2222",
            "| host key: the one that it shows is pinned",
            "| password, used once: asked for with this question",
            "| there, the public key of mcp-ssh is put into ~/.ssh/authorized_keys",
        ]
        assert asked[0].requested_schema["required"] == ["password"]
        assert transport.attempts == [("lab-9", ("192.0.2.9",))]
        assert "hunter2" not in str(it.audit.records) + text_of(result)


async def test_a_yes_is_for_the_very_host_that_was_asked_about(tmp_path: Path) -> None:
    async with served(tmp_path, reply={"action": "decline"}) as (it, client, asked):
        for change in ({"port": 2222}, {"user": "root"}, {"host": "192.0.2.10"}, {"host_key": "SHA256:" + "A" * 43}):
            await client.call_tool("ssh_add_host", NEW | change)
        assert len({params.message for params in asked}) == 4
        assert it.transport.attempts == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../x"}, "is no name of a host"),
        ({"name": ""}, "is no name of a host"),
        ({"host": "ops@192.0.2.9"}, "not a host name or IP address"),
        ({"host": "-oProxyCommand=x"}, "not a host name or IP address"),
        ({"user": "a b"}, "user: "),
        ({"user": ""}, "user: "),
        ({"port": 0}, "port: "),
        ({"port": 65_536}, "port: "),
        ({"host_key": "SHA256:short"}, "a fingerprint looks like"),
        ({"password_secret": "HOME"}, "begins with BOOTSTRAP_"),
    ],
)
async def test_what_can_be_no_host_asks_nobody_and_reaches_nothing(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    async with served(tmp_path, reply={"action": "accept"}) as (it, client, asked):
        result = await client.call_tool("ssh_add_host", NEW | change)
        assert words in text_of(result)
        assert "nothing was sent" in text_of(result)
        assert (it.transport.attempts, asked) == ([], [])


async def test_a_token_adds_no_host_that_it_would_not_see(tmp_path: Path) -> None:
    async with served(tmp_path, who=MANAGER, reply={"action": "decline"}) as (_, client, asked):
        result = await client.call_tool("ssh_add_host", NEW | {"name": "prod-1"})
        assert text_of(result).startswith("permission_missing: token:ops does not see hosts of the name 'prod-1'")
        await client.call_tool("ssh_add_host", NEW)
        assert len(asked) == 1
        assert text_of(await client.call_tool("ssh_host_status", {"host": "web"})).startswith("unknown_host: ")


async def test_how_far_a_host_is_from_untried_to_open_and_back(tmp_path: Path) -> None:
    transport = MemoryTransport(answers(b"ok\n"))

    async def stage(it: Daemon, client: Client, name: str = "web") -> tuple[str, str]:
        result = await client.call_tool("ssh_host_status", {"host": name})
        assert result.structured_content is not None
        return result.structured_content["stage"], text_of(result)

    async with served(tmp_path, transport) as (it, client, _asked):
        assert (await stage(it, client, "off"))[0] == "disabled"
        assert await stage(it, client) == ("untried", "web was not tried yet; ssh_connect tries it")
        transport.error = ConnectionFailedError("web (192.0.2.1:22) refused the connection")
        await client.call_tool("ssh_run", {"host": "web", "command": "id"})
        held = await client.call_tool("ssh_run", {"host": "web", "command": "id"})
        assert text_of(held).startswith("backing_off: web is not tried again yet")
        assert "the same call may be repeated" in text_of(held)
        far, told = await stage(it, client)
        assert far == "not_reachable"
        assert "the last try failed at 20" in told
        assert "connect_failed: web (192.0.2.1:22) refused the connection" in told
        assert "it is tried again in " in told
        transport.error = None
        assert not (await client.call_tool("ssh_connect", {"host": "web"})).is_error, "a wish makes a try"
        assert (await stage(it, client))[0] == "open"
        await client.call_tool("ssh_disconnect", {"host": "web"})
        assert (await stage(it, client))[0] == "reachable"
        assert len(transport.attempts) == 2


async def test_a_changed_host_key_waits_for_somebody_and_is_told_as_such(tmp_path: Path) -> None:
    transport = MemoryTransport(error=HostKeyChangedError("the host key of web has changed", hint="ssh-keygen -R web"))
    async with served(tmp_path, transport) as (it, client, _asked):
        with pytest.raises(HostKeyChangedError):
            await it.app.commands.run(ANN, "web", Wish("id"))
        await it.clock.advance(2_000)
        for _ in range(3):
            with pytest.raises(McpSshError, match="not tried again by itself"):
                await it.app.commands.run(ANN, "web", Wish("id"))
        told = text_of(await client.call_tool("ssh_host_status", {"host": "web"}))
        assert "it is not tried again by itself; ssh_connect tries it" in told
        assert len(transport.attempts) == 1
        await client.call_tool("ssh_connect", {"host": "web"})
        assert len(transport.attempts) == 2


async def test_the_public_key_is_told_and_made_once(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, client, _asked):
        first, second = [await client.call_tool("ssh_public_key", {}) for _ in range(2)]
        assert first.structured_content is not None
        assert first.structured_content["public_key"].startswith("ssh-ed25519 AAAA")
        assert first.structured_content == second.structured_content
