"""Every profile walked on a device that was made from the facts: login, modes, pager, question, error, logout."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mcp_ssh.lab.device import Device
from mcp_ssh.lab.device_host import Wire
from mcp_ssh_drivers.exchange import Standing, State
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.registry import known
from tests.support import kinds
from tests.support.devices import DeviceTransport
from tests.support.families import FAMILIES
from tests.support.kinds import LINES, SECRET

FACTS = kinds.FACTS | FAMILIES

PROFILES = known()
CLI = [name for name in PROFILES if name not in {"linux", "busybox", "frr", "bird"}]
WIRES = {"smooth": Wire(), "split": Wire(piece=1), "pausing": Wire(pause_s=0.003), "slow login": Wire(login_s=0.4)}


def secret() -> str:
    return SECRET


@asynccontextmanager
async def on(
    name: str, profile: Profile | None = None, wire: Wire | None = None
) -> AsyncIterator[tuple[PtyDriver, Device]]:
    async with DeviceTransport(FACTS[name].kind, wire or Wire()) as transport:
        driver = PtyDriver(profile or PROFILES[name])
        await driver.open(transport.connection(), 10)
        yield driver, transport.devices[0]
        driver.close()


def test_every_profile_of_a_command_line_has_facts_to_walk_it_by() -> None:
    assert sorted(FACTS) == sorted(CLI)


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
@pytest.mark.parametrize("name", CLI)
async def test_the_whole_way_from_login_to_logout(name: str, wire: Wire) -> None:
    facts = FACTS[name]
    async with on(name, wire=wire) as (driver, device):
        assert driver.mode == facts.first
        profile = PROFILES[name]
        assert device.lines == [*profile.setup.get(facts.first, ())]  # nothing else is sent at the opening
        for mode in [*facts.modes, *reversed([*facts.modes])]:
            await driver.walk(mode, secret, 5)
            assert (driver.mode, driver.state) == (mode, State.READY)
        paged = await driver.run(facts.paged, 10)
        assert paged.standing is Standing.DONE
        wanted = LINES if name != "mikrotik_routeros" else facts.kind.commands["*"][facts.paged].text
        assert paged.output.head.decode().rstrip("\n") == wanted  # Junos shows an empty line above its prompt
        wrong = await driver.run(facts.wrong, 5)
        assert wrong.device_error == facts.error
        if "privileged" in facts.modes:
            await driver.walk("privileged", secret, 5)
        asked = await driver.run(facts.asks, 5)
        assert (asked.standing, asked.question) == (Standing.WAITING_INPUT, facts.question)
        assert (await driver.interrupt()).standing is Standing.DONE
        gone = await driver.run(facts.out, 5)
        assert gone.standing is Standing.LOST


@pytest.mark.parametrize("name", [name for name in CLI if PROFILES[name].enter])
async def test_a_misspelt_transition_is_found_by_the_walk(name: str) -> None:
    profile = PROFILES[name]
    target = next(mode for mode in profile.enter if mode in FACTS[name].modes and mode != FACTS[name].first)
    step = profile.enter[target].model_copy(update={"send": "konfigure"})
    wrong = profile.model_copy(update={"enter": {**profile.enter, target: step}})
    async with on(name, wrong) as (driver, _):
        result = await driver.walk(target, secret, 5)
        assert result is not None
        assert result.device_error == FACTS[name].error.replace(FACTS[name].wrong, "konfigure")
        assert driver.mode != target


@pytest.mark.parametrize("login_s", [0.4, 3.0])
async def test_a_slow_login_is_waited_for(login_s: float) -> None:
    async with on("cisco_ios", wire=Wire(login_s=login_s)) as (driver, _):
        assert (await driver.run("show clock", 5)).output.head.startswith(b"*12:00:00")
