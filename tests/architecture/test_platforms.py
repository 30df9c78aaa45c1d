"""Every kind of device that has a profile is known to the classifier, by rules and by vectors of its own."""

import pytest

from bench.safety import of_text
from mcp_ssh.safety.network.danger import grammars
from mcp_ssh.safety.network.grammar import aliases, platform_of
from mcp_ssh.safety.network.judge import judge
from mcp_ssh_drivers.registry import known

PROFILES = known()
DEVICES = [name for name in PROFILES if name not in {"linux", "busybox"}]
DANGEROUS = {platform_of(case.platform) for case in of_text("network-dangerous", blocked=True)}


@pytest.mark.parametrize("name", DEVICES)
def test_every_profile_has_what_is_dangerous_there(name: str) -> None:
    platform = platform_of(name)
    assert platform == "mikrotik_routeros" or grammars[platform].rules
    assert platform in DANGEROUS or name in {"cisco_s300", "ubiquiti_edgeos"}  # of the family of cisco_ios, and of vyos


@pytest.mark.parametrize("name", DEVICES)
def test_what_a_profile_sends_and_calls_safe_is_not_dangerous(name: str) -> None:
    profile = PROFILES[name]
    sent = [line for lines in profile.setup.values() for line in lines]
    sent += [text for step in profile.enter.values() for text in (step.send, step.leave)]
    for line in (*sent, *(f"{head} x" for head in profile.safe)):
        assert not judge(line, name).findings, line


@pytest.mark.parametrize("name", DEVICES)
def test_what_a_profile_calls_safe_only_reads(name: str) -> None:
    for head in PROFILES[name].safe:
        if not head.startswith(("terminal ", "set ", "no page", "screen-length")):  # of the session
            assert judge(f"{head} x", name).reads or head.startswith("execute "), head


def test_every_alias_leads_to_a_platform_that_is_judged() -> None:
    for name in aliases.values():
        assert name == "mikrotik_routeros" or name in grammars, name
