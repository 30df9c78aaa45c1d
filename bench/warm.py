"""One command on a connection that stands, asked of every client that keeps one."""

import asyncio
import subprocess
from collections.abc import Mapping

from bench.clients.client import Client, Target
from bench.clients.connrun import ConnRun
from bench.clients.libssh2 import Libssh2
from bench.clients.openssh import Mux
from bench.clients.paramikos import Paramiko
from bench.rounds import Plan, interleaved, opened
from bench.rows import Rounds, Row, median, ratio

hello, who = "echo hi", "uname -a"


def peers(target: Target) -> Mapping[str, Client]:
    """The others that keep a connection."""
    return {
        "mux": Mux(target),
        "libssh2": Libssh2(target),
        "conn.run": ConnRun(target),
        "paramiko": Paramiko(target),
    }


def measured(ways: Mapping[str, Client], command: str, plan: Plan) -> Rounds:
    """Seconds of a call by way and round."""
    return asyncio.run(_measured(ways, command, plan))


def beside(goal: int, what: str, found: Rounds) -> list[Row]:
    """What the others need by libssh2, and how long each of them takes, told only."""
    others = [name for name in found if name not in {"ours", "libssh2"}]
    return [
        *(Row(goal, f"{what}: {name} / libssh2", ratio(found, name, "libssh2"), "×") for name in others),
        *(Row(goal, f"{what}: {name}", median(found, name) * 1e3, "ms") for name in found),
    ]


def printed(command: str) -> bytes:
    """What the server prints for it; the server is this machine."""
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout


async def _measured(ways: Mapping[str, Client], command: str, plan: Plan) -> Rounds:
    async with opened(ways):
        return await interleaved(ways, command, printed(command), plan)
