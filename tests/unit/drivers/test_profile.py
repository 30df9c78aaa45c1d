import re

import pytest

from mcp_ssh_drivers.modes import Move, NoWayError, way
from mcp_ssh_drivers.profile import Profile, faults, profile_from
from mcp_ssh_drivers.registry import generic, known, profile_for, profile_of
from tests.support.hosts import host

PROFILES = known()


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_right_by_its_own_examples(name: str) -> None:
    profile = PROFILES[name]
    assert faults(profile) == []
    assert profile.examples.prompt
    assert profile.examples.error


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_sends_at_the_opening_changes_no_configuration(name: str) -> None:
    sent = [line for lines in PROFILES[name].setup.values() for line in lines]
    assert all(
        line.startswith(("terminal length ", "terminal width ", "set cli ")) for line in sent
    )  # of the session alone


def test_the_way_between_modes_goes_through_what_lies_between() -> None:
    enter = PROFILES["cisco_ios"].enter
    assert way(enter, "user", "config") == [
        Move("enable", "privileged", password=True),
        Move("configure terminal", "config"),
    ]
    assert way(enter, "config", "user") == [Move("end", "privileged"), Move("disable", "user")]
    assert way(enter, "config", "config") == []
    with pytest.raises(NoWayError):
        way(enter, "user", "tclsh")


def test_a_profile_that_extends_another_says_only_what_differs() -> None:
    child = profile_from({"name": "ios_lab", "extends": "cisco_ios", "about": "lab", "source": "none"}, PROFILES)
    assert (child.prompt, child.pager) == (PROFILES["cisco_ios"].prompt, PROFILES["cisco_ios"].pager)
    assert child.is_experimental
    with pytest.raises(ValueError, match="not known"):
        profile_from({"name": "x_y", "extends": "nobody"}, PROFILES)


@pytest.mark.parametrize(
    "change",
    [
        {"promt": "x"},
        {"prompt": "("},
        {"pty": {"width": 20}},
        {"enter": {"config": {"send": "conf t"}}},
    ],
)
def test_a_profile_with_a_fault_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        profile_from({"name": "x_y", "extends": "frr", "about": "x", "source": "none"} | change, PROFILES)


def test_examples_that_do_not_fit_are_told() -> None:
    wrong = {"prompt": {"r1$": "privileged", "r1>": "config"}, "not_prompt": ["r1#"], "error": ["fine"]}
    profile = profile_from(
        {"name": "x_y", "extends": "frr", "about": "x", "source": "none", "examples": wrong}, PROFILES
    )
    assert faults(profile) == [
        "prompt 'r1$' is not matched",
        "prompt 'r1>' is read as mode 'user', not 'config'",
        "not_prompt 'r1#' is matched by the prompt",
        "error 'fine' is not matched",
    ]


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ("show version", True),
        ("terminal length 0", True),
        ("terminal monitor", False),
        ("sh version", False),
        ("show run | redirect flash:x", False),
        ("reload", False),
    ],
)
def test_only_full_words_that_read_go_without_a_look_at_the_echo(command: str, safe: bool) -> None:
    assert PROFILES["cisco_ios"].is_safe(command) is safe


def test_a_generic_device_may_ask_and_page_like_any_other() -> None:
    profile: Profile = generic(r"[\w.-]+[>#]\s*$", PROFILES)
    assert not profile.setup
    assert not profile.enter
    assert {reply.send for reply in profile.pager} == {" "}
    assert any(each.match == r"\[confirm\]$" for each in profile.questions)


def test_a_hosts_own_prompt_is_taken_beside_the_platforms() -> None:
    profile = profile_of("cisco_ios", r"odd name \d+%\s*$", PROFILES)
    assert re.fullmatch(profile.prompt, "odd name 7%")
    assert re.fullmatch(profile.prompt, "sw1(config)#")
    assert not re.fullmatch(profile.prompt, "odd name")


def test_what_a_hosts_entry_adds_stands_in_its_profile() -> None:
    entry = host(
        platform="cisco_ios",
        always_verified=True,
        init_commands=("terminal monitor",),
        login_dialogue=(("Press any key", " "),),
    )
    profile = profile_for(entry, PROFILES)
    assert not profile.is_safe("show version")
    assert profile.init == ("terminal monitor",)
    assert [(step.match, step.send) for step in profile.login] == [("Press any key", " ")]
