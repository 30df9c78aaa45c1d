"""The extension for tasks, as a client meets it that declares it, and one that does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, NotificationBinding, ResultClaim
from mcp_types import CallToolResult, Request, RequestParams, Result, TextContent
from pydantic import BaseModel, ConfigDict

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.errors import AuthenticationError, PermissionMissingError
from mcp_ssh.model.principal import Principal, Via
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.memory import MemoryChannel, MemoryTransport
from tests.support.secrets import SomeSecrets
from tests.support.wire import wire_in

NAME = "io.modelcontextprotocol/tasks"
BOB = Principal("token:bob", Via.NETWORK)
LATE = {"host": "web", "command": "make all", "reply_within": 0.05}


class Created(Result):
    """What comes in place of an answer."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"


class AnyResult(Result):
    model_config = ConfigDict(extra="allow")


class Params(RequestParams):
    model_config = ConfigDict(extra="allow")


class Ask(Request[Params, str]):
    method: str


class News(BaseModel):
    model_config = ConfigDict(extra="allow")


class Knows(ClientExtension):
    """A client that knows tasks: it keeps what it was given, and asks until the task is over."""

    identifier = NAME

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        self.news: list[dict[str, Any]] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Created, resolve=self.resolve)]

    def notifications(self) -> list[NotificationBinding[Any]]:
        return [NotificationBinding(method="notifications/tasks", params_type=News, handler=self.hears)]

    async def hears(self, news: News) -> None:
        self.news.append(news.model_dump())

    async def resolve(self, created: Created, context: ClaimContext) -> CallToolResult:
        self.created.append(created.model_dump())
        while True:
            task = await asked(context, "tasks/get", taskId=self.created[-1]["taskId"])
            if "result" in task:
                return CallToolResult.model_validate(task["result"])
            assert task["status"] == "working"
            await asyncio.sleep(0.01)


async def asked(client: Any, method: str, **params: Any) -> dict[str, Any]:
    request = Ask(method=method, params=Params(**params))
    answer = await client.session.send_request(request, AnyResult)
    told: dict[str, Any] = answer.model_dump()
    return told


@asynccontextmanager
async def knowing(it: Daemon, principal: Principal = ANN.principal) -> AsyncIterator[tuple[Client, Knows]]:
    knows = Knows()
    async with Client(mcp_server(it.app, lambda: principal), mode="2026-07-28", extensions=[knows]) as client:
        yield client, knows


class Slow:
    """A host whose commands end when they are told to."""

    def __init__(self) -> None:
        self.channels: list[MemoryChannel] = []
        self.transport = MemoryTransport(self.channels.append)

    async def ends(self, text: bytes = b"done\n", code: int = 0) -> None:
        async with asyncio.timeout(5):
            while not self.channels:
                await asyncio.sleep(0.005)
        channel = self.channels.pop()
        channel.out(text)
        channel.exits(code)


@pytest.mark.parametrize(
    "arguments",
    [("ssh_run", LATE), ("ssh_run_many", {"hosts": ["web"], "command": "make all", "reply_within": 0.05})],
    ids=["ssh_run", "ssh_run_many"],
)
async def test_a_call_that_outlives_its_answer_becomes_a_task_and_ends_with_the_answer(
    arguments: tuple[str, dict[str, Any]],
) -> None:
    slow = Slow()
    async with daemon(transport=slow.transport) as it, knowing(it) as (client, knows):
        calling = asyncio.ensure_future(client.call_tool(*arguments))
        async with asyncio.timeout(5):
            while not knows.created:
                await asyncio.sleep(0.01)
        [created] = knows.created
        assert created["status"] == "working"
        assert created["createdAt"] <= created["lastUpdatedAt"]
        assert "ttlMs" in created
        assert created["ttlMs"] is None
        assert created["pollIntervalMs"] == 5_000
        await slow.ends(code=3)
        result = await calling  # and it fits the schema of the tool, which the client looks at
        assert not result.is_error
        assert isinstance(result.content[0], TextContent)
        assert "exit 3" in result.content[0].text
        assert "done" in result.content[0].text


async def test_a_call_that_is_answered_in_time_is_no_task() -> None:
    slow = Slow()
    async with daemon(transport=slow.transport) as it, knowing(it) as (client, knows):
        calling = asyncio.ensure_future(client.call_tool("ssh_run", {"host": "web", "command": "id"}))
        await slow.ends()
        assert (await calling).structured_content is not None
        refused = await client.call_tool("ssh_run", {"host": "nobody", "command": "id"})
        assert refused.is_error
        assert knows.created == []


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_client_that_does_not_declare_it_never_gets_a_task(era: str) -> None:
    async with (
        daemon(transport=Slow().transport) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode=era) as client,
    ):
        result = await client.call_tool("ssh_run", LATE)
        assert result.structured_content is not None
        assert result.structured_content["outcome"] == "running"
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            with pytest.raises(MCPError) as caught:
                await asked(client, method, taskId=result.structured_content["handle"])
            assert caught.value.code == (-32601 if era == "legacy" else -32021)


async def test_only_the_era_that_has_it_is_told_of_it() -> None:
    async with daemon() as it:
        async with Client(mcp_server(it.app, lambda: ANN.principal), mode="auto") as client:
            assert client.server_capabilities.extensions == {NAME: {}}
        async with Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy") as client:
            assert client.server_capabilities.extensions is None


async def created_by(client: Client) -> str:
    """The id of a new task; nobody waits for its end."""
    created = await client.session.call_tool("ssh_run", LATE, allow_claimed=True)
    assert isinstance(created, Created)
    return str(created.model_dump()["taskId"])


async def over(client: Client, task: str) -> dict[str, Any]:
    """The task, once it is over."""
    async with asyncio.timeout(5):
        while (told := await asked(client, "tasks/get", taskId=task))["status"] == "working":
            await asyncio.sleep(0.01)
    return told


async def test_a_cancelled_task_ends_on_its_host_and_is_cancelled() -> None:
    slow = Slow()
    async with daemon(transport=slow.transport) as it, knowing(it) as (client, _knows):
        task = await created_by(client)
        acknowledged = await asked(client, "tasks/cancel", taskId=task)
        assert acknowledged["resultType"] == "complete"
        told = await asked(client, "tasks/get", taskId=task)
        assert told["status"] == "cancelled"
        assert "result" not in told
        assert told["ttlMs"] >= 300_000
        await asked(client, "tasks/cancel", taskId=task)  # once more changes nothing
        assert "cancelled" in it.audit.events()
        tools = [record["tool"] for record in it.audit.records if record["event"] == "asked"]
        assert tools == ["tasks/cancel", "tasks/get", "tasks/cancel"]


async def test_an_update_is_acknowledged_for_nothing_is_asked() -> None:
    async with daemon(transport=Slow().transport) as it, knowing(it) as (client, _knows):
        task = await created_by(client)
        assert (await asked(client, "tasks/update", taskId=task, inputResponses={"x": {}}))["resultType"] == "complete"


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_a_foreign_task_is_answered_exactly_like_an_unknown_one(method: str) -> None:
    async with daemon(transport=Slow().transport) as it, knowing(it) as (client, _knows), knowing(it, BOB) as (bob, _):
        task, missing = await created_by(client), "r-" + "0" * 16
        told = []
        for each in (task, missing):
            with pytest.raises(MCPError) as caught:
                await asked(bob, method, taskId=each)
            assert caught.value.code == -32602
            told.append(str(caught.value.error).replace(each, "ID"))
        assert told[0] == told[1]
        assert (await asked(client, "tasks/get", taskId=task))["status"] == "working"


async def test_a_command_that_failed_is_completed_with_the_refusal() -> None:
    slow = Slow()
    async with daemon(transport=slow.transport) as it, knowing(it) as (client, _knows):
        gate = slow.transport.gate = asyncio.Event()
        task = await created_by(client)
        slow.transport.error = AuthenticationError("web did not accept the login")
        gate.set()
        told = await over(client, task)
        assert told["status"] == "completed"
        assert told["result"]["isError"] is True
        assert "auth_failed" in told["result"]["content"][0]["text"]


async def test_the_end_of_a_task_is_told_on_a_stream_to_its_owner_alone() -> None:
    slow = Slow()
    async with daemon(transport=slow.transport) as it, knowing(it) as (client, _knows):
        task = await created_by(client)
        async with (
            wire_in(mcp_server(it.app, lambda: ANN.principal)) as own,
            wire_in(mcp_server(it.app, lambda: BOB)) as other,
        ):
            own_id, other_id = listening(own, task), listening(other, task)
            agreed = (await own.until(acknowledges(own_id)))["params"]["notifications"]
            assert agreed == {"taskIds": [task]}
            assert (await other.until(acknowledges(other_id)))["params"]["notifications"] == {}
            await slow.ends(b"it is done\n")
            news = await own.until(lambda message: message.get("method") == "notifications/tasks")
            assert news["params"]["taskId"] == task
            assert news["params"]["status"] == "completed"
            assert "it is done" in news["params"]["result"]["content"][0]["text"]
            assert news["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == own_id
            again = listening(own, task)  # one that is over already is told at once
            await own.until(lambda message: meta(message) == again and "taskId" in message["params"])
            assert not [message for message in other.heard if message.get("method") == "notifications/tasks"]
        async with asyncio.timeout(5):
            while it.app.tasks.listeners:
                await asyncio.sleep(0.01)


async def test_a_token_that_is_gone_by_then_hears_of_no_task() -> None:
    slow, now = Slow(), [ANN.principal]

    def who() -> Principal:
        if not now:
            raise PermissionMissingError("the token is not valid any more; nothing was sent")
        return now[0]

    async with daemon(transport=slow.transport) as it, knowing(it) as (client, _):
        task = await created_by(client)
        async with wire_in(mcp_server(it.app, who)) as wire:
            number = listening(wire, task)
            await wire.until(acknowledges(number))
            now.clear()
            await slow.ends()
            await wire.until(lambda message: message.get("id") == number)
            assert not [message for message in wire.heard if message.get("method") == "notifications/tasks"]


def envelope(*extensions: str) -> dict[str, Any]:
    return {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {each: {} for each in extensions}},
    }


def listening(wire: Any, *tasks: str) -> int:
    wish = {"notifications": {"taskIds": list(tasks)}, "_meta": envelope(NAME)}
    number: int = wire.post("subscriptions/listen", wish)
    return number


def meta(message: dict[str, Any]) -> object:
    return message.get("params", {}).get("_meta", {}).get("io.modelcontextprotocol/subscriptionId")


def acknowledges(number: int) -> Any:
    return lambda message: message.get("method", "").endswith("acknowledged") and meta(message) == number


@pytest.mark.parametrize(
    ("ids", "extensions", "code"),
    [(["r-1"], (), -32021), ("r-1", (NAME,), -32602), ([1], (NAME,), -32602), (["r-1"] * 201, (NAME,), -32602)],
)
async def test_a_wish_for_news_of_tasks_that_does_not_fit_is_refused(ids: Any, extensions: Any, code: int) -> None:
    async with daemon() as it, wire_in(mcp_server(it.app, lambda: ANN.principal)) as wire:
        wish = {"notifications": {"taskIds": ids}, "_meta": envelope(*extensions)}
        assert (await wire.request("subscriptions/listen", wish))["error"]["code"] == code


async def test_no_secret_is_in_a_task() -> None:
    slow, canary = Slow(), "canary-5f3a9c-of-thirty-two"
    async with daemon(transport=slow.transport, secrets=SomeSecrets({"PASS": canary})) as it:
        it.app.keyrings.get("", "PASS")
        async with knowing(it) as (client, _knows):
            task = await created_by(client)
            slow.channels[0].out(f"it is {canary}\n".encode())
            assert canary not in str(await asked(client, "tasks/get", taskId=task))
            await slow.ends()
            told = str(await over(client, task))
            assert "it is [redacted]" in told
            assert canary not in told
