"""Resources, prompts, completions and news of a reload over every transport, by the official client in both eras."""

import asyncio
import contextlib
import itertools
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.subscriptions import Subscription
from mcp_types import PromptReference, ResourceLink, ResourceTemplateReference, TextContent, TextResourceContents

from mcp_ssh.audit.disk.reading import verified
from mcp_ssh.config.tokens import default_token, digest
from mcp_ssh.model.principal import Permission, Token
from tests.support.daemon import Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryChannel, MemoryTransport
from tests.support.network import Site, site
from tests.support.sshd import Sshd, processes_with, until
from tests.support.stdio import command, configuration, environment, wire_to

pytestmark = [
    pytest.mark.integration,
    # The client's way of the 2025 era, which its own revision has no more.
    pytest.mark.filterwarnings("ignore:resources/:mcp.shared.exceptions.MCPDeprecationWarning"),
]
ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
FACES = pytest.mark.parametrize(
    ("face", "era"), [("sse", "legacy"), ("http", "legacy"), ("http", "2026-07-28")], ids=["sse", "http", "http 2026"]
)
NAMES = [f"edge-{number:03}" for number in range(249)]
MINE, THEIRS = (f"{name}-{'x' * 32}" for name in ("mine", "theirs"))
TOKENS = (
    default_token(MINE),
    Token("theirs", digest(THEIRS), frozenset({Permission.EXECUTE}), hosts=("edge-00?",)),
)
LISTS = ("notifications/resources/list_changed", "notifications/resources/updated")
NEWS = {*LISTS, "notifications/tools/list_changed"}


class Heard:
    """What a client was told outside of its calls."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    async def message(self, message: Any) -> None:
        """As the client hands it over, in the 2025 era."""
        if getattr(message, "method", "") in NEWS:
            self.methods.append(message.method)

    async def follow(self, stream: Subscription) -> None:
        """A stream of the 2026 era."""
        kinds = {"ResourcesListChanged": "notifications/resources/list_changed"}
        kinds |= {"ResourceUpdated": "notifications/resources/updated"}
        async for event in stream:
            self.methods.append(kinds.get(type(event).__name__, "notifications/tools/list_changed"))

    async def until(self, *methods: str, seconds: float = 10) -> None:
        """These have come."""
        async with asyncio.timeout(seconds):
            while not set(methods) <= set(self.methods):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def subscribed(client: Client, heard: Heard, era: str, address: str) -> AsyncIterator[None]:
    if era == "legacy":
        await client.subscribe_resource(address)
        yield
        return
    async with client.listen(resources_list_changed=True, resource_subscriptions=[address]) as stream:
        following = asyncio.ensure_future(heard.follow(stream))
        try:
            yield
        finally:
            following.cancel()


async def tour(client: Client) -> None:
    """All that is to be read, picked and completed."""
    rows, cursor = [], None
    for _ in range(3):
        page = await client.list_resources(cursor=cursor)
        rows += page.resources
        cursor = page.next_cursor
    assert cursor is None
    assert [row.name for row in rows] == ["hosts", "web", *NAMES]
    result = await client.call_tool("ssh_run", {"host": "web", "command": "yes 0123456789 | head -n 9000"})
    [link] = [block for block in result.content if isinstance(block, ResourceLink)]
    sides = ("", "/tags", "/capabilities")
    for uri in ("ssh://hosts", *(f"ssh://host/edge-007{side}" for side in sides), link.uri):
        [content] = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        told = content.text
        assert json.loads(told) if content.mime_type == "application/json" else "more of its 99000 bytes" in told
    assert len((await client.list_resource_templates()).resource_templates) == 4
    assert len((await client.list_prompts()).prompts) == 6
    [message] = (await client.get_prompt("config_change", {"host": "web", "change": "the motd"})).messages
    assert isinstance(message.content, TextContent)
    assert "the motd" in message.content.text
    for ref, name in ((PromptReference(name="config_change"), "host"), (template("ssh://host/{name}"), "name")):
        assert (await client.complete(ref, {"name": name, "value": "007"})).completion.values == ["edge-007"]
    found = await client.complete(template("ssh://output/{id}"), {"name": "id", "value": ""})
    assert found.completion.values == [link.name]
    with pytest.raises(MCPError, match="unknown host 'nobody'"):
        await client.read_resource("ssh://host/nobody")


def template(uri: str) -> ResourceTemplateReference:
    return ResourceTemplateReference(uri=uri)


class Lab:
    """A configuration with an sshd as `web` and many hosts that nobody reaches."""

    def __init__(self, folder: Path, server: Sshd) -> None:
        self._folder, self._server = folder, server
        self.path = self.written(NAMES)

    def written(self, names: list[str]) -> Path:
        """The file with these hosts beside `web`."""
        login = "{host: 192.0.2.1, user: ops, auth: {method: agent}}"
        path = configuration(self._folder, self._server, rest="\n".join(f"  {name}: {login}" for name in names))
        with path.open("a") as file:
            file.write("  task_progress_interval: 0.2\n")
        return path

    def parameters(self, *words: str, **more: str) -> StdioServerParameters:
        """How a client starts the server."""
        first, *rest = command()
        more["MCP_RELOAD_INTERVAL"] = "0.1"
        return StdioServerParameters(command=first, args=[*rest, *words], env=environment(self.path, **more))


@asynccontextmanager
async def client_of(lab: Lab, folder: Path, era: str, heard: Heard, *words: str, **more: str) -> AsyncIterator[Client]:
    with (folder / "stderr").open("w") as log:
        started = stdio_client(lab.parameters(*words, **more), errlog=log)
        async with Client(started, mode=era, message_handler=heard.message) as client:
            yield client


@ERAS
async def test_the_guide_progress_and_cancellation_over_stdio(sshd: Sshd, tmp_path: Path, era: str) -> None:
    lab, heard = Lab(tmp_path, sshd), Heard()
    async with client_of(lab, tmp_path, era, heard) as client:
        await tour(client)
        async with subscribed(client, heard, era, "ssh://hosts"):
            lab.written([*NAMES, "new"])
            await heard.until(*LISTS)
            assert [row.name for row in (await last_page(client))][-1] == "new"
            mark = f"273.{uuid.uuid4().int % 10**9:09d}"
            calling = await going_on(client, f"echo half way; sleep {mark}")
            assert processes_with(f"sleep\x00{mark}")
            calling.cancel()
            await asyncio.to_thread(until, lambda: processes_with(f"sleep\x00{mark}") == [], "the command runs on")
    assert "Traceback" not in (tmp_path / "stderr").read_text()
    assert verified(tmp_path / "audit.log").ok


async def going_on(client: Client, text: str) -> asyncio.Future[Any]:
    """A call of which was told that it goes on, with the last line of its output."""
    goes_on = asyncio.Event()

    async def hears(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        if message is not None and "half way" in message:
            goes_on.set()

    arguments = {"host": "web", "command": text}
    calling = asyncio.ensure_future(client.call_tool("ssh_run", arguments, progress_callback=hears))
    await asyncio.wait_for(goes_on.wait(), 10)
    return calling


async def last_page(client: Client) -> Any:
    page = await client.list_resources(cache_mode="refresh")
    while page.next_cursor is not None:
        page = await client.list_resources(cursor=page.next_cursor)
    return page.resources


async def test_an_open_stream_keeps_no_server_on_stdio_from_leaving(sshd: Sshd, tmp_path: Path) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
    }
    wish = {"notifications": {"resourcesListChanged": True}, "_meta": meta}
    async with wire_to(configuration(tmp_path, sshd)) as wire:
        wire.post("subscriptions/listen", wish)
        assert (await wire.receive())["method"] == "notifications/subscriptions/acknowledged"
        wire.process.send_signal(signal.SIGTERM)
        assert await wire.ended(5) == 0
        assert b"Traceback" not in await wire.process.stderr.read()  # type: ignore[union-attr]


async def test_who_is_attached_hears_of_a_reload_and_the_daemon_ends_when_told(
    sshd: Sshd, tmp_path: Path, sockets: Path
) -> None:
    lab, first, second = Lab(tmp_path, sshd), Heard(), Heard()
    more = {"XDG_RUNTIME_DIR": str(sockets), "MCP_IDLE_EXIT": "20"}
    async with (
        client_of(lab, tmp_path, "legacy", first, "attach", **more) as one,
        client_of(lab, tmp_path, "2026-07-28", second, "attach", **more) as two,
        subscribed(one, first, "legacy", "ssh://hosts"),
        subscribed(two, second, "2026-07-28", "ssh://host/edge-007"),
    ):
        lab.written(NAMES[:8])
        await first.until(*LISTS)
        await second.until("notifications/resources/list_changed")
        assert "notifications/resources/updated" not in second.methods
        started = lab.parameters("attach", "--stop", **more)
        words = [started.command, *started.args]
        stopping = await asyncio.create_subprocess_exec(*words, env=started.env, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(10):
            said, _ = await stopping.communicate()
        assert b"the daemon has ended" in said
        assert [*sockets.rglob("*.sock")] == []


@asynccontextmanager
async def served(script: Callable[[MemoryChannel], None]) -> AsyncIterator[tuple[Site, Daemon]]:
    hosts = [host(name) for name in ("web", *NAMES)]
    transport = MemoryTransport(script)
    async with (
        daemon(*hosts, transport=transport, tokens=TOKENS, task_progress_interval_s=0.05) as it,
        site(it.app) as where,
    ):
        yield where, it


def lines(channel: MemoryChannel) -> None:
    channel.out(b"0123456789\n" * 9_000)
    channel.exits(0)


@asynccontextmanager
async def hearing(where: Site, face: str, token: str, era: str) -> AsyncIterator[tuple[Client, Heard]]:
    heard = Heard()
    async with where.client(face, token, era, heard=heard.message) as client:
        yield client, heard


@FACES
async def test_the_guide_over_the_network(face: str, era: str) -> None:
    async with served(lines) as (where, it), hearing(where, face, MINE, era) as (client, heard):
        await tour(client)
        async with subscribed(client, heard, era, "ssh://hosts"):
            await told(it, heard, ["web", *NAMES], *LISTS)


async def told(it: Daemon, heard: Heard, names: list[str], *methods: str) -> None:
    """These come of a reload that adds a host; of a further one where the client's stream did not stand yet."""
    async with asyncio.timeout(10):
        for number in itertools.count():
            it.take(*(host(name) for name in (*names, f"new-{number}")))
            with contextlib.suppress(TimeoutError):
                await heard.until(*methods, seconds=0.5)
                return


@FACES
async def test_a_token_finds_its_own_hosts_and_hears_of_them_alone(face: str, era: str) -> None:
    async with served(lines) as (where, it), hearing(where, face, THEIRS, era) as (client, heard):
        rows = (await client.list_resources()).resources
        assert [row.name for row in rows] == ["hosts", *NAMES[:10]]
        completed = await client.complete(template("ssh://host/{name}"), {"name": "name", "value": ""})
        assert completed.completion.values == NAMES[:10]
        with pytest.raises(MCPError, match="unknown host 'web'"):
            await client.read_resource("ssh://host/web")
        async with hearing(where, face, MINE, era) as (other, mine):
            ran = await other.call_tool("ssh_run", {"host": "web", "command": "cat log"})
            assert ran.structured_content is not None
            with pytest.raises(MCPError, match="unknown handle"):
                await client.read_resource(f"ssh://output/{ran.structured_content['handle']}")
            async with subscribed(client, heard, era, "ssh://hosts"), subscribed(other, mine, era, "ssh://host/web"):
                await told(it, mine, ["web", *NAMES], "notifications/resources/list_changed")
                await client.list_resource_templates()
                assert heard.methods == []
                await told(it, heard, ["web", *NAMES[1:]], *LISTS)


@FACES
async def test_progress_and_cancellation_over_the_network(face: str, era: str) -> None:
    def script(channel: MemoryChannel) -> None:
        channel.out(b"half way\n")

    async with served(script) as (where, it), where.client(face, MINE, era) as client:
        calling = await going_on(client, "make all")
        calling.cancel()
        async with asyncio.timeout(5):
            while "cancelled" not in it.audit.events():
                await asyncio.sleep(0.01)


async def test_a_task_over_http_is_its_tokens_and_goes_where_its_header_says() -> None:
    async with served(lambda channel: channel.out(b"half way\n")) as (where, it):
        envelope = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        }

        async def posted(token: str, method: str, named: str, /, **params: Any) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
            headers |= {"Mcp-Name": named, "Accept": "application/json, text/event-stream"}
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": envelope}}
            async with httpx2.AsyncClient() as client:
                answer = await client.post(f"{where.url}/mcp", json=body, headers=headers, timeout=10)
            told: dict[str, Any] = answer.json()
            return told

        call = {"host": "web", "command": "make all", "reply_within": 0.05}
        created = (await posted(MINE, "tools/call", "ssh_run", name="ssh_run", arguments=call))["result"]
        assert (created["resultType"], created["status"], created["ttlMs"]) == ("task", "working", None)
        task = created["taskId"]
        told = (await posted(MINE, "tasks/get", task, taskId=task))["result"]
        assert (told["resultType"], told["status"], told["taskId"]) == ("complete", "working", task)
        assert (await posted(MINE, "tasks/get", "r-1", taskId=task))["error"]["code"] == -32020
        assert (await posted(THEIRS, "tasks/get", task, taskId=task))["error"]["code"] == -32602
        assert "cancelled" not in it.audit.events()
        assert (await posted(MINE, "tasks/cancel", task, taskId=task))["result"]["resultType"] == "complete"
        assert "cancelled" in it.audit.events()


@FACES
async def test_a_server_that_stops_ends_open_streams_before_it_waits_for_them(face: str, era: str) -> None:
    """The graceful time is set so long that a stream which is waited for would be seen."""
    async with contextlib.AsyncExitStack() as stack:
        it = await stack.enter_async_context(daemon(host("web"), tokens=TOKENS))
        async with site(it.app, graceful_s=60) as where:
            client, heard = await stack.enter_async_context(hearing(where, face, MINE, era))
            await stack.enter_async_context(subscribed(client, heard, era, "ssh://hosts"))
            began = time.monotonic()
        assert time.monotonic() - began < 30
