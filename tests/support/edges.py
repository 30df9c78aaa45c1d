"""Devices at the edge: a daemon that they dial in to, and real clients that do it."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from mcp_ssh.app import App, running
from mcp_ssh.config.environment import Environment
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.result import CommandResult
from mcp_ssh.transport import tunnellistener
from tests.support.daemon import ANN
from tests.support.parts import require
from tests.support.sshd import Sshd, free_port, make_key, send
from tests.support.waiting import until

PORT = 22_222


@dataclass
class Gateway:
    """A daemon with a listener. `hosts` are the lines of hosts.yaml under each name."""

    folder: Path
    hosts: dict[str, str]
    address: str
    port: int
    rest: str = ""
    app: App | None = None

    @property
    def running(self) -> App:
        assert self.app is not None
        return self.app

    def write(self) -> None:
        """The file, as the hosts are now; in one step, as an editor does it."""
        rows = "".join(f"  {name}: {{{line}}}\n" for name, line in self.hosts.items())
        new = self.folder / "hosts.new"
        new.write_text(
            f"hosts:\n{rows or '  {}' + chr(10)}"
            f"settings: {{state_dir: {self.folder}/state, audit_log: {self.folder}/audit.log, known_hosts: []}}\n"
            f"tunnel_listener: {{enabled: true, host: {self.address}, port: {self.port}}}\n{self.rest}"
        )
        new.replace(self.folder / "hosts.yaml")

    def take(self, **hosts: str) -> None:
        """These hosts from now on."""
        self.hosts = hosts
        self.write()
        assert self.running.reload.now()

    async def run(self, command: str, host: str = "edge") -> CommandResult:
        answer = await self.running.commands.run(ANN, host, Wish(command))
        return answer.result

    async def code(self, host: str = "edge") -> str:
        """How connecting to the host ends: `open`, or the code of its error."""
        try:
            await self.running.commands.connect(ANN, host)
        except McpSshError as error:
            return error.code
        return "open"

    async def until_code(self, code: str, host: str = "edge") -> None:
        found = [""]

        async def fits() -> bool:
            found[0] = await self.code(host)
            return found[0] == code

        async with asyncio.timeout(10):
            while not await fits():
                await asyncio.sleep(0.02)

    def records(self, event: str) -> list[dict[str, Any]]:
        lines = (self.folder / "audit.log").read_text().splitlines()
        return [record for record in map(json.loads, lines) if record["event"] == event]

    async def until_record(self, event: str, words: str) -> dict[str, Any]:
        """The first record of that kind that has these words."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [record for record in self.records(event) if words in json.dumps(record)]
            return bool(found)

        await until(there, f"no {event} with {words!r} in {self.records(event)}")
        return found[0]


@asynccontextmanager
async def gateway(
    folder: Path, hosts: Mapping[str, str], *, address: str = "127.0.0.1", port: int | None = None, rest: str = ""
) -> AsyncIterator[Gateway]:
    """A daemon in that folder."""
    made = Gateway(folder, dict(hosts), address, port or free_port(), rest)
    made.write()
    environment = Environment(folder / "hosts.yaml", folder, log_level="error", reload_interval_s=3_600)
    with mock.patch.object(tunnellistener, "look_every_s", 0.05):
        async with running(environment, {}) as app:
            made.app = app
            yield made


def entry(server: Sshd, key: Path, *, port: int = PORT, more: str = "") -> str:
    """The line of a host whose device has that key, and that server behind it."""
    auth = f"auth: {{method: key, key_path: {server.key_path}}}"
    return f"connect: tunnel, tunnel: {{port: {port}, device_key_file: {key}.pub}}, user: {server.user}, {auth}" + (
        f", {more}" if more else ""
    )


def device_key(folder: Path, name: str = "device_key") -> Path:
    """A fresh key of a device."""
    make_key(folder / name)
    return folder / name


def ssh(gate: Gateway, key: Path, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """The real client, as a device starts it; `words` are what it is for."""
    return subprocess.Popen(
        [
            *(*before, require("ssh"), "-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={gate.folder}/known"),
            *("-o", "LogLevel=ERROR", "-p", str(gate.port), *words),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )


def forward(server: Sshd, port: int = PORT) -> list[str]:
    """What a device asks for."""
    return ["-N", "-R", f"{port}:127.0.0.1:{server.port}", "-o", "ExitOnForwardFailure=yes"]


@contextmanager
def dialling(gate: Gateway, key: Path, *words: str, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A device that is there for as long as the context lasts."""
    process = ssh(gate, key, *words, f"edge@{gate.address}", before=before)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a client, one that is stopped as well."""
    send(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=10)


async def ended(process: subprocess.Popen[bytes]) -> str:
    """What a client said before it ended by itself."""
    _, told = await asyncio.to_thread(process.communicate, timeout=15)
    return told.decode()
