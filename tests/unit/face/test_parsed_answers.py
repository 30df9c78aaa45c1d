"""`parse` as a client sees it: rows beside the text, and in words why there are none."""

import importlib.util
from typing import Any

import pytest
from mcp_types import CallToolResult

from mcp_ssh.face.rows import shown_rows
from mcp_ssh.outputs.rows import Rows
from tests.support.daemon import daemon
from tests.support.memory import MemoryChannel, MemoryTransport, answers
from tests.unit.face.test_shell_tools import call, clients, fields
from tests.unit.face.test_tools import ERAS, client_of, text_of

BRIEF = "show ip interface brief"
ROUTES = b"default via 192.0.2.254 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n"


async def parsed(output: bytes, command: str = "ip route", **arguments: Any) -> CallToolResult:
    """What a POSIX host's output becomes."""
    async with daemon(transport=MemoryTransport(answers(output))) as it, client_of(it) as client:
        await client.list_tools()  # from now on the client holds results against their schema
        return await client.call_tool("ssh_run", {"host": "web", "command": command, "parse": True, **arguments})


@ERAS
@pytest.mark.parametrize("tool", ["ssh_run", "ssh_shell"])
async def test_the_interfaces_of_a_switch_are_rows_and_the_text_stays(tool: str, era: str) -> None:
    async with clients(1, era) as ([client], _):
        await client.list_tools()
        plain = await call(client, tool, command=BRIEF)
        assert fields(plain)["rows"] is None
        result = await call(client, tool, command=BRIEF, parse=True)
        rows = fields(result)["rows"]
        assert len(rows) == 48
        assert rows[0] == {
            "interface": "GigabitEthernet0/1",
            "ip_address": "unassigned",
            "status": "up",
            "proto": "up",
        }
        assert fields(result)["stdout"] == fields(plain)["stdout"]
        assert fields(result)["notes"] == fields(plain)["notes"]


async def test_a_miss_is_a_note_and_the_text_stays() -> None:
    async with clients(1) as ([client], _):
        result = await call(client, "ssh_run", command="show clock", parse=True)
        assert not result.is_error
        assert fields(result)["rows"] is not None
        missed = await call(client, "ssh_shell", command="show ip", parse=True)
        assert fields(missed)["rows"] is None
        assert "not parsed: the device did not take the command" in text_of(missed)
        other = await call(client, "ssh_shell", command="terminal width 200", parse=True)
        assert "not parsed: there is no template for cisco_ios `terminal width 200`" in text_of(other)
        assert fields(other)["outcome"] == "completed"


async def test_what_still_runs_or_asks_is_not_parsed() -> None:
    async with clients(1) as ([client], _):
        asked = await call(client, "ssh_shell", command="enable", parse=True)
        assert "not parsed: the outcome is waiting_input" in text_of(asked)
        await call(client, "ssh_send", key="ctrl-c")
        running = await call(client, "ssh_shell", command="ping 192.0.2.9", reply_within=0.5, timeout=30, parse=True)
        assert fields(running)["outcome"] == "running"
        assert "not parsed: the command still runs" in text_of(running)
        await call(client, "ssh_send", key="ctrl-c")


async def test_a_posix_host_is_parsed_by_what_there_is_for_linux() -> None:
    result = await parsed(ROUTES)
    assert [row["network"] for row in fields(result)["rows"]] == ["default", "192.0.2.0/24"]
    assert fields(result)["stdout"] == ROUTES.decode()


async def test_no_cell_holds_what_a_terminal_would_obey_or_nobody_would_see() -> None:
    hostile = ROUTES.replace(b"dev eth0 proto", b"dev e\x1b[2Jt\xe2\x80\xaeh\xe2\x80\x8b0\x1b]52;c;eA==\x07 proto")
    rows = fields(await parsed(hostile))["rows"]
    assert rows[1]["nexthop_if"] == "e" + "t\\u202eh\\u200b0"


def test_each_cell_is_cleaned_on_its_own() -> None:
    rows = Rows("x", ({"name": "a\u202eb\x1b[2J", "ports": ["\ufe0f1", "\x07"]},))
    assert shown_rows(rows) == [{"name": "a\\u202eb", "ports": ["\\ufe0f1", "\\x07"]}]


async def test_an_output_with_something_left_out_is_not_parsed() -> None:
    result = await parsed(ROUTES * 20, max_output_bytes=1_000)
    assert fields(result)["rows"] is None
    assert "bytes of the output are left out" in text_of(result)
    long = await parsed(ROUTES * 1_000)
    assert fields(long)["rows"] is None
    assert "not parsed: " in text_of(long)


async def test_a_table_without_rows_is_told_from_one_that_was_not_parsed() -> None:
    result = await parsed(b"\n")
    assert fields(result)["rows"] == []
    assert "no rows: the template linux_ip_route_show found none in the output" in text_of(result)


async def test_an_exit_by_signal_is_not_parsed() -> None:
    def killed(channel: MemoryChannel) -> None:
        channel.out(ROUTES)
        channel.exits(signal="KILL")

    async with daemon(transport=MemoryTransport(killed)) as it, client_of(it) as client:
        result = await client.call_tool("ssh_run", {"host": "web", "command": "ip route", "parse": True})
        assert fields(result)["rows"] is None
        assert "not parsed: the outcome is signalled" in text_of(result)


async def test_without_the_extra_the_command_runs_and_a_note_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "ntc_templates" else find(name, *more)
    )
    result = await parsed(ROUTES)
    assert not result.is_error
    assert fields(result)["rows"] is None
    assert "not parsed: the extra `parse` is not installed with mcp-ssh" in text_of(result)
