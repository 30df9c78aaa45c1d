"""One command on many hosts with real logins, some of which never answer and some of which are slow.

`python -m bench.fleet` takes about half a minute with two hundred hosts; `--quick` a few seconds with forty, as the
tests do. It shows what a dead host costs: its own time, and nobody else's. All hosts are sshd on loopback.
"""

import argparse
import asyncio
import resource
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_ssh.model.command import Wish
from mcp_ssh.service.fleet import Fleet
from mcp_ssh.service.fleets import Choice
from tests.support.daemon import ANN, daemon
from tests.support.posix import host_of, transport_in
from tests.support.sshd import Sshd

dead_count, slow_count, slow_s = 5, 3, 2
quick_hosts, usual_hosts = 40, 200


@dataclass(frozen=True)
class Figures:
    """`all_s`: until the last row. `living_s`: until the last row of a host that answers. `grown_kib`: of memory."""

    fleet: Fleet
    decided: int
    all_s: float
    living_s: float
    grown_kib: int


async def measured(folder: Path, count: int, connect_s: float, *, waits: bool = True) -> Figures:
    """`count` hosts, of which five never answer within `connect_s` seconds and three take two seconds each.

    Unless it `waits` for that time, the five hang up once all others are over.
    """
    usual, slow = Sshd(folder / "usual"), Sshd(folder / "slow", extra=[f"ForceCommand sleep {slow_s}; echo late"])
    with usual, slow, _black_hole() as silent:
        port = silent.getsockname()[1]
        entries = [host_of(usual, name=f"web{number:03d}") for number in range(count - dead_count - slow_count)]
        for number in range(slow_count):
            entries.insert(number * 10, host_of(slow, name=f"slow{number}"))
        for number in range(dead_count):
            entries.insert(number * 7, host_of(usual, name=f"dead{number}", port=port))
        transport = transport_in(folder, connect_timeout_s=connect_s)
        async with daemon(*entries, transport=transport, state_dir=str(folder / "state")) as it:
            loop, before = asyncio.get_running_loop(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = living = loop.time()

            async def tell(fleet: Fleet) -> None:
                nonlocal living
                if any(name not in fleet.rows for name in names):
                    living = loop.time()
                elif not waits:
                    silent.close()

            names = [entry.name for entry in entries if not entry.name.startswith("dead")]
            fleet = await it.app.fleets.run(ANN, Choice(("*",)), Wish("echo up"), reply_within_s=300, tell=tell)
            return Figures(
                fleet,
                it.audit.events().count("decided"),
                loop.time() - began,
                living - began,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
            )


@contextmanager
def _black_hole() -> Iterator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        yield silent


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="forty hosts")
    count = quick_hosts if parser.parse_args().quick else usual_hosts
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measured(Path(folder), count, 15.0))
    print(f"{count} hosts, {dead_count} of them dead (15 s to connect), {slow_count} slow ({slow_s} s), 32 at once")  # noqa: T201
    print(f"  last host that answers   {figures.living_s:6.2f} s")  # noqa: T201
    print(f"  all rows                 {figures.all_s:6.2f} s")  # noqa: T201
    print(f"  memory grown             {figures.grown_kib / 1024:6.1f} MB, sessions of all hosts included")  # noqa: T201


if __name__ == "__main__":
    main()
