"""More and more hosts in hosts.yaml: reading them, reading them again, listing them, judging a command on one."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bench.growth.fit import Growth, each
from mcp_ssh.app import App, SystemClock, configure_logging, wired
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.face.views import of_hosts
from mcp_ssh.model.command import Wish
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.transport.algorithms import supported
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh_drivers.registry import known
from tests.support.daemon import Ledger
from tests.support.secrets import NoSecrets

usual_sizes, quick_sizes = (10, 100, 1_000, 10_000), (10, 30, 100)
me = Caller(Principal("bench", Via.STDIO))
tagged_every = 10
runs, plans = 5, 100


def measured(sizes: Sequence[int]) -> list[Growth]:
    """All of it, on a daemon of each size."""
    configure_logging("error")  # each reading is told otherwise
    costs = {name: dict[int, float]() for name in ("load", "list", "plan", "reload")}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for name, cost_s in asyncio.run(_of_size(Path(folder), size)).items():
                costs[name][size] = cost_s * 1e3
    return [
        Growth("hosts.yaml read", costs["load"], "ms", "hosts"),
        Growth("hosts.yaml read again, unchanged", costs["reload"], "ms", "hosts"),
        Growth("hosts of one tag listed", costs["list"], "ms", "hosts"),
        Growth("one command judged", each(costs["plan"]), "ms", "hosts"),
    ]


async def _of_size(folder: Path, size: int) -> dict[str, float]:
    environment = environment_of(written(folder, size), folder)

    def read() -> Snapshot:
        return load(environment, known, supported())

    async with daemon_of(read) as app:
        return {
            "load": _least(read),
            "reload": _least(lambda: _taken(app)),
            "list": _least(lambda: _listed(app, size)),
            "plan": await judging(app, size),
        }


def written(folder: Path, size: int) -> Path:
    """A hosts.yaml with so many hosts, of which a tenth has the tag `web`."""
    lines = ["hosts:"]
    for number in range(size):
        tags = "[web, prod]" if number % tagged_every == 0 else "[prod]"
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        rest = f"user: ops, auth: {{method: key, key_path: /nowhere/key}}, tags: {tags}"
        lines.append(f"  host{number:05d}: {{host: {address}, {rest}}}")
    lines.append(f"settings: {{state_dir: {folder}/state, audit_log: {folder}/audit.log, known_hosts: []}}")
    path = folder / "hosts.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def environment_of(path: Path, home: Path) -> Environment:
    """As the daemon sees it."""
    return Environment.from_environ({"MCP_SSH_CONFIG": str(path)}, home)


def daemon_of(read: Callable[[], Snapshot]) -> AbstractAsyncContextManager[App]:
    """A daemon that reads its hosts by this, and whose audit log is a list."""
    configuration = Configuration(read)
    transport = SshTransport(configuration.current.settings)
    return wired(configuration, Ledger(), transport, SystemClock(), Keyrings(NoSecrets()))


async def judging(app: App, size: int) -> float:
    """Seconds to judge a command on a host, all over the inventory."""
    times = list[float]()
    for number in range(plans):
        name = f"host{number * size // plans:05d}"
        began = time.perf_counter()
        planned = await app.commands.plan(me, name, Wish("systemctl status nginx"))
        times.append(time.perf_counter() - began)
        if planned.judged.decision is None:
            raise RuntimeError(f"{name} was not judged")
    return statistics.median(times)


def _taken(app: App) -> None:
    if not app.reload.now():
        raise RuntimeError("the file was not taken")


def _listed(app: App, size: int) -> None:
    found = of_hosts(app.daemon.hosts(me.principal, "web")).structured_content
    if found is None or len(found["hosts"]) != -(-size // tagged_every):
        raise RuntimeError("not the hosts that have the tag")


def _least(work: Callable[[], object]) -> float:
    """Seconds of the best run: others hold a collection of garbage, which comes when it likes."""
    times = list[float]()
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)
