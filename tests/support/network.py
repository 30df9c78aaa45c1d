"""The network faces on a loopback port, in the loop of the test."""

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import uvicorn
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from sse_starlette.sse import AppStatus

from mcp_ssh.app import App
from mcp_ssh.config.snapshot import Site as Listening
from mcp_ssh.face.http import Bearer, http_app
from mcp_ssh.face.http import _Server as Server  # the handlers of signals belong to a process of its own
from mcp_ssh.face.server import mcp_server
from tests.support.sshd import free_port


@dataclass(frozen=True)
class Site:
    """Where it listens; with `trust` by TLS, as a proxy does."""

    port: int
    trust: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self.trust is None else f"https://localhost:{self.port}"

    @asynccontextmanager
    async def client(
        self, face: str, token: str, era: str = "legacy", person: Any = None, heard: Any = None
    ) -> AsyncIterator[Client]:
        """The official client on a face, with a person who is asked, if there is one; `heard` gets its messages."""
        own = {"Authorization": f"Bearer {token}"}

        def carrier(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
            del timeout
            verify = True if self.trust is None else self.trust
            return httpx2.AsyncClient(headers=own | dict(headers or {}), timeout=30, auth=auth, verify=verify)

        if face == "sse":
            async with Client(
                sse_client(f"{self.url}/sse", httpx_client_factory=carrier),
                mode="legacy",
                elicitation_callback=person,
                message_handler=heard,
            ) as client:
                yield client
            return
        async with (
            carrier() as http_client,
            Client(
                streamable_http_client(f"{self.url}/mcp", http_client=http_client),
                mode=era,
                elicitation_callback=person,
                message_handler=heard,
            ) as client,
        ):
            yield client

    async def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """A request of whoever comes along: status, the first bytes of the answer, headers."""
        return await asyncio.to_thread(self._request, method, path, body, headers or {})

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read(2_000) if answer.status != 200 else b"", dict(answer.getheaders())
        finally:
            connection.close()


@asynccontextmanager
async def site(app: App, faces: frozenset[str] = frozenset({"sse", "http"}), **changes: Any) -> AsyncIterator[Site]:
    """The faces of an app."""
    port = free_port()
    bearer = Bearer(app.tokens)
    server_of = mcp_server(app, bearer.principal, bearer)
    listening = Listening(faces, "127.0.0.1", port, changes.get("public_base_url"), changes.get("origins", ()))
    web = http_app(server_of, listening, app.door)
    started = asyncio.Event()
    config = uvicorn.Config(
        web, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=changes.get("graceful_s", 1)
    )
    server = Server(config, started.set)
    serving = asyncio.ensure_future(server.serve())
    await started.wait()
    try:
        yield Site(port)
    finally:
        server.stop()
        await serving
        AppStatus.should_exit = False  # it is the process's, and other tests serve too
        for task in asyncio.all_tasks():
            if getattr(task.get_coro(), "__name__", "") == "_shutdown_watcher":
                task.cancel()
