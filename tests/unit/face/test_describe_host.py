"""One host in detail, as a model meets it: nothing is sent for it."""

from typing import Any

import pytest
from mcp import Client

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.decision import Level
from mcp_ssh.model.host import FileRules, Host, Limits, Shell
from mcp_ssh.model.policy import Access, Confirm
from mcp_ssh.model.principal import Permission, Principal, Via
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.examples import examples_of
from mcp_ssh_drivers.registry import known
from tests.support.daemon import ANN, daemon
from tests.support.hosts import host
from tests.unit.face.test_tools import text_of

WEB = host(
    "web",
    tags=frozenset({"lab"}),
    description="the web",
    sudo_env="WEB_SUDO",
    limits=Limits(max_seconds=30, max_output_bytes=5_000, max_concurrent=2, idle_seconds=10),
    files=FileRules(("/srv/app",), ("**/*.key",), 1_000),
)


async def described(entry: Host, principal: Principal = ANN.principal, *, runs: bool = False) -> tuple[str, Any]:
    async with (
        daemon(entry) as it,
        Client(mcp_server(it.app, lambda: principal), mode="legacy") as client,
    ):
        if runs:
            await client.call_tool("ssh_run", {"host": "web", "command": "id"})
            it.transport.attempts.clear()
            it.audit.records.clear()
        result = await client.call_tool("ssh_describe_host", {"host": "web"})
        assert it.transport.attempts == []
        assert [record["event"] for record in it.audit.records] == ["asked"]
        return text_of(result), result.structured_content


async def test_a_host_is_told_with_its_limits_and_rules() -> None:
    text, told = await described(WEB)
    assert text == (
        "web: admin@192.0.2.1:22, posix\n"
        "  lab; the web\n"
        "  access unrestricted, confirm auto\n"
        "  limits: 30 s a command, at most 30 s, 10 s of silence, 5000 bytes of an output, 2 commands at once\n"
        "  files: below /srv/app, none of **/*.key, up to 1000 bytes\n"
        "  a secret is configured for sudo\n"
        "  uptime: allow (read_only) nothing dangerous was found\n"
        "  touch /tmp/probe: allow (mutating) nothing dangerous was found\n"
        "  reboot: needs_confirmation (posix.power) it takes the host down (posix.power)\n"
        "  no session is open\n"
        "none of these commands was sent"
    )
    assert told["limits"] == {
        "default_seconds": 30.0,
        "max_seconds": 30,
        "idle_seconds": 10,
        "max_output_bytes": 5_000,
        "max_concurrent": 2,
    }
    assert told["secrets"] == ["sudo"]
    assert "WEB_SUDO" not in text + repr(told)


@pytest.mark.parametrize(
    ("change", "answers"),
    [
        ({"access": Access.READONLY}, ["allow", "deny", "deny"]),
        ({"access": Access.RESTRICTED}, ["deny", "deny", "deny"]),
        ({"confirm": Confirm.NEVER}, ["allow", "allow", "deny"]),
        ({"deny_patterns": ("touch",)}, ["allow", "needs_confirmation", "needs_confirmation"]),
        ({"enabled": False}, ["refused", "refused", "refused"]),
        ({"address": "no-such-host.invalid"}, ["deny", "deny", "deny"]),
    ],
)
async def test_what_would_be_said_of_commands_is_what_a_plan_says(change: dict[str, Any], answers: list[str]) -> None:
    _, told = await described(host("web", **change))
    assert [row["answer"] for row in told["judged"]] == answers


async def test_a_caller_who_may_run_nothing_is_told_that() -> None:
    reader = Principal("token:reader", Via.NETWORK, frozenset({Permission.READ}))
    text, told = await described(host("web"), reader)
    assert {row["rule"] for row in told["judged"]} == {"permission_missing"}
    assert "confirm human" in text


async def test_an_open_session_is_told_with_what_is_known_of_it() -> None:
    text, told = await described(host("web"), runs=True)
    [row] = told["sessions"]
    assert (row["server"], row["login_shell"], row["host_key"]) == (
        "SSH-2.0-memory", "bash", "ssh-ed25519 SHA256:memory",
    )  # fmt: skip
    assert f"  open: {row['session']}, SSH-2.0-memory, login shell bash, host key ssh-ed25519 SHA256:memory" in text


async def test_how_commands_go_to_a_host_is_told_with_the_reason() -> None:
    text, told = await described(host("web", fast=False), runs=True)
    [row] = told["sessions"]
    assert row["sent_by"] == "exec requests (`fast: false`)"
    assert ", login shell bash, commands by exec requests (`fast: false`), host key" in text


@pytest.mark.parametrize(
    ("platform", "look"),
    [(None, "show version"), ("frr", "show version"), ("huawei_vrp", "display version"), ("bird", "show status")],
)
async def test_a_device_is_told_by_commands_of_its_own(platform: str | None, look: str) -> None:
    entry = host("web", shell=Shell.CLI, platform=platform, prompt_regex=None if platform else "x>")
    text, told = await described(entry)
    assert [row["command"] for row in told["judged"]] == [*examples_of(entry)]
    assert told["judged"][0] == {
        "command": look, "answer": "allow", "rule": "read_only", "reason": "nothing dangerous was found",
    }  # fmt: skip
    assert "files:" not in text


@pytest.mark.parametrize("platform", sorted({*known()} - {"linux", "busybox"}))
def test_the_examples_of_every_platform_are_what_they_stand_for(platform: str) -> None:
    guard = Guard.build(builtin=True, patterns=(), shell=Shell.CLI, platform=platform)
    levels = [
        guard.classify(text, host="x").level for text in examples_of(host("x", shell=Shell.CLI, platform=platform))
    ]
    assert levels == [Level.READ_ONLY, Level.MUTATING, Level.DANGEROUS]
