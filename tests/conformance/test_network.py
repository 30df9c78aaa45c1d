"""SSE and Streamable HTTP: the official client on both, in both eras, and whoever else comes along."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_types import CallToolResult, TextContent
from sse_starlette.sse import EventSourceResponse

from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.config.tokens import default_token, digest
from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.host import Shell
from mcp_ssh.model.principal import Permission, Token
from mcp_ssh.service.door import kinds
from tests.support.daemon import Daemon, daemon
from tests.support.devices import DeviceTransport
from tests.support.hosts import host
from tests.support.network import Site, site
from tests.support.nginx import EXAMPLE, nginx
from tests.support.sshd import free_port

FACES = pytest.mark.parametrize(
    ("face", "era"), [("sse", "legacy"), ("http", "legacy"), ("http", "2026-07-28")], ids=["sse", "http", "http 2026"]
)
MINE, THEIRS, READS, LATE, OFF = (f"{name}-{'x' * 32}" for name in ("mine", "theirs", "reads", "late", "off"))
EXECUTE = frozenset({Permission.EXECUTE, Permission.READ})
TOKENS = (
    default_token(MINE),
    Token("theirs", digest(THEIRS), EXECUTE, hosts=("sw",)),
    Token("reads", digest(READS), frozenset({Permission.READ})),
    Token("late", digest(LATE), EXECUTE, expires_at=1.0),
    Token("off", digest(OFF), EXECUTE, enabled=False),
)
INIT = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@asynccontextmanager
async def served(**changes: Any) -> AsyncIterator[tuple[Site, Daemon, DeviceTransport]]:
    transport = DeviceTransport(switch("secret"))
    hosts = (host("sw", shell=Shell.CLI, platform="cisco_ios"), host("web"))
    async with (
        transport,
        daemon(*hosts, transport=transport, tokens=changes.pop("tokens", TOKENS), task_progress_interval_s=0.1) as it,
        site(it.app, **changes) as where,
    ):
        yield where, it, transport


def text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def bearer(token: str) -> dict[str, str]:
    return {**JSON, "Authorization": f"Bearer {token}"}


@FACES
async def test_a_command_over_every_face_in_every_era(face: str, era: str) -> None:
    async with served() as (where, it, _), where.client(face, MINE, era) as client:
        result = await client.call_tool("ssh_run", {"host": "sw", "command": "show clock"})
        assert "*12:00:00" in text(result)
        assert {record["principal"] for record in it.audit.of_commands()} == {"token:default"}
        refused = await client.call_tool("ssh_run", {"host": "sw", "command": "reload", "confirm_dangerous": True})
        assert "approval_required" in text(refused)
        assert MINE not in repr(it.audit.records)


@FACES
async def test_a_token_sees_its_hosts_and_does_what_it_may(face: str, era: str) -> None:
    async with served() as (where, _, _), where.client(face, THEIRS, era) as client:
        hosts = (await client.call_tool("ssh_list_hosts", {})).structured_content
        assert hosts is not None
        assert [row["host"] for row in hosts["hosts"]] == ["sw"]
        assert "unknown host 'web'" in text(await client.call_tool("ssh_run", {"host": "web", "command": "id"}))
    async with served() as (where, _, _), where.client(face, READS, era) as client:
        result = await client.call_tool("ssh_run", {"host": "sw", "command": "show clock"})
        assert "permission_missing" in text(result)
        shown = {tool.name for tool in (await client.list_tools()).tools}
        assert shown == {
            "ssh_list_hosts", "ssh_list_sessions", "ssh_ping", "ssh_describe_host",
            "ssh_read_file", "ssh_list_directory", "ssh_transfer",
        }  # fmt: skip


@pytest.mark.parametrize("face", ["sse", "http"])
async def test_one_client_leaves_and_the_others_shell_keeps_its_mode(face: str) -> None:
    async with served() as (where, _, transport), where.client(face, MINE) as other:
        await other.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})
        async with where.client(face, MINE) as one:
            asked = await one.call_tool("ssh_shell", {"host": "sw", "command": "enable"})
            assert "waiting_input" in json.dumps(asked.structured_content)
        again = await other.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})
        assert "[user]" in text(again)
        assert len(transport.devices) == 2


async def test_without_a_session_each_call_gets_a_shell_and_its_handle() -> None:
    async with served() as (where, _, transport), where.client("http", MINE, "2026-07-28") as client:
        first = (await client.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})).structured_content
        second = (await client.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})).structured_content
        assert first is not None
        assert second is not None
        assert first["session"] != second["session"]
        same = {"host": "sw", "command": "show clock", "session": first["session"]}
        await client.call_tool("ssh_shell", same)
        assert len(transport.devices) == 2
        async with where.client("http", THEIRS, "2026-07-28") as stranger:
            assert "has no shell" in text(await stranger.call_tool("ssh_shell", same))


@FACES
async def test_a_revoked_token_is_out_at_once_also_on_an_open_session(face: str, era: str) -> None:
    async with served() as (where, it, _):
        with pytest.raises(Exception) as caught:  # noqa: PT011, PT012  how the client tells of a 401 is its own affair
            async with where.client(face, THEIRS, era) as client:
                await client.call_tool("ssh_list_hosts", {})
                revoke(it, "theirs")
                result = await asyncio.wait_for(client.call_tool("ssh_list_hosts", {}), 2)
                assert result.is_error, text(result)
                raise PermissionError
        assert caught.value is not None


def revoke(it: Daemon, name: str) -> None:
    configuration = it.app.configuration
    before = configuration.current
    left = tuple(token for token in before.tokens if token.name != name)
    configuration._current = Snapshot(before.inventory, before.settings, before.path, left)  # as a reload would


HOSTILE: dict[str, tuple[str, str, Mapping[str, str], bytes | None, int]] = {
    "no token": ("POST", "/mcp", JSON, b"{}", 401),
    "no token on sse": ("GET", "/sse", {}, None, 401),
    "no token on messages": ("POST", "/messages/?session_id=0123", JSON, b"{}", 401),
    "wrong token": ("POST", "/mcp", bearer("wrong" * 10), b"{}", 401),
    "expired token": ("POST", "/mcp", bearer(LATE), b"{}", 401),
    "disabled token": ("POST", "/mcp", bearer(OFF), b"{}", 401),
    "half a token": ("POST", "/mcp", bearer(MINE[:-1]), b"{}", 401),
    "the digest of a token": ("POST", "/mcp", bearer(digest(MINE)), b"{}", 401),
    "a token of another scheme": ("POST", "/mcp", {**JSON, "Authorization": f"Basic {MINE}"}, b"{}", 401),
    "a token in the url": ("POST", f"/mcp?token={MINE}", JSON, b"{}", 401),
    "a token in the url of sse": ("GET", f"/sse?access_token={MINE}", {}, None, 401),
    "a token in a cookie": ("POST", "/mcp", {**JSON, "Cookie": f"token={MINE}"}, b"{}", 401),
    "a huge token": ("POST", "/mcp", bearer("x" * 20_000), b"{}", 401),
    "a foreign host": ("POST", "/mcp", {**bearer(MINE), "Host": "evil.example"}, b"{}", 421),
    "a foreign origin": ("POST", "/mcp", {**bearer(MINE), "Origin": "https://evil.example"}, b"{}", 403),
    "a foreign origin on sse": ("GET", "/sse", {**bearer(MINE), "Origin": "https://evil.example"}, None, 403),
    "two megabytes": ("POST", "/mcp", bearer(MINE), b"[" + b"1," * 1_000_000, 413),
    "no json": ("POST", "/mcp", bearer(MINE), b"\xff\x00", 400),
    "the wrong type": ("POST", "/mcp", {**bearer(MINE), "Content-Type": "text/plain"}, b"{}", 400),
    "a session that is not there": (
        "POST",
        "/mcp",
        {**bearer(MINE), "mcp-session-id": "0" * 32},
        json.dumps(INIT | {"method": "tools/list"}).encode(),
        404,
    ),
    "a path beside": ("GET", "/mcp/../etc/passwd", {}, None, 404),
    "a path with dots": ("GET", "/..%2f..%2fetc/passwd", {}, None, 404),
    "another path": ("GET", "/docs", {}, None, 404),
    "another method": ("PUT", "/mcp", bearer(MINE), b"{}", 405),
    "a method on health": ("DELETE", "/health", {}, None, 405),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_whoever_else_comes_gets_the_right_answer_and_nothing_runs(name: str) -> None:
    method, path, headers, body, status = HOSTILE[name]
    async with served() as (where, it, transport):
        got, answer, _ = await where.request(method, path, body, dict(headers))
        assert got == status, (got, answer)
        assert MINE.encode() not in answer
        assert transport.devices == []
        records = [record for record in it.audit.records if "status" in record]
        assert [record["status"] for record in records] == ([status] if status in kinds else [])
        assert MINE not in repr(records)


async def test_another_tokens_session_is_not_there() -> None:
    async with served() as (where, _, _):
        status, _, headers = await where.request("POST", "/mcp", json.dumps(INIT).encode(), bearer(MINE))
        assert status == 200
        session = {"mcp-session-id": headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        body = json.dumps(INIT | {"id": 2, "method": "tools/list", "params": {}}).encode()
        assert (await where.request("POST", "/mcp", body, {**bearer(THEIRS), **session}))[0] == 404
        assert (await where.request("POST", "/mcp", body, {**bearer(MINE), **session}))[0] == 200


async def test_the_public_name_is_answered_and_health_needs_no_token() -> None:
    async with served(public_base_url="https://mcp.example.com") as (where, _, _):
        public = {**bearer(MINE), "Host": "mcp.example.com", "Origin": "https://mcp.example.com"}
        assert (await where.request("POST", "/mcp", json.dumps(INIT).encode(), public))[0] == 200
        assert (await where.request("GET", "/health"))[0] == 200
        assert (await where.request("GET", "/health", None, {"Host": "anything"}))[0] == 200


async def test_pages_of_a_listed_origin_may_call() -> None:
    async with served(origins=("https://console.example",)) as (where, _, _):
        for origin, status in (("https://console.example", 200), ("https://other.example", 403)):
            headers = {**bearer(MINE), "Origin": origin, **JSON}
            assert (await where.request("POST", "/mcp", json.dumps(INIT).encode(), headers))[0] == status


@pytest.mark.parametrize(("face", "missing"), [("sse", "/mcp"), ("http", "/sse")])
async def test_only_the_faces_that_are_asked_for_are_served(face: str, missing: str) -> None:
    async with served(faces=frozenset({face})) as (where, _, _):
        assert (await where.request("POST" if missing == "/mcp" else "GET", missing, None, bearer(MINE)))[0] == 404


@FACES
async def test_debians_nginx_with_tls_in_front(face: str, era: str, tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def hears(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        if (message or "").endswith("Sending 5, 100-byte ICMP Echos"):
            goes_on.set()

    port = free_port()
    public = f"https://localhost:{port}"
    async with served(public_base_url=public) as (behind, it, transport):
        with nginx(tmp_path / "nginx", behind.port, port) as trust:
            where = Site(port, trust)
            async with where.client(face, MINE, era) as client:
                assert "*12:00:00" in text(await client.call_tool("ssh_run", {"host": "sw", "command": "show clock"}))
                arguments = {"host": "sw", "command": "ping 192.0.2.9", "timeout": 30}
                calling = asyncio.ensure_future(client.call_tool("ssh_shell", arguments, progress_callback=hears))
                await asyncio.wait_for(goes_on.wait(), 5)  # progress is not held back by the proxy
                assert any("ping 192.0.2.9" in device.lines for device in transport.devices)
                calling.cancel()  # it goes all the way through the proxy and stops the ping
                while "cancelled" not in it.audit.events():
                    await asyncio.sleep(0.02)
                again = await client.call_tool("ssh_run", {"host": "sw", "command": "show clock"})
                assert "*12:00:00" in text(again)
        assert MINE not in (tmp_path / "nginx" / "access.log").read_text()


async def idles(where: Site, seconds: float) -> bool:
    """Whether a stream on which nothing happens is still open after that time."""
    async with (
        httpx2.AsyncClient(verify=where.trust or False) as client,
        client.stream("GET", f"{where.url}/sse", headers=bearer(MINE), timeout=30) as answer,
    ):
        try:
            async with asyncio.timeout(seconds):
                async for _ in answer.aiter_raw():
                    pass
        except TimeoutError:
            return True
        except httpx2.HTTPError:
            return False
        return False


async def test_a_stream_stays_open_for_as_long_as_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour in seconds: the proxy's patience and our pings both shortened, then no pings to see that it ends."""
    patience = re.search(r"proxy_read_timeout (\d+)s;", EXAMPLE.read_text())
    assert patience is not None
    assert int(patience[1]) >= EventSourceResponse.DEFAULT_PING_INTERVAL * 4
    port = free_port()
    async with served(public_base_url=f"https://localhost:{port}") as (behind, _, _):
        with nginx(tmp_path / "nginx", behind.port, port, proxy_read_timeout="1s") as trust:
            monkeypatch.setattr(EventSourceResponse, "DEFAULT_PING_INTERVAL", 0.25)
            where = Site(port, trust)
            assert await idles(where, 4)
            async with where.client("sse", MINE) as client:
                first = await client.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})
                await asyncio.sleep(4)
                later = await client.call_tool("ssh_shell", {"host": "sw", "command": "show clock"})
                assert (first.structured_content or {})["session"] == (later.structured_content or {})["session"]
            monkeypatch.setattr(EventSourceResponse, "DEFAULT_PING_INTERVAL", 100)
            assert not await idles(where, 10)


async def test_nginx_sends_no_command_twice(tmp_path: Path) -> None:
    """Two upstreams that die in mid-request: whatever nginx could do, it sends the POST once."""
    seen: list[bytes] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(65_536))
        writer.close()

    async with await asyncio.start_server(dies, "127.0.0.1", 0) as upstream:
        port = free_port()
        with nginx(tmp_path / "nginx", upstream.sockets[0].getsockname()[1], port) as trust:
            async with httpx2.AsyncClient(verify=trust) as client:
                answer = await client.post(f"https://localhost:{port}/mcp", json=INIT, headers=bearer(MINE))
            assert answer.status_code == 502
            await asyncio.sleep(0.3)
    assert len(seen) == 1


async def test_twenty_long_commands_and_the_ping_beside_them_is_answered_at_once() -> None:
    async with served(max_sessions=50, calls_per_minute=100) as (where, _, _), where.client("http", MINE) as client:
        arguments = {"host": "sw", "command": "ping 192.0.2.9", "timeout": 30, "reply_within": 3}
        await client.call_tool("ssh_connect", {"host": "sw"})
        handles = await asyncio.gather(*(shell_of(client) for _ in range(20)))
        calls = [
            asyncio.ensure_future(client.call_tool("ssh_shell", arguments | {"session": handle})) for handle in handles
        ]
        await asyncio.sleep(0.5)
        await client.call_tool("ssh_ping", {})
        assert not any(each.done() for each in calls)  # it waited for none of them
        results = await asyncio.gather(*calls)
        assert all("still running" in text(result) for result in results)


async def shell_of(client: Any) -> str:
    opened = await client.call_tool("ssh_connect", {"host": "sw", "new_shell": True})
    return str(opened.structured_content["shell"])


async def test_a_flood_of_refusals_is_one_record_a_second_with_their_number() -> None:
    async with served() as (where, it, _):
        forwarded = {**JSON, "X-Forwarded-For": "203.0.113.9\x7f"}
        for _ in range(30):
            await where.request("POST", "/mcp", b"{}", forwarded)
        await it.clock.advance(2)
        await where.request("POST", "/mcp", b"{}", forwarded)
        told = [record for record in it.audit.records if record["event"] == "auth"]
        assert [record["requests"] for record in told] == [1, 30]
        assert [record["decision"] for record in told] == ["deny", "deny"]
        assert told[0]["forwarded_for"] == "203.0.113.9?"
        assert told[0]["reason"] == "no valid token"


async def raw(port: int, head: str, body: bytes = b"", *, endless: bool = False) -> bytes:
    """The status line for what is sent byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode("latin-1") + b"\r\n\r\n" + body)
        for _ in range(400 if endless else 0):
            writer.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
            await writer.drain()
        return await asyncio.wait_for(reader.readline(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_what_no_client_sends_is_turned_away_and_the_next_request_is_answered() -> None:
    async with served() as (where, it, transport):
        start = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{where.port}\r\nAuthorization: Bearer {MINE}\r\n"
        json_type = "Content-Type: application/json\r\nAccept: application/json, text/event-stream"
        flood = "\r\n".join(f"X-{number}: {'y' * 1_000}" for number in range(200))
        assert b" 400 " in await raw(where.port, f"{start}{flood}")
        endless = f"{start}{json_type}\r\nTransfer-Encoding: chunked"
        assert b" 413 " in await raw(where.port, endless, endless=True)
        assert b" 400 " in await raw(where.port, f"{start}{json_type}\r\nContent-Length: 5\r\nContent-Length: 6")
        smuggled = f"{start}{json_type}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked"
        assert b" 200 " not in await raw(where.port, smuggled, b"0\r\n\r\nPOST /mcp HTTP/1.1\r\n\r\n")
        control = start.replace(MINE, f"{MINE}\x0b")
        assert b" 400 " in await raw(where.port, f"{control}{json_type}\r\nContent-Length: 0")
        assert (await where.request("GET", "/health"))[0] == 200
        assert transport.devices == []
        assert {record["event"] for record in it.audit.of_commands()} <= {"request.refused"}
