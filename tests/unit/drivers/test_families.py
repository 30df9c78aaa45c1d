"""What is peculiar to a family: views behind names, counters, logins inside of the terminal, other character sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from mcp_ssh.lab.device import Ask, Device, Kind, Reply
from mcp_ssh.lab.device_host import Wire
from mcp_ssh.lab.kinds import router
from mcp_ssh.model.errors import SessionLostError
from mcp_ssh_drivers.exchange import Standing
from mcp_ssh_drivers.prompt import PromptReader
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.registry import known
from tests.support.devices import DeviceTransport
from tests.support.families import FAMILIES
from tests.support.kinds import SECRET

PROFILES = known()


def secret() -> str:
    return SECRET


@asynccontextmanager
async def on(
    name: str, kind: Kind, charset: str | None = None, login: dict[str, str] | None = None, host: str = "sw1"
) -> AsyncIterator[tuple[PtyDriver, Device]]:
    async with DeviceTransport(kind, Wire()) as transport:
        driver = PtyDriver(PROFILES[name], charset)
        connection = transport.connection()
        await driver.open(connection, 5, login)
        yield driver, transport.devices[0]
        driver.close()


@pytest.mark.parametrize("name", ["hpe_comware", "huawei_vrp"])
async def test_a_view_behind_a_name_is_no_longer_name(name: str) -> None:
    kind = FAMILIES[name].kind
    dashed = replace(kind, prompts={mode: text.replace("{host}", "core-sw-1") for mode, text in kind.prompts.items()})
    async with on(name, dashed) as (driver, _):
        await driver.walk("config", secret, 5)
        inside = "interface GigabitEthernet1/0/1" if name == "hpe_comware" else "interface Vlanif10"
        assert (await driver.run(inside, 5)).standing is Standing.DONE
        assert driver.mode == "config"
        assert driver._dialogue.prompts.base == "core-sw-1"
        assert driver._dialogue.is_sure
        await driver.walk("user", secret, 5)
        assert driver.mode == "user"


def test_the_state_of_vrp_8_is_part_of_no_name() -> None:
    reader = PromptReader(PROFILES["huawei_vrp"].prompt, PROFILES["huawei_vrp"].modes, PROFILES["huawei_vrp"].view)
    first = reader.read("<R1-core>")
    assert first is not None
    reader.learn(first)
    for text in ("[~R1-core]", "[*R1-core]", "[*R1-core-GigabitEthernet0/0/1.100]", "[R1-core-ui-vty0-4]"):
        found = reader.read(text)
        assert found is not None
        assert (found.base, found.mode, found.is_strong) == ("R1-core", "config", True), text
    other = reader.read("[R1-cored]")
    assert other is not None
    assert not other.is_strong


async def test_a_counter_in_the_prompt_makes_no_prompt_strange() -> None:
    async with on("extreme_exos", FAMILIES["extreme_exos"].kind) as (driver, device):
        for number in range(1, 12):
            assert (await driver.run("show tech", 5)).standing is Standing.DONE
            assert driver._dialogue.is_sure, number
        assert device.prompt.startswith("* sw1.12 ")


async def test_pages_that_are_turned_make_no_command_slower_than_the_one_before() -> None:
    async with on("fortinet_fortios", FAMILIES["fortinet_fortios"].kind) as (driver, _):
        for _ in range(4):
            assert (await driver.run("get system status", 5)).standing is Standing.DONE
        assert driver._dialogue._largest_gap < 0.1  # our own waiting is no silence of the device


async def test_fortios_pages_are_turned_and_its_configuration_is_not_touched() -> None:
    async with on("fortinet_fortios", FAMILIES["fortinet_fortios"].kind) as (driver, device):
        await driver.run("edit root", 5)
        assert driver._dialogue.is_sure
        paged = await driver.run("get system status", 5)
        assert paged.output.head.count(b"\n") == 70
        await driver.run("end", 5)
        assert device.lines == ["edit root", "get system status", "end"]
        assert not any("config" in line or "set output" in line for line in device.lines)


@pytest.mark.parametrize("safe", ["", "<SAFE>"])
async def test_routeros_shows_menus_and_safe_mode_and_repaints(safe: str) -> None:
    kind = router()
    prompts = {
        mode: text.replace(" > ", f" {safe}> ").replace("]>", f"] {safe}>") for mode, text in kind.prompts.items()
    }
    async with on("mikrotik_routeros", replace(kind, prompts=prompts)) as (driver, _):
        assert (await driver.run("/ip address", 5)).standing is Standing.DONE
        printed = await driver.run("print", 5)
        assert b"192.0.2.1/24" in printed.output.head
        assert driver._dialogue.is_sure


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("gbk", "接口 GigabitEthernet1/0/1 描述: 上联核心交换机"),
        ("latin-1", "Straße, Köln, coût: élevé"),
        ("koi8-r", "Описание порта: Москва"),
        ("shift_jis", "説明: 東京支店"),
        ("big5", "描述: 台北辦公室"),
    ],
)
async def test_an_output_in_another_charset_is_exact(charset: str, text: str) -> None:
    facts = FAMILIES["hpe_comware"]
    commands = {**facts.kind.commands, "*": {**facts.kind.commands["*"], "display interface": Reply(f"{text}\n" * 3)}}
    async with on("hpe_comware", replace(facts.kind, commands=commands, charset=charset), charset) as (driver, _):
        shown = await driver.run("display interface", 5)
        assert shown.output.head.decode() == f"{text}\n" * 3


def asking(name: str, user: str, password: str, banner: str = "") -> Kind:
    """The family, with its login inside of the terminal."""
    kind = FAMILIES[name].kind
    start = kind.start
    accepted = Reply("", to=start)
    ask_password = Ask(password, (SECRET,), accepted, Reply("Login failed", hangs_up=True), secret=True)
    commands = {**kind.commands, "login": {"ops": Reply(asks=ask_password)}}
    prompts = {"login": user, **kind.prompts}
    return replace(kind, commands=commands, prompts=prompts, start="login", banner=banner, complaint="bad user")


LOGINS = {
    "cisco_s300": ("User Name:", "Password:"),
    "dlink": ("UserName:", "PassWord:"),
    "tplink_jetstream": ("User:", "Password:"),
}


@pytest.mark.parametrize("name", LOGINS)
async def test_a_login_inside_of_the_terminal_is_answered_once(name: str) -> None:
    kind = asking(name, *LOGINS[name])
    async with on(name, kind, login={"user": "ops", "password": SECRET}) as (driver, device):
        assert driver.mode == FAMILIES[name].first
        assert device.lines[0] == "ops"
    with pytest.raises(SessionLostError) as caught:
        async with on(name, kind, login={"user": "ops", "password": "wrong"}):
            pass
    assert "wrong" not in caught.value.message


@pytest.mark.parametrize("name", LOGINS)
async def test_without_a_password_the_question_is_told_and_nothing_is_guessed(name: str) -> None:
    with pytest.raises(SessionLostError, match=r"(?i)password:"):
        async with on(name, asking(name, *LOGINS[name]), login={"user": "ops"}):
            pass


async def test_a_new_password_that_is_wanted_is_named_and_left_alone() -> None:
    kind = FAMILIES["huawei_vrp"].kind
    wants = replace(kind, prompts={"new": "Please configure the login password (8-128):", **kind.prompts}, start="new")
    with pytest.raises(SessionLostError, match="Please configure the login password"):
        async with on("huawei_vrp", wants):
            pass
