"""The reader of outputs: a process of its own, which knows nothing, has a deadline, and is always answered for."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh.outputs import rows
from mcp_ssh.outputs.rows import RowReader, max_text_bytes, platform_names
from tests.unit.outputs.test_templates import INTERFACES

BRIEF = "show ip interface brief"


class Started:
    """The processes that were started, with what they were given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.processes: list[asyncio.subprocess.Process] = []
        self.environments: list[dict[str, str]] = []
        self._start = asyncio.create_subprocess_exec
        monkeypatch.setattr(asyncio, "create_subprocess_exec", self._started)

    async def _started(self, *arguments: str, **options: Any) -> asyncio.subprocess.Process:
        self.environments.append(options["env"])
        self.processes.append(await self._start(*arguments, **options))
        return self.processes[-1]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    return Started(monkeypatch)


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A text that its template would be busy with until long after the sun is cold."""
    (tmp_path / "index").write_text("Template, Hostname, Platform, Command\n\nx.textfsm, .*, x, show x\n")
    (tmp_path / "x.textfsm").write_text("Value X (x)\n\nStart\n  ^(a+)+$$ -> Record\n")
    monkeypatch.setattr(rows, "templates_folder", lambda: str(tmp_path))
    return "a" * 200 + "b\n"


async def test_the_rows_come_with_the_name_of_their_template() -> None:
    read = await RowReader().rows_of("cisco_ios", "sh ip int br", INTERFACES)
    assert read.template == "cisco_ios_show_ip_interface_brief"
    assert read.rows is not None
    assert [row["proto"] for row in read.rows] == ["up", "down", "up"]
    assert read.why == ""


async def test_a_miss_comes_back_in_words() -> None:
    read = await RowReader().rows_of("cisco_ios", "show foo", "bar\n")
    assert read.rows is None
    assert read.why == "there is no template for cisco_ios `show foo`"


async def test_without_the_extra_the_answer_says_so_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, started: Started
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    read = await RowReader().rows_of("cisco_ios", BRIEF, INTERFACES)
    assert read.rows is None
    assert read.why == "the extra `parse` is not installed with mcp-ssh"
    assert started.processes == []


async def test_a_match_without_end_is_ended_and_the_daemon_goes_on(endless: str, started: Started) -> None:
    reading = asyncio.ensure_future(RowReader(deadline_s=0.5).rows_of("x", "show x", endless))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 3
    assert (await reading).why == "it took longer than 0.5 s"
    assert started.processes[0].returncode is not None


async def test_a_caller_who_leaves_takes_the_reader_along(endless: str, started: Started) -> None:
    reading = asyncio.ensure_future(RowReader().rows_of("x", "show x", endless))
    async with asyncio.timeout(5):
        while not started.processes:
            await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(ProcessLookupError):
        os.kill(started.processes[0].pid, 0)


async def test_only_a_few_read_at_once(endless: str, started: Started) -> None:
    reader = RowReader()
    reading = [asyncio.ensure_future(reader.rows_of("x", "show x", endless)) for _ in range(6)]
    async with asyncio.timeout(5):
        while len(started.processes) < rows.at_once:
            await asyncio.sleep(0.01)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(started.environments) == rows.at_once
    for each in reversed(reading):
        each.cancel()
    await asyncio.gather(*reading, return_exceptions=True)


async def test_waiting_for_a_turn_counts(endless: str) -> None:
    reader = RowReader(deadline_s=0.5)
    read = await asyncio.gather(*(reader.rows_of("x", "show x", endless) for _ in range(6)))
    assert {each.why for each in read} == {"it took longer than 0.5 s"}


async def test_the_reader_knows_none_of_our_variables(monkeypatch: pytest.MonkeyPatch, started: Started) -> None:
    monkeypatch.setenv("ROUTER_PASS", "secret-7")
    await RowReader().rows_of("cisco_ios", BRIEF, INTERFACES)
    assert [set(environment) for environment in started.environments] == [{"PYTHONPATH"}]


async def test_a_text_past_the_bound_is_not_read(started: Started) -> None:
    read = await RowReader().rows_of("cisco_ios", BRIEF, "x" * (max_text_bytes + 1))
    assert read.why == "the output has more than 1000000 bytes"
    assert started.processes == []


async def test_a_reader_that_breaks_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "templates_folder", lambda: "/nowhere")
    read = await RowReader().rows_of("cisco_ios", BRIEF, INTERFACES)
    assert read.rows is None
    assert read.why == "the reader broke off"


async def test_a_reader_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    read = await RowReader().rows_of("cisco_ios", BRIEF, INTERFACES)
    assert read.why == "the reader could not be started: No such file or directory"


@pytest.mark.parametrize(
    ("ours", "names"),
    [
        ("", ["linux"]),
        ("cisco_ios", ["cisco_ios"]),
        ("aruba_cx", ["aruba_cx", "aruba_aoscx"]),
        ("hpe_comware", ["hpe_comware", "hp_comware"]),
        ("cisco_wlc_ssh", ["cisco_wlc_ssh"]),
    ],
)
def test_a_platform_is_looked_for_under_its_own_name_first(ours: str, names: list[str]) -> None:
    assert platform_names(ours) == names


def test_a_daemon_starts_without_the_library() -> None:
    asked = "import sys, mcp_ssh.app, mcp_ssh.face.server; print({'textfsm', 'ntc_templates'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "set()\n"
