"""A person's yes over real transports: the SDK's client on stdio, SSE and HTTP, and an operator at the command line."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, stdio_client
from mcp_types import CallToolResult, ElicitResult

from mcp_ssh.audit.disk.reading import verified
from mcp_ssh.config.tokens import default_token
from tests.support.daemon import daemon
from tests.support.hosts import host
from tests.support.network import site
from tests.support.sshd import Sshd
from tests.support.stdio import command, configuration, environment, parameters

pytestmark = pytest.mark.integration
TOKEN = "mine-" + "x" * 32
DANGER = {"host": "web", "command": "echo DANGER"}
BLOCKED = "    confirm: human\n    deny_patterns: [DANGER]"


def person(action: str, asked: list[str]) -> Any:
    async def ask(context: Any, params: Any) -> ElicitResult:
        del context
        asked.append(params.message)
        return ElicitResult(action=action, content={} if action == "accept" else None)

    return ask


@pytest.mark.parametrize("action", ["accept", "decline"])
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_over_stdio(sshd: Sshd, tmp_path: Path, era: str, action: str) -> None:
    asked: list[str] = []
    config = configuration(tmp_path, sshd, rest=BLOCKED)
    with (tmp_path / "stderr").open("w") as log:
        carrier = stdio_client(parameters(config), errlog=log)
        async with Client(carrier, mode=era, elicitation_callback=person(action, asked)) as client:
            result = await client.call_tool("ssh_run", DANGER | {"confirm_dangerous": True})
    assert result.is_error is (action == "decline")
    assert len(asked) == 1
    assert DANGER["command"] in asked[0]
    assert verified(tmp_path / "audit.log").ok


@pytest.mark.parametrize("action", ["accept", "decline"])
@pytest.mark.parametrize(("face", "era"), [("sse", "legacy"), ("http", "legacy"), ("http", "2026-07-28")])
async def test_over_the_network(face: str, era: str, action: str) -> None:
    asked: list[str] = []
    async with (
        daemon(host("web"), tokens=(default_token(TOKEN),)) as it,
        site(it.app) as where,
        where.client(face, TOKEN, era, person(action, asked)) as client,
    ):
        result = await client.call_tool("ssh_run", {"host": "web", "command": "reboot", "confirm_dangerous": True})
        assert result.is_error is (action == "decline")
        assert len(asked) == 1
        assert it.audit.events().count("override") == (action == "accept")
        let_in = [record for record in it.audit.records if record["event"] == "auth"]
        assert [(record["principal"], record["decision"]) for record in let_in] == [("token:default", "allow")]


def approvals(config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(), "approvals", *arguments],
        env=environment(config),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def error_of(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return dict(result.structured_content["error"])


async def test_an_operator_sees_approves_and_denies_at_the_command_line(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd, rest=BLOCKED)
    assert "nothing waits" in (await asyncio.to_thread(approvals, config)).stderr
    with (tmp_path / "stderr").open("w") as log:
        async with Client(stdio_client(parameters(config), errlog=log)) as client:
            first = error_of(await client.call_tool("ssh_run", DANGER | {"confirm_dangerous": True}))
            assert first["code"] == "approval_required"
            assert "mcp-ssh approvals" in first["hint"]
            listed = await asyncio.to_thread(approvals, config, "list", "--json")
            [waiting] = [json.loads(line) for line in listed.stdout.splitlines()]
            assert waiting["id"] in first["hint"]
            assert waiting["command"] == DANGER["command"]
            table = (await asyncio.to_thread(approvals, config)).stdout
            assert waiting["id"] in table
            shown = await asyncio.to_thread(approvals, config, "show", waiting["id"])
            assert DANGER["command"] in shown.stdout
            said = await asyncio.to_thread(approvals, config, "approve", waiting["id"])
            assert (said.returncode, "approved, once" in said.stdout) == (0, True)
            assert not (await client.call_tool("ssh_run", DANGER)).is_error
            again = error_of(await client.call_tool("ssh_run", DANGER))
            assert again["code"] == "approval_required"
            [waiting] = [json.loads((await asyncio.to_thread(approvals, config, "list", "--json")).stdout)]
            assert (await asyncio.to_thread(approvals, config, "deny", waiting["id"][:6])).returncode == 0
            last = error_of(await client.call_tool("ssh_run", DANGER))
            assert last["code"] == "denied"
            assert "said no" in last["message"]
            gone = await asyncio.to_thread(approvals, config, "approve", waiting["id"])
            assert (gone.returncode, "no request waits" in gone.stderr) == (1, True)
    assert list((tmp_path / "state" / "approvals").iterdir()) == []
    records = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    given = [(record["decision"], record["confirmed_by"]) for record in records if record["event"] == "approval"]
    assert [decision for decision, _ in given] == ["approved", "denied"]
    assert all(by.startswith("operator ") for _, by in given)


async def test_a_socket_that_a_killed_daemon_left_is_cleared_away(sshd: Sshd, tmp_path: Path) -> None:
    config = configuration(tmp_path, sshd, rest=BLOCKED)
    process = await asyncio.create_subprocess_exec(
        *command(), env=environment(config), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    folder = tmp_path / "state" / "approvals"
    async with asyncio.timeout(20):
        while not folder.exists() or not list(folder.iterdir()):
            await asyncio.sleep(0.02)
    process.kill()
    await process.wait()
    assert "nothing waits" in (await asyncio.to_thread(approvals, config)).stderr
    assert list(folder.iterdir()) == []
