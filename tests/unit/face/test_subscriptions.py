"""News of a reload: who is told of what, in both protocol eras, and that nothing is left of who has gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import Subscription
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent, ToolsListChanged

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.face import subscriptions
from mcp_ssh.face.server import GuidedServer, mcp_server
from mcp_ssh.model.errors import PermissionMissingError
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.principal import Permission, Principal, Via
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.support.waiting import until
from tests.support.wire import wire_in

# The client's way of the 2025 era, which its own revision has no more.
pytestmark = pytest.mark.filterwarnings("ignore:resources/:mcp.shared.exceptions.MCPDeprecationWarning")

ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
BOB = Principal("token:bob", Via.NETWORK, frozenset({Permission.EXECUTE}), hosts=("web-*",))
WEB, LAB = host("web-1"), host("lab-1")
KINDS: dict[str, ServerEvent] = {
    "notifications/tools/list_changed": ToolsListChanged(),
    "notifications/resources/list_changed": ResourcesListChanged(),
}


@dataclass
class Ear:
    """What a client hears, in either era."""

    client: Client
    heard: list[ServerEvent] = field(default_factory=list)

    async def hears(self, *events: ServerEvent) -> None:
        """Exactly these, and nothing more by the time that another question is answered."""
        await until(lambda: len(self.heard) >= len(events))
        await self.client.list_resource_templates(cache_mode="bypass")
        assert sorted(map(str, self.heard)) == sorted(map(str, events))
        self.heard.clear()


@asynccontextmanager
async def ear(server: GuidedServer, era: str, *addresses: str) -> AsyncIterator[Ear]:
    """A client that hears of both lists and of these addresses."""
    heard: list[ServerEvent] = []

    async def handler(message: Any) -> None:
        method = getattr(message, "method", "") if era == "legacy" else ""  # the stream of the later era is followed
        if method == "notifications/resources/updated":
            heard.append(ResourceUpdated(message.params.uri))
        elif method in KINDS:
            heard.append(KINDS[method])

    async def follow(stream: Subscription) -> None:
        async for event in stream:
            heard.append(event)  # noqa: PERF401  whatever has come by then is asked for meanwhile

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(server, mode=era, message_handler=handler))
        if era == "legacy":
            for address in addresses:
                await client.subscribe_resource(address)
        else:
            wish = client.listen(
                tools_list_changed=True, resources_list_changed=True, resource_subscriptions=list(addresses)
            )
            following = asyncio.ensure_future(follow(await stack.enter_async_context(wish)))
            stack.callback(following.cancel)
        await client.list_resource_templates()  # the client is there by now
        yield Ear(client, heard)


def server_for(it: Daemon, principal: Principal = ANN.principal) -> GuidedServer:
    return mcp_server(it.app, lambda: principal)


@ERAS
async def test_a_reload_is_told_of_what_it_changed_and_of_nothing_else(era: str) -> None:
    addresses = "ssh://hosts", "ssh://host/web-1", "ssh://host/web-1/tags", "ssh://host/lab-1"
    async with daemon(WEB, LAB) as it, ear(server_for(it), era, *addresses) as client:
        it.reload()
        await client.hears()
        it.take(replace(WEB, port=2222), LAB)
        await client.hears(ResourceUpdated("ssh://hosts"), ResourceUpdated("ssh://host/web-1"))
        it.take(replace(WEB, port=2222, tags=frozenset({"eu"})), LAB)
        await client.hears(*(ResourceUpdated(address) for address in addresses[:3]))
        it.take(LAB, host("new"))
        await client.hears(ResourcesListChanged(), *(ResourceUpdated(address) for address in addresses[:3]))
        it.take(WEB, LAB)
        await client.hears(ResourcesListChanged(), *(ResourceUpdated(address) for address in addresses[:3]))


@ERAS
async def test_a_file_with_faults_is_no_news(era: str) -> None:
    async with daemon(WEB) as it, ear(server_for(it), era, "ssh://hosts") as client:

        def broken() -> Snapshot:
            raise ConfigurationError([Fault("hosts.yaml", 3, "hosts.web.port", "must be a port")])

        it.app.configuration._read = broken
        it.reload()
        await client.hears()


@ERAS
async def test_who_sees_some_hosts_hears_nothing_of_others(era: str) -> None:
    async with daemon(WEB, LAB) as it:
        server = server_for(it, BOB)
        hidden = [] if era == "legacy" else ["ssh://host/lab-1", "ssh://host/lab-2"]
        async with ear(server, era, "ssh://hosts", *hidden) as bob:
            it.take(WEB, host("lab-1", port=99), host("lab-2"))
            await bob.hears()
            it.take(WEB, host("web-2"))
            await bob.hears(ResourcesListChanged(), ResourceUpdated("ssh://hosts"))


@ERAS
async def test_tools_are_news_only_where_they_really_changed(era: str) -> None:
    now = [BOB]
    async with daemon(WEB) as it, ear(mcp_server(it.app, lambda: now[0]), era) as client:
        now[0] = replace(BOB, rate_multiplier=2.0)
        it.reload()
        await client.hears()
        now[0] = replace(BOB, permissions=frozenset({Permission.READ}))
        it.reload()
        await client.hears(ToolsListChanged())


@ERAS
async def test_changes_on_the_way_of_a_subscription_are_not_lost(era: str) -> None:
    async with daemon(WEB) as it, ear(server_for(it), era) as client:
        it.take(WEB, LAB)
        if era == "legacy":
            await client.client.subscribe_resource("ssh://host/lab-1")
        await client.hears(ResourcesListChanged())


async def test_who_no_longer_subscribes_is_no_longer_told() -> None:
    async with daemon(WEB) as it, ear(server_for(it), "legacy", "ssh://host/web-1", "ssh://hosts") as client:
        await client.client.unsubscribe_resource("ssh://host/web-1")
        await client.client.unsubscribe_resource("ssh://host/other")
        it.take(replace(WEB, port=2222))
        await client.hears(ResourceUpdated("ssh://hosts"))


async def test_what_is_not_there_is_not_subscribed_to_and_no_output_is() -> None:
    async with daemon(WEB, LAB) as it, ear(server_for(it, BOB), "legacy") as client:
        for address in ("ssh://host/lab-1", "ssh://host/nobody", "http://hosts", "ssh://output/r-0"):
            with pytest.raises(MCPError) as caught:
                await client.client.subscribe_resource(address)
            assert caught.value.code == (-32602 if "output" in address else -32002)


async def test_only_what_can_ever_come_is_agreed_to() -> None:
    async with daemon(WEB) as it, Client(server_for(it), mode="2026-07-28") as client:
        wish = client.listen(
            tools_list_changed=True,
            prompts_list_changed=True,
            resource_subscriptions=["ssh://hosts", "ssh://hosts", "ssh://output/r-0", "http://x"],
        )
        async with wish as stream:
            assert stream.honored.tools_list_changed is True
            assert not stream.honored.prompts_list_changed
            assert not stream.honored.resources_list_changed
            assert stream.honored.resource_subscriptions == ["ssh://hosts"]
        assert [record["tool"] for record in it.audit.records] == ["subscriptions/listen"]


async def test_subscriptions_of_a_connection_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "most_addresses", 3)
    monkeypatch.setattr(subscriptions, "most_streams", 2)
    hosts = [host(f"web-{number}") for number in range(5)]
    addresses = [f"ssh://host/{each.name}" for each in hosts]
    async with daemon(*hosts) as it:
        server = server_for(it)
        async with ear(server, "legacy", *addresses[:3]) as client:
            await client.client.subscribe_resource(addresses[0])
            with pytest.raises(MCPError, match="3 resources are subscribed to already"):
                await client.client.subscribe_resource(addresses[3])
        async with Client(server, mode="2026-07-28") as client:
            with pytest.raises(MCPError, match="5 resources are too many"):
                async with client.listen(resource_subscriptions=addresses):
                    pass
            async with client.listen(tools_list_changed=True), client.listen(tools_list_changed=True):
                with pytest.raises(MCPError, match="2 streams are open already"):
                    async with client.listen(tools_list_changed=True):
                        pass
            async with client.listen(tools_list_changed=True):  # one that ended makes room
                pass


@ERAS
async def test_nothing_is_left_of_a_client_that_has_gone(era: str) -> None:
    async with daemon(WEB) as it:
        server = server_for(it)
        before = asyncio.all_tasks()
        for _ in range(3):
            async with ear(server, era, "ssh://hosts"):
                assert len(it.app.reload._listeners) == 1
        await until(lambda: not it.app.reload._listeners and not server._guide.subscriptions._rooms)
        await until(lambda: not [task for task in asyncio.all_tasks() - before if not task.done()])


async def test_a_client_that_does_not_read_keeps_no_other_from_its_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "tell_wait_s", 0.05)
    async with daemon(WEB) as it:
        server = server_for(it)
        async with wire_in(server) as deaf, ear(server, "legacy") as other:
            await deaf.initialize("2025-11-25")
            await deaf.request("ping", {})  # it is among those who are told by now
            deaf.holds.clear()
            for number in range(3):
                it.take(WEB, host(f"lab-{number}"))
                await other.hears(ResourcesListChanged())
            deaf.holds.set()


async def test_a_stream_of_a_token_that_is_gone_ends() -> None:
    now: list[Principal] = [BOB]

    def who() -> Principal:
        if not now:
            raise PermissionMissingError("the token is not valid any more; nothing was sent")
        return now[0]

    async with (
        daemon(WEB) as it,
        Client(mcp_server(it.app, who), mode="2026-07-28") as client,
        client.listen(resources_list_changed=True) as stream,
    ):
        now.clear()
        it.take(WEB, host("web-2"))
        async with asyncio.timeout(5):
            assert [event async for event in stream] == []


async def test_a_server_that_stops_ends_its_streams_and_opens_no_new_one() -> None:
    async with daemon(WEB) as it:
        server = server_for(it)
        async with Client(server, mode="2026-07-28") as client:
            async with client.listen(resources_list_changed=True) as stream:
                server.end_streams()
                async with asyncio.timeout(5):
                    assert [event async for event in stream] == []
            with pytest.raises(MCPError):
                async with client.listen(resources_list_changed=True):
                    pass


@ERAS
async def test_capabilities_say_what_is_told(era: str) -> None:
    mode = era if era == "legacy" else "auto"
    async with daemon(WEB) as it, Client(server_for(it), mode=mode) as client:
        offered = client.server_capabilities
        assert offered.tools is not None
        assert offered.resources is not None
        assert offered.prompts is not None
        assert offered.completions is not None
        assert (offered.tools.list_changed, offered.prompts.list_changed) == (True, False)
        assert (offered.resources.list_changed, offered.resources.subscribe) == (True, True)
