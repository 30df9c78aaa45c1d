"""When an idle session closes: what the file says, and before the device does it where the file says nothing."""

from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.model.host import Shell
from mcp_ssh.platforms import idle_timeout_s
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.plan import Close, Plan
from mcp_ssh_drivers.registry import known
from tests.support.hosts import host, settings

PROFILES = known()
SWITCH = host("sw", shell=Shell.CLI, platform="edgeswitch")
WEB = host("web")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", (240, 600)), ("settings: {idle_timeout: 600}\n", (600, 600)), ("settings: {idle_timeout: 60}\n", (60, 60))],
)
def test_a_platform_shortens_only_what_nobody_set(tmp_path: Path, text: str, seconds: tuple[float, float]) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(text + "hosts: {web: {host: 192.0.2.1, user: me, auth: {method: agent}}}\n")
    file.chmod(0o600)
    environment = Environment.from_environ({"MCP_SSH_CONFIG": str(file)}, tmp_path)
    found = load(environment, known).settings
    assert tuple(idle_timeout_s(each, found, PROFILES) for each in (SWITCH, WEB)) == seconds


def test_each_session_closes_in_its_own_time() -> None:
    plan = Plan(
        max_sessions=5, idle_timeout_s=lambda each: idle_timeout_s(each, settings(shortens_idle=True), PROFILES)
    )
    for ticket, each in enumerate((SWITCH, WEB)):
        plan.wanted(Seat(each), ticket)
        plan.opened(Seat(each), each.name, 0.0)
        plan.released(Seat(each), each.name, 0.0)
    assert plan.ticked(239) == []
    assert plan.ticked(240) == [Close(Seat(SWITCH), "sw", "idle")]
    assert plan.ticked(599) == []
    assert plan.ticked(600) == [Close(Seat(WEB), "web", "idle")]
