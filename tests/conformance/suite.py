"""The public conformance suite against a server of its own: `make conformance`. Needs npm; brings its own Node.js.

The suite sends no token, so a small app in front of the server adds it. What is expected to fail stands in
`expected-failures-*.yaml`, each with its reason; whatever else fails, or does not fail any more, ends with 1.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_ssh.config.snapshot import Site
from mcp_ssh.config.tokens import default_token
from mcp_ssh.face.http import Bearer, http_app
from mcp_ssh.face.server import mcp_server
from tests.support.daemon import daemon
from tests.support.sshd import free_port

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".conformance"
PACKAGES = ("@modelcontextprotocol/conformance@0.2.0-alpha.12", "node@24")
REVISIONS = ("2025-11-25", "2026-07-28")
TOKEN = "conformance-" + "x" * 32


class WithToken:
    """Adds the token to whatever comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {TOKEN}".encode())]}
        await self._app(scope, receive, send)


async def main() -> int:
    """Run both revisions; the exit code is the worst of them."""
    if not (FOLDER / "node_modules").exists():
        FOLDER.mkdir(exist_ok=True)
        install = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(FOLDER), *PACKAGES]
        await asyncio.to_thread(subprocess.run, install, check=True)
    port = free_port()
    async with daemon(tokens=(default_token(TOKEN),), rate_limit_enabled=False) as it:
        bearer = Bearer(it.app.tokens)
        server = mcp_server(it.app, bearer.principal, bearer)
        web = http_app(server, Site(frozenset({"http"}), port=port), it.app.door)
        config = uvicorn.Config(WithToken(web), host="127.0.0.1", port=port, log_config=None)
        serving = uvicorn.Server(config)
        task = asyncio.ensure_future(serving.serve())
        while not serving.started:
            await asyncio.sleep(0.05)
        codes = [await asyncio.to_thread(run, port, revision) for revision in REVISIONS]
        serving.should_exit = True
        await task
    return max(codes)


def run(port: int, revision: str) -> int:
    """One revision."""
    suite = FOLDER / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    node = FOLDER / "node_modules" / "node" / "bin" / "node"
    expected = HERE / f"expected-failures-{revision}.yaml"
    command = [str(node), str(suite), "server", "--url", f"http://127.0.0.1:{port}/mcp", "--requirements", revision]
    command += ["--expected-failures", str(expected), "--output-dir", str(FOLDER / revision)]
    print(f"conformance, revision {revision}", flush=True)  # noqa: T201
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
