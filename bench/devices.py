"""Goal 4: FRR's vtysh in a terminal, beside the libraries that people drive devices with.

Our driver waits behind a prompt for more to come (a line of output may look like one) and the others do not, so its
call is told twice: as it is, and with that wait taken out. All outputs have to be the same bytes once they are
normalised the way both libraries do it by themselves: no blanks at line ends, no empty lines at either end.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.clients.client import Client, Target, target_of
from bench.clients.devices import Netmiko, Scrapli
from bench.clients.ourcli import OurCli
from bench.rounds import Plan, compare, opened, rotated, timed
from bench.rows import Rounds, Row, median, ratio
from tests.support.routers import vtysh

commands = "show interface brief", "show version"
settle_free = "ours without its settle time"


def rows(*, quick: bool) -> list[Row]:
    """Both commands; the goal is about the first."""
    plan = Plan(2, 2) if quick else Plan(16, 5)
    with tempfile.TemporaryDirectory() as name, vtysh(Path(name)) as server:
        found = asyncio.run(_measured(target_of(server, Path(name)), plan))
    told = [row for command in commands for row in _told(command, found[command])]
    return told + [
        Row(4, f"`{command}`: {way}", median(found[command], way) * 1e3, "ms")
        for command in commands
        for way in found[command]
    ]


def _told(command: str, found: Rounds) -> list[Row]:
    return [
        Row(
            4,
            f"`{command}`: {settle_free} / scrapli",
            ratio(found, settle_free, "scrapli"),
            "×",
            0.6,
            note="cumulus_vtysh",
        ),
        Row(4, f"`{command}`: ours / netmiko", ratio(found, "ours", "netmiko"), "×", 0.1, note="cisco_ios"),
        Row(4, f"`{command}`: ours / scrapli", ratio(found, "ours", "scrapli"), "×"),
        Row(4, f"`{command}`: ours, echo verified / netmiko", ratio(found, "ours, echo verified", "netmiko"), "×"),
        Row(4, f"`{command}`: netmiko / scrapli", ratio(found, "netmiko", "scrapli"), "×"),
    ]


async def _measured(target: Target, plan: Plan) -> Mapping[str, Rounds]:
    ours, verified = OurCli(target, "frr"), OurCli(target, "frr", always_verified=True)
    clients: dict[str, Client] = {
        "ours": ours,
        "ours, echo verified": verified,
        "netmiko": Netmiko(target),
        "scrapli": Scrapli(target),
    }
    async with opened(clients):
        return {command: await _of_command(clients, ours, command, plan) for command in commands}


async def _of_command(clients: Mapping[str, Client], ours: OurCli, command: str, plan: Plan) -> Rounds:
    expected = normalised(await clients["netmiko"].run(command))
    without = list[float]()

    async def of_way(client: Client) -> float:
        whole, free = list[float](), list[float]()
        for _ in range(plan.calls):
            took, output = await timed(client, command)
            compare(type(client).__name__, command, normalised(output), expected)
            whole.append(took)
            free.append(took - client.settled_s if isinstance(client, OurCli) else took)
        if client is ours:
            without.append(statistics.median(free))
        return statistics.median(whole)

    for client in clients.values():
        await of_way(client)
    without.clear()
    found = await rotated({name: partial(of_way, client) for name, client in clients.items()}, plan.rounds)
    return {**found, settle_free: without}


def normalised(output: bytes) -> bytes:
    """Line ends without blanks before them, and no empty lines at either end."""
    return b"\n".join(line.rstrip() for line in output.splitlines()).strip(b"\n")
