"""Package managers: what they are asked, what their answers say, and which names they are given."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.decision import Level
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard
from mcp_ssh.safety.posix.sudo import asks_by_itself
from mcp_ssh.service import packages as managed
from mcp_ssh.service.packages import Manager

GUARD = Guard.build(builtin=True, patterns=(), shell=Shell.POSIX)


def manager(program: str) -> Manager:
    found = managed.manager_of([program])
    assert found is not None
    return found


MANAGERS = [manager(program) for program in managed.programs]


@pytest.mark.parametrize("each", MANAGERS, ids=managed.programs)
def test_installing_is_no_danger_and_takes_one_simple_command(each: Manager) -> None:
    for command in (
        managed.command(each.install, ["nginx", "libstdc++6"]),
        each.refresh,
        managed.query(each, ["nginx"]),
        *([managed.command(each.rehearse, ["nginx"])] if each.rehearse else []),
    ):
        verdict = GUARD.classify(f"sudo -k -S -p '' {command}", host="web")
        assert (verdict.level, verdict.parsed, len(verdict.lines)) == (Level.MUTATING, True, 1), command
        assert asks_by_itself(f"sudo -k -S -p '' {command}", from_stdin=True)


def test_apt_asks_nothing_removes_nothing_and_waits_a_while_for_its_lock() -> None:
    command = managed.command(manager("apt-get").install, ["nginx"])
    for words in (
        "DEBIAN_FRONTEND=noninteractive",
        "NEEDRESTART_MODE=l",
        " -y ",
        "--no-remove",
        "DPkg::Lock::Timeout=60",
        "--force-confold",
        "APT::Cmd::Pattern-Only=true",
    ):
        assert words in command
    assert command.endswith(" -- nginx")


@pytest.mark.parametrize(
    ("program", "text", "versions"),
    [
        (
            "apt-get",
            "curl\t7.88.1-10+deb12u8\tinstalled\nnginx\t1.22.1-9\tconfig-files\nlibc6\t2.36\tinstalled\n",
            {"curl": "7.88.1-10+deb12u8"},
        ),
        ("dnf", "curl\t7.76.1-29.el9_4\npackage nginx is not installed\n", {"curl": "7.76.1-29.el9_4"}),
        ("yum", "curl\t7.29.0-59\r\ncurl\t7.29.0-60\r\n", {"curl": "7.29.0-59, 7.29.0-60"}),
        (
            "apk",
            (
                "curl-8.9.1-r2 x86_64 {curl} (curl) [installed]\nlibcurl-8.9.1-r2 x86_64 {curl} (curl) [installed]\n"
                "nginx-mod-http-lua-1.26.2-r0 x86_64 {nginx} (BSD) [installed]\n"
            ),
            {"curl": "8.9.1-r2"},
        ),
        ("opkg", "curl - 8.4.0-1\nnginx-ssl - 1.25.2-1\n", {"curl": "8.4.0-1"}),
    ],
)
def test_installed_versions_are_those_of_the_packages_that_were_asked_for(
    program: str, text: str, versions: dict[str, str]
) -> None:
    assert managed.versions(manager(program), ["curl", "nginx"], text) == versions


def test_versions_and_architectures_are_no_part_of_a_name() -> None:
    assert [managed.base(name) for name in ("curl", "curl=8.1", "curl:amd64", "curl/bookworm", "curl~8")] == [
        "curl"
    ] * 5
    assert managed.are_installed(["curl"], {"curl": "8.1"})
    assert not managed.are_installed(["curl=8.2"], {"curl": "8.1"})  # whether it is that one is the manager's to say
    assert not managed.are_installed(["curl", "nginx"], {"curl": "8.1"})


@pytest.mark.parametrize(
    "name",
    ["", "-o", "--allow-remove-essential", "curl-", "a b", "a;b", "$(id)", "a'b", "a\nb", "./x.deb", "x.deb", "x.rpm",
     "x.apk", "x.ipk", "@core", "a*", "a^", "ä", "/usr/bin/x", "../x", "x" * 129, "curl\n", "~nname", "?installed"],
)  # fmt: skip
def test_what_can_be_no_name_of_a_package_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="nothing was sent"):
        managed.checked([name])


@pytest.mark.parametrize(
    ("program", "good", "bad"),
    [
        (
            "apt-get",
            ["curl", "g++", "libc6:i386", "nginx=1.22.1-9", "nginx/bookworm-backports"],
            ["Curl", "a/../b", "x"],
        ),
        ("dnf", ["curl", "java-17-openjdk.x86_64", "bash-5.1.8-9.el9"], ["a/b", "a=1"]),
        ("yum", ["Percona-Server"], ["a/b"]),
        ("apk", ["curl", "curl=8.9.1-r2", "py3-pip~24", "so"], ["a/b", "a:b", "a=b=c"]),
        ("opkg", ["luci-app-sqm"], ["a/b", "a=1", "a:b"]),
    ],
)
def test_each_takes_its_own_names_alone(program: str, good: list[str], bad: list[str]) -> None:
    managed.checked_for(manager(program), managed.checked(good))
    for name in bad:
        with pytest.raises(InvalidArgumentError, match="nothing was sent"):
            managed.checked_for(manager(program), [name])


def test_a_call_takes_some_packages_and_each_once() -> None:
    assert managed.checked(["curl", "nginx", "curl"]) == ("curl", "nginx")
    for packages in ([], ["curl"] * 21):
        with pytest.raises(InvalidArgumentError, match="1 to 20"):
            managed.checked(packages)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)", "held the lock"),
        ("ERROR: Unable to lock database: temporary error (try again later)", "held the lock"),
        (" * opkg_conf_load: Could not lock /var/lock/opkg.lock: Resource temporarily unavailable.", "held the lock"),
        ("E: Unable to locate package nosuch", "not known"),
        ("Error: Unable to find a match: nosuch", "not known"),
        ("No package nosuch available.", "not known"),
        ("ERROR: unable to select packages:\n  nosuch (no such package):\n", "not known"),
        ("Unknown package 'nosuch'.", "not known"),
        ("E: Packages need to be removed but remove is disabled.", "nothing is removed"),
        ("sudo: a password is required", "sudo did not let"),
        ("E: dpkg was interrupted, you must manually run 'sudo dpkg --configure -a'", "broken off before"),
        ("cannot copy extracted data: No space left on device", "no room"),
        ("Err:1 http://mirror.example Temporary failure resolving 'mirror.example'", "could not reach"),
    ],
)
def test_what_went_wrong_is_said_in_words(text: str, words: str) -> None:
    assert any(words in said for said in managed.troubles(text))
    assert managed.troubles("all is well") == ()


def test_what_apk_would_remove_is_seen_in_its_rehearsal() -> None:
    text = "(1/3) Installing a (1.0-r0)\n(2/3) Purging busybox-extras (1.36-r1)\n(3/3) Purging b (2-r0)\nOK: 9 MiB\n"
    assert managed.removals(text) == ("busybox-extras", "b")
    assert managed.removals("(1/1) Installing Purging (1-r0)\n") == ()


@given(st.sampled_from(MANAGERS), st.text(max_size=300))
def test_no_answer_breaks_it(each: Manager, text: str) -> None:
    for said in (text, f"curl - {text}", f"curl\t{text}", f"curl-1{text} x"):
        assert set(managed.versions(each, ["curl"], said)) <= {"curl"}
    managed.troubles(text)
    managed.removals(text)


@given(st.sampled_from(MANAGERS), st.text(alphabet=st.characters(codec="ascii"), max_size=12))
def test_a_name_that_is_taken_stands_in_the_command_as_it_is(each: Manager, name: str) -> None:
    try:
        managed.checked_for(each, managed.checked([name]))
    except InvalidArgumentError:
        return
    command = managed.command(each.install, [name])
    assert command.rpartition(" ")[2] == name or re.search(rf"'{re.escape(name)}'$", command)
    assert GUARD.classify(command, host="web").lines == (command.replace("'", ""),)
