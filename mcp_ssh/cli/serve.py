"""`mcp-ssh` and `mcp-ssh serve`: MCP over stdio."""

import asyncio
import getpass
import os
import sys
from pathlib import Path

from mcp_ssh.app import running
from mcp_ssh.config.environment import Environment
from mcp_ssh.face.server import mcp_server
from mcp_ssh.face.stdio import serve as serve_stdio
from mcp_ssh.model.principal import Principal, Via


def serve() -> int:
    """Serve until the client leaves or the process is told to stop."""
    parent = os.getppid()  # first of all: a client may die while we start
    environment = Environment.from_environ(os.environ, Path.home())
    if sys.stdin.isatty():
        print(  # noqa: T201
            "mcp-ssh speaks MCP on stdin and stdout, to an assistant rather than to a person; Ctrl-C ends it.\n"
            "To see it work: mcp-ssh demo",
            file=sys.stderr,
        )
    asyncio.run(_serve(environment, parent))
    return 0


async def _serve(environment: Environment, parent: int) -> None:
    async with running(environment, os.environ) as app:
        principal = Principal(f"stdio:{_user()}", Via.STDIO)
        server = mcp_server(app, lambda: principal)
        await serve_stdio(server, parent, app.reload)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        return str(os.getuid())
