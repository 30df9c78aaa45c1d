"""MCP over the network: SSE and Streamable HTTP in one app, both protocol eras, bearer tokens.

It listens on loopback, for a proxy that does TLS. Host and Origin are looked at here as well: a page in somebody's
browser can reach loopback too.
"""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_ssh.config.snapshot import Site
from mcp_ssh.face.callers import streamable_path
from mcp_ssh.face.server import GuidedServer
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.principal import Principal
from mcp_ssh.service.door import Door, kinds
from mcp_ssh.service.tokens import Tokens

max_body_bytes = 1_048_576
max_header_bytes = 65_536
graceful_s = 2


class Bearer:
    """Which token a request carries; the SDK asks it for every request, on open sessions too."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token by its name alone: the secret goes no further."""
        found = self._tokens.find(token)
        if found is None:
            return None
        return AccessToken(token="", client_id=found.name, subject=found.name, scopes=[])

    def principal(self) -> Principal:
        """For whom the request is that is answered now. Raises `PermissionMissingError` if the token is gone."""
        access = get_access_token()
        return self._tokens.principal(access.client_id if access is not None else "")


class Watchman:
    """ASGI middleware: tells of every request that was turned away, and whose token let one in."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def looking(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._tell(scope, message["status"])
            await send(message)

        await self._app(scope, receive, looking)

    async def _tell(self, scope: Scope, status: int) -> None:
        address = (scope.get("client") or ("",))[0]
        user = scope.get("user")
        if status in kinds:
            forwarded = Headers(scope=scope).get("x-forwarded-for", "")
            await self._door.turned_away(status, address, scope["path"], forwarded)
        elif isinstance(user, AuthenticatedUser):
            self._door.let_in(f"token:{user.username}", address)


def http_app(server: GuidedServer, site: Site, door: Door) -> Starlette:
    """The app with the faces that are served, and `/health`, which needs no token and tells nothing else."""
    security = _security(site)
    routes: dict[str, BaseRoute] = {}
    middleware: list[Middleware] = []
    lifespan: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext
    if "sse" in site.faces:
        sse = server.sse_app(max_request_body_size=max_body_bytes, transport_security=security)
        routes |= {str(getattr(route, "path", route)): route for route in sse.routes}
        middleware = sse.user_middleware
    if "http" in site.faces:
        streamable = server.streamable_http_app(
            streamable_http_path=streamable_path, max_request_body_size=max_body_bytes, transport_security=security
        )
        routes |= {str(getattr(route, "path", route)): route for route in streamable.routes}
        middleware, lifespan = streamable.user_middleware, server.session_manager.run

    @contextlib.asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        del app
        async with lifespan():
            yield

    watched = [Middleware(Watchman, door=door), *middleware]
    app = Starlette(routes=[*routes.values()], middleware=watched, lifespan=running)
    app.add_route("/health", _health, methods=["GET"])
    app.state.end_streams = server.end_streams
    return app


async def serve(app: Starlette, site: Site, on_hangup: Callable[[], object], ready: Callable[[], object]) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP calls `on_hangup`. Requests have `graceful_s` seconds to end.

    Raises `ConfigurationError` if the address cannot be listened on.
    """
    listening = _listen(site.host, site.port)
    config = uvicorn.Config(
        app,
        host=site.host,
        port=site.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=graceful_s,
        h11_max_incomplete_event_size=max_header_bytes,
    )
    server = _Server(config, ready)
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: server.stop, signal.SIGINT: server.stop, signal.SIGHUP: on_hangup}
    for name, handler in handlers.items():
        loop.add_signal_handler(name, handler)
    try:
        await server.serve([listening])
    finally:
        for name in handlers:
            loop.remove_signal_handler(name)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
        raise ConfigurationError([Fault("environment", 0, "MCP_PORT", f"{host}:{port} {reason}")]) from None


class _Server(uvicorn.Server):
    """Says when it listens, and leaves signals to whoever serves."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handled already."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def stop(self) -> None:
        """End: open streams at once, for they never end by themselves, requests within the graceful time."""
        AppStatus.should_exit = True
        if isinstance(self.config.app, Starlette):
            self.config.app.state.end_streams()
        self.should_exit = True


async def _health(request: Request) -> JSONResponse:
    del request
    return JSONResponse({"status": "ok"})


def _security(site: Site) -> TransportSecuritySettings:
    """The Hosts and Origins that are answered: our own address, loopback, the public one, and the listed origins."""
    host, port = site.host, site.port
    names = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host)}
    origins = {f"http://{name}" for name in names}
    if site.public_base_url is not None:
        parts = urlsplit(site.public_base_url)
        names |= {parts.netloc}
        origins |= {f"{parts.scheme}://{parts.netloc}"}
    origins |= {origin.rstrip("/") for origin in site.origins}
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=sorted(names), allowed_origins=sorted(origins)
    )
