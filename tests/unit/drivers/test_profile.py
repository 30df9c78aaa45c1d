import re
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_ssh.model.host import Shell
from mcp_ssh_drivers.modes import Move, NoWayError, way
from mcp_ssh_drivers.profile import Profile, faults, profile_from
from mcp_ssh_drivers.registry import detected, generic, known, login_name, profile_for, profile_of
from tests.support.hosts import host

PROFILES = known()
OF_THE_SESSION = (
    "terminal length ",
    "terminal width ",
    "terminal pager ",
    "terminal datadump",
    "set terminal length ",
    "set cli ",
    "no page",
    "screen-length disable",
    "screen-length 0 temporary",
)
"""What holds until the logout, by the manuals; what is saved, or holds for others as well, is not among it."""


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_right_by_its_own_examples(name: str) -> None:
    profile = PROFILES[name]
    assert faults(profile) == []
    assert profile.examples.prompt
    assert profile.examples.error or not profile.errors


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_sends_at_the_opening_changes_no_configuration(name: str) -> None:
    sent = [line for lines in PROFILES[name].setup.values() for line in lines]
    assert all(line.startswith(OF_THE_SESSION) for line in sent)


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
    ("change", "words"),
    [
        ({"promt": "x"}, "promt: Extra inputs"),
        ({"prompt": "("}, "prompt: .*not a regular expression"),
        ({"pty": {"width": 20}}, r"pty\.width: "),
        ({"enter": {"config": {"send": "conf t"}}}, r"enter\.config\.leave: Field required"),
    ],
)
def test_a_profile_with_a_fault_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
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


def test_a_profile_of_the_users_folder_comes_before_the_built_in_one_and_may_extend_it(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("{name: lab_switch, extends: lab_base, about: x, source: none}")
    (tmp_path / "a.yaml").write_text("{name: lab_base, extends: cisco_ios, about: x, source: none, safe: [look]}")
    (tmp_path / "frr.yaml").write_text("{name: frr, extends: frr, about: mine, source: live run}")
    profiles = known(str(tmp_path))
    assert profiles["lab_switch"].safe == ("look",)
    assert profiles["lab_switch"].enter == PROFILES["cisco_ios"].enter
    assert (profiles["frr"].about, profiles["frr"].prompt) == ("mine", PROFILES["frr"].prompt)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{name: x1, about: a, source: none}", "prompt"),
        ("[", "is no YAML"),
        ("- a", "must be a mapping"),
        ("{name: x1, extends: nothing, about: a, source: none}", "which is not known"),
        ("{name: x1, extends: x2}", "which is not known"),
    ],
)
def test_a_profile_of_the_users_folder_that_is_not_right_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        known(str(tmp_path))
    assert "mine.yaml" in str(caught.value)


def test_profiles_that_extend_each_other_and_a_folder_that_is_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{name: aa, extends: bb}")
    (tmp_path / "b.yaml").write_text("{name: bb, extends: aa}")
    with pytest.raises(ValueError, match="extend each other"):
        known(str(tmp_path))
    with pytest.raises(ValueError, match="cannot be read"):
        known(str(tmp_path / "nowhere"))


def test_a_login_name_gets_the_suffix_of_its_platform_unless_it_has_one() -> None:
    router = host("r", shell=Shell.CLI, platform="mikrotik_routeros", user="admin")
    assert login_name(router, PROFILES) == "admin+cte4096w"
    assert login_name(replace(router, user="admin+ct80w"), PROFILES) == "admin+ct80w"
    assert login_name(host("web", user="ann"), PROFILES) == "ann"


@pytest.mark.parametrize(
    ("identification", "platform"),
    [("SSH-2.0-Cisco-1.25", "cisco_ios"), ("SSH-2.0-ROSSSH", "mikrotik_routeros"), ("SSH-2.0-OpenSSH_9.2p1", None)],
)
def test_a_platform_that_nobody_named_is_what_the_ssh_server_says(identification: str, platform: str | None) -> None:
    device = host("d", shell=Shell.CLI, prompt_regex=r"d[>#]")
    assert detected(device, identification, PROFILES).platform == platform
    named = replace(device, platform="frr")
    assert detected(named, identification, PROFILES) == named


def test_a_package_brings_profiles_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "their_profiles"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "box.yaml").write_text("{name: their_box, extends: frr, about: theirs, source: capture}")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mcp_ssh.profiles]\ntheirs = their_profiles\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert known()["their_box"].about == "theirs"
