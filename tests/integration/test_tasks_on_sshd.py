"""Tasks on a real sshd, as a client sees them: how they stand, what they put out, and their end."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from mcp_ssh.face.server import mcp_server
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.posix import host_of, transport_in
from tests.support.sshd import Sshd, processes_with, send
from tests.unit.face.test_tools import ERAS, text_of

pytestmark = pytest.mark.integration


@asynccontextmanager
async def client_on(
    sshd: Sshd, folder: Path, era: str = "legacy", **changes: Any
) -> AsyncIterator[tuple[Client, Daemon]]:
    entry = host_of(sshd, name="web.example.com")
    facts = {"state_dir": str(folder / "state")} | changes
    async with (
        daemon(entry, transport=transport_in(folder), **facts) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode=era) as client,
    ):
        yield client, it


async def asked(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    assert "error" not in result.structured_content or "task" in result.structured_content, text_of(result)
    return dict(result.structured_content)


async def started(client: Client, command: str, **more: Any) -> str:
    return str((await asked(client, "ssh_run_async", host="web.example.com", command=command, **more))["task"])


async def running(client: Client, command: str, mark: str) -> str:
    """A task whose processes are there."""
    task = await started(client, command)
    async with asyncio.timeout(10):
        while len(processes_with(mark)) < 2:
            await asyncio.sleep(0.02)
    return task


@ERAS
@pytest.mark.parametrize(
    ("command", "state", "more"),
    [
        ("echo done", "completed", {"exit_code": 0, "stdout": "done\n"}),
        ("echo half; exit 3", "completed", {"exit_code": 3, "stdout": "half\n"}),
        ("kill -s TERM $$", "failed", {"signal": "TERM"}),
    ],
    ids=["exit 0", "exit 3", "signal"],
)
async def test_a_task_ends_as_its_command_does(
    sshd: Sshd, tmp_path: Path, era: str, command: str, state: str, more: dict[str, Any]
) -> None:
    async with client_on(sshd, tmp_path, era) as (client, _):
        task = await started(client, command, confirm_dangerous=True)
        ended = await asked(client, "ssh_task", task=task, wait=10)
        assert {"task": task, "host": "web.example.com", "state": state, **more}.items() <= ended.items()


async def test_a_cancelled_task_leaves_no_process(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"300.{uuid.uuid4().int % 10**9:09d}"
    async with client_on(sshd, tmp_path) as (client, it):
        task = await running(client, f"sleep {mark} & sleep {mark}", mark)
        ended = await asked(client, "ssh_cancel", task=task)
        assert ended["state"] == "cancelled"
        assert "nothing of it is left" in " ".join(ended["notes"])
        assert processes_with(mark) == []
        assert it.audit.events() == ["decided", "cancelled"]


async def test_a_task_that_takes_too_long_is_ended_on_the_host(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"300.{uuid.uuid4().int % 10**9:09d}"
    async with client_on(sshd, tmp_path) as (client, _):
        task = await started(client, f"echo begun; sleep {mark}", timeout=1)
        ended = await asked(client, "ssh_task", task=task, wait=20)
        assert (ended["state"], ended["stdout"]) == ("timed_out", "begun\n")
        assert processes_with(mark) == []


async def test_a_lost_link_makes_an_unknown_task(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"30.{uuid.uuid4().int % 10**9:09d}"
    async with client_on(sshd, tmp_path) as (client, _):
        task = await running(client, f"sleep {mark} & sleep {mark}", mark)
        try:
            for pid in sshd.connection_pids():
                send(pid, signal.SIGKILL)
            ended = await asked(client, "ssh_task", task=task, wait=20)
            assert ended["state"] == "unknown"
            assert "look at the host before you repeat the command" in " ".join(ended["notes"])
        finally:
            for pid in processes_with(mark):
                send(pid, signal.SIGKILL)


async def test_a_stopping_server_ends_the_tasks_on_their_hosts(sshd: Sshd, tmp_path: Path) -> None:
    mark = f"300.{uuid.uuid4().int % 10**9:09d}"
    async with client_on(sshd, tmp_path) as (client, it):
        await running(client, f"sleep {mark} & sleep {mark}", mark)
    assert processes_with(mark) == []
    assert it.audit.events() == ["decided", "cancelled"]


async def test_output_is_seen_while_it_comes_and_the_oldest_of_too_much_is_counted(sshd: Sshd, tmp_path: Path) -> None:
    quota = 200_000
    async with client_on(sshd, tmp_path, outputs_quota_bytes=quota) as (client, _):
        task = await started(client, "seq 1 100000; sleep 30")
        async with asyncio.timeout(10):
            while (part := await asked(client, "ssh_task_output", task=task, tail=1))["lines"] < 100_000:
                await asyncio.sleep(0.05)
        assert (part["text"], part["state"]) == ("100000", "running")
        assert part["bytes"] == sum(len(f"{number}\n") for number in range(1, 100_001))
        assert quota / 2 < part["bytes"] - part["omitted_bytes"] <= quota
        assert f"the first {part['omitted_bytes']} bytes were dropped" in part["notes"][0]
        line = await asked(client, "ssh_task_output", task=task, line=99_998)
        assert (line["text"], line["next_line"]) == ("99998\n99999\n100000\n", 100_001)
        assert (await asked(client, "ssh_cancel", task=task))["state"] == "cancelled"


async def test_a_call_that_outlives_its_time_is_a_task_and_so_are_all_that_are_listed(
    sshd: Sshd, tmp_path: Path
) -> None:
    async with client_on(sshd, tmp_path) as (client, _):
        outlived = await asked(
            client, "ssh_run", host="web.example.com", command="sleep 1; echo late", reply_within=0.2
        )
        listed = await asked(client, "ssh_task")
        assert [row["task"] for row in listed["tasks"]] == [outlived["handle"]]
        ended = await asked(client, "ssh_task", task=outlived["handle"], wait=10)
        assert (ended["state"], ended["stdout"]) == ("completed", "late\n")
