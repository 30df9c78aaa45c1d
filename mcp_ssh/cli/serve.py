"""`mcp-ssh` and `mcp-ssh serve`: MCP over stdio, or over the network where the environment says so."""

import asyncio
import getpass
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from mcp_ssh.app import App, running
from mcp_ssh.cli.starting import Started
from mcp_ssh.config.environment import Environment, token_missing
from mcp_ssh.config.secrets import secret_names
from mcp_ssh.config.snapshot import Site
from mcp_ssh.face.attach import Attachments, Linger, listening
from mcp_ssh.face.desk import desk
from mcp_ssh.face.rendezvous import socket_path
from mcp_ssh.face.server import mcp_server
from mcp_ssh.face.stdio import serve as serve_stdio
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.principal import Principal, Via

most_log_bytes = 4_194_304


def serve(started: Started) -> int:
    """Serve until the client leaves or the process is told to stop; `started` hears when that begins."""
    parent = os.getppid()  # first of all: a client may die while we start
    environment = Environment.from_environ(dict(os.environ), Path.home())
    asyncio.run(_serve(environment, parent, started))
    return 0


async def _serve(environment: Environment, parent: int, started: Started) -> None:
    async with _open(environment) as app:
        site = app.configuration.current.site
        if site.faces:
            if environment.network.token is None:
                raise ConfigurationError([Fault("environment", 0, "MCP_AUTH_TOKEN", token_missing)])
            await _serve_network(app, site, started)
            return
        if sys.stdin.isatty():
            print(  # noqa: T201
                "mcp-ssh speaks MCP on stdin and stdout, to an assistant rather than to a person; Ctrl-C ends it.\n"
                "To see it work: mcp-ssh demo",
                file=sys.stderr,
            )
        server = mcp_server(app, _whoever(app, environment.token, "stdio"))
        started()
        await serve_stdio(server, parent, app.reload.now)


@asynccontextmanager
async def _open(environment: Environment) -> AsyncIterator[App]:
    """A running daemon, with its desk for operators."""
    async with (
        running(environment, environment.environ) as app,
        desk(app.approvals, app.configuration.current.settings.state_dir),
    ):
        for name in secret_names(app.configuration.current, environment.environ):
            os.environ.pop(name, None)
        yield app


def _whoever(app: App, secret: str | None, way: str) -> Callable[[], Principal]:
    """Who calls over stdio: the user, or the token that `MCP_TOKEN` is, as it stands at each call."""
    if secret is None:
        user = Principal(f"stdio:{_user()}", Via.STDIO)
        app.door.let_in(user.name, way)
        return lambda: user
    token = app.tokens.find(secret)
    if token is None:
        raise ConfigurationError([Fault("environment", 0, "MCP_TOKEN", "is no token that is valid now")])
    app.door.let_in(token.principal().name, way)
    return lambda: app.tokens.principal(token.name)


def serve_attached(started: Started) -> int:
    """Serve those who attach, until nobody does and nothing is open any more, or the process is told to stop."""
    environment = Environment.from_environ(dict(os.environ), Path.home())
    with listening(socket_path(os.environ, Path.home())) as listener:
        asyncio.run(_serve_attached(environment, listener, started))
    return 0


async def _serve_attached(environment: Environment, listener: socket.socket, started: Started) -> None:
    async with _open(environment) as app:
        guests = Attachments(app.keyrings, lambda environ: _whoever(app, environ.get("MCP_TOKEN") or None, "attach"))
        server = mcp_server(app, guests.principal)
        linger = Linger(environment.idle_exit_s, time.monotonic, app.daemon.is_quiet)
        log = socket_path(os.environ, Path.home()).with_suffix(".log")

        def is_over(clients: int) -> bool:
            _keep_small(log)
            return linger(clients)

        started()
        await guests.serve(listener, server, app.reload.now, is_over)


def _keep_small(log: Path) -> None:
    """Begin the log anew when it is long; only the one that `attach` made, not where somebody else sent stderr."""
    own = os.fstat(2)
    if own.st_size > most_log_bytes and log.exists() and os.path.samestat(own, log.stat()):
        log.with_suffix(".log.1").write_bytes(log.read_bytes())
        os.ftruncate(2, 0)


async def _serve_network(app: App, site: Site, started: Started) -> None:
    from mcp_ssh.face.http import Bearer, http_app  # noqa: PLC0415  stdio pays for no web server
    from mcp_ssh.face.http import serve as serve_http  # noqa: PLC0415  as above

    bearer = Bearer(app.tokens)
    web = http_app(mcp_server(app, bearer.principal, bearer), site, app.door)
    paths = {"sse": "/sse", "http": "/mcp"}
    log = structlog.get_logger("mcp_ssh.serve")

    def ready() -> None:
        where = f"http://{site.host}:{site.port}"
        started()
        log.info("serving", urls=[f"{where}{paths[face]}" for face in sorted(site.faces)])

    await serve_http(web, site, app.reload.now, ready)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        return str(os.getuid())
