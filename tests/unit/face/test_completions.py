"""Completions of host names, tags and handles, for those who may know them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from mcp_ssh.face.completions import completed
from mcp_ssh.face.server import mcp_server
from mcp_ssh.face.uris import Kind
from mcp_ssh.model.principal import Principal, Via
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryTransport, answers

ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
BOB = Principal("token:bob", Via.NETWORK, hosts=("web-1",))
HOSTS = (
    host("core.web", tags=frozenset({"core", "eu"})),
    host("web-1", tags=frozenset({"web"})),
    host("Web-2", tags=frozenset({"web", "us"})),
    host("lab-1"),
)


@asynccontextmanager
async def client_of(it: Daemon, era: str, principal: Principal = ANN.principal) -> AsyncIterator[Client]:
    async with Client(mcp_server(it.app, lambda: principal), mode=era) as client:
        yield client


async def of(client: Client, where: str, name: str, typed: str) -> list[str]:
    ref = ResourceTemplateReference(uri=where) if "://" in where else PromptReference(name=where)
    return (await client.complete(ref, {"name": name, "value": typed})).completion.values


OF_HOSTS = [
    ("policy_denied", "host"), ("config_change", "host"), ("missing_credentials", "host"),
    (Kind.HOST.value, "name"), (Kind.TAGS.value, "name"), (Kind.CAPABILITIES.value, "name"),
]  # fmt: skip


@ERAS
async def test_host_names_by_their_beginning_first_then_by_any_part(era: str) -> None:
    async with daemon(*HOSTS) as it, client_of(it, era) as client:
        for where, name in OF_HOSTS:
            assert await of(client, where, name, "we") == ["web-1", "Web-2", "core.web"]
            assert await of(client, where, name, "") == ["core.web", "web-1", "Web-2", "lab-1"]
            assert await of(client, where, name, "zz") == []


@ERAS
async def test_tags_and_handles(era: str) -> None:
    async with daemon(*HOSTS, transport=MemoryTransport(answers(b"x" * 40_000))) as it, client_of(it, era) as client:
        assert await of(client, "usage", "tag", "") == ["core", "eu", "us", "web"]
        handles = []
        for _ in range(2):
            result = await client.call_tool("ssh_run", {"host": "web-1", "command": "cat log"})
            assert result.structured_content is not None
            handles.append(result.structured_content["handle"])
        assert await of(client, Kind.OUTPUT.value, "id", "r-") == handles[::-1]
        async with client_of(it, era, BOB) as bob:
            assert await of(bob, Kind.OUTPUT.value, "id", "") == []


@ERAS
async def test_who_sees_some_hosts_is_offered_nothing_of_others(era: str) -> None:
    async with daemon(*HOSTS) as it, client_of(it, era, BOB) as client:
        assert await of(client, Kind.HOST.value, "name", "") == ["web-1"]
        assert await of(client, "config_change", "host", "e") == ["web-1"]
        assert await of(client, "usage", "tag", "") == ["web"]


@ERAS
async def test_at_most_a_hundred_with_how_many_there_are(era: str) -> None:
    async with daemon(*(host(f"web-{number:03}") for number in range(250))) as it, client_of(it, era) as client:
        ref = PromptReference(name="config_change")
        told = (await client.complete(ref, {"name": "host", "value": "web"})).completion
        assert (len(told.values), told.total, told.has_more) == (100, 250, True)
        told = (await client.complete(ref, {"name": "host", "value": "web-24"})).completion
        assert (len(told.values), told.total, told.has_more) == (10, 10, False)


@ERAS
async def test_an_argument_of_free_words_is_completed_by_nothing(era: str) -> None:
    async with daemon(*HOSTS) as it, client_of(it, era) as client:
        assert await of(client, "config_change", "change", "s") == []
        assert await of(client, "missing_host", "name", "web") == []


NOWHERE = [
    ("nothing", "host"), ("usage", "host"), (Kind.HOST.value, "id"), ("ssh://hosts", "name"),
    ("ssh://host/web-1", "name"),
]  # fmt: skip


@ERAS
async def test_what_has_no_such_argument_is_an_invalid_parameter(era: str) -> None:
    async with daemon(*HOSTS) as it, client_of(it, era) as client:
        for where, name in NOWHERE:
            with pytest.raises(MCPError) as caught:
                await of(client, where, name, "")
            assert caught.value.code == -32602


@given(st.lists(st.text(max_size=4), max_size=8), st.text(max_size=3))
def test_what_is_offered_is_there_and_holds_what_was_typed(values: list[str], typed: str) -> None:
    found = completed(values, typed).values
    assert sorted(found) == sorted(value for value in values if typed.casefold() in value.casefold())
    begins = [value.casefold().startswith(typed.casefold()) for value in found]
    assert begins == sorted(begins, reverse=True)
