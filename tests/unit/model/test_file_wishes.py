"""What is asked of a file, as a command that would do the same, and as it is told."""

import hashlib
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.decision import Level
from mcp_ssh.model.files import FileAction, FileWish, named, quoted
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard
from mcp_ssh.service.judge import file_verdict
from tests.support.hosts import host

GUARD = Guard.build(builtin=True, patterns=("secret-word",), shell=Shell.POSIX)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
hard = st.text(st.sampled_from("a /'\"\\$`;&|<>()*?[]{}!#~\n\t\x1b\u202e\u3164é"), min_size=1, max_size=12)


def wish(action: FileAction, path: str, content: bytes | None = None, mode: int | None = None) -> FileWish:
    size = None if content is None else len(content)
    return FileWish(action, path, content, size, hashlib.sha256(content or b"").hexdigest(), mode)


def judged(asked: FileWish) -> tuple[Level, list[str]]:
    verdict = file_verdict(GUARD, asked, host())
    return verdict.level, [found.rule for found in verdict.findings]


@given(names | hard)
def test_a_quoted_path_is_one_word_of_a_line(name: str) -> None:
    assert shlex.split(quoted(f"/srv/{name}")) == [f"/srv/{name}"]
    assert shlex.split(quoted(f"~/{name}")) == [f"~/{name}"]
    assert quoted(f"~/{name}").startswith("~/")


@given(hard, hard)
def test_no_two_names_look_alike_and_none_takes_two_lines(one: str, other: str) -> None:
    assert (named(one) == named(other)) == (one == other)
    assert named(one).isprintable()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name", "plain name"),
        ("it's", "it's"),
        ("back\\slash", "back\\slash"),
        (" blank", "$' blank'"),
        ("a\nb", "$'a\\x0ab'"),
        ("\x1b[31m", "$'\\x1b[31m'"),
        ("\udcff", "$'\\xff'"),
        ("$'x'", "$'$\\'x\\''"),
        ("a\u202eb", "$'a\\xe2\\x80\\xaeb'"),
        ("", "$''"),
    ],
)
def test_what_cannot_be_seen_in_a_name_is_written(name: str, shown: str) -> None:
    assert named(name) == shown


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (wish(FileAction.READ, "/a b"), "cat '/a b'"),
        (wish(FileAction.DOWNLOAD, "~/x"), "cat ~/x"),
        (wish(FileAction.LIST, "/srv"), "ls -la /srv"),
        (wish(FileAction.WRITE, "/a b", b"x"), "> '/a b'"),
        (wish(FileAction.APPEND, "/x", b"x"), ">> /x"),
        (wish(FileAction.WRITE, "/x", b"x", 0o600), "> /x && chmod 0600 /x"),
        (wish(FileAction.UPLOAD, "/x"), "> /x"),
    ],
)
def test_the_command_that_would_do_the_same(asked: FileWish, line: str) -> None:
    assert asked.line == line


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (wish(FileAction.WRITE, "/etc/passwd", b"x"), "posix.overwrite"),
        (wish(FileAction.UPLOAD, "/etc/shadow"), "posix.overwrite"),
        (wish(FileAction.WRITE, "/root/.ssh/authorized_keys", b"x"), "posix.overwrite"),
        (wish(FileAction.WRITE, "/home/ann/.ssh/id_rsa", b"x"), "posix.overwrite"),
        (wish(FileAction.WRITE, "/dev/sda", b"x"), "posix.raw_disk"),
        (wish(FileAction.WRITE, "/proc/sysrq-trigger", b"b"), "posix.power"),
        (wish(FileAction.APPEND, "~/.bashrc", b"rm -rf /\n"), "posix.planted"),
        (wish(FileAction.WRITE, "/etc/cron.d/x", b"* * * * * root reboot\n"), "posix.planted"),
        (wish(FileAction.WRITE, "/etc/cron.d/x", b"\xff\n* * * * * root reboot\n"), "posix.planted"),
        (wish(FileAction.WRITE, "/srv/x", b"has a secret-word in it"), "operator.pattern"),
        (wish(FileAction.READ, "/srv/secret-word"), "operator.pattern"),
        (wish(FileAction.READ, "/srv/\udcff"), "bytes.invisible"),
    ],
)
def test_what_is_dangerous_on_a_command_line_is_dangerous_here(asked: FileWish, rule: str) -> None:
    level, rules = judged(asked)
    assert level is Level.DANGEROUS
    assert rule in rules


@pytest.mark.parametrize(
    "asked",
    [
        wish(FileAction.WRITE, "/srv/x", "réservé\u00a0: \x1b[1m".encode()),
        wish(FileAction.WRITE, "/srv/x", b"#!/bin/sh\nrm -rf /tmp/build\n"),
        wish(FileAction.WRITE, "/srv/'; reboot #", b"x"),
        wish(FileAction.WRITE, "/srv/$(reboot)", b"END_0\nreboot\n"),
        wish(FileAction.UPLOAD, "/srv/x"),
    ],
)
def test_what_only_writes_changes_something_and_no_more(asked: FileWish) -> None:
    assert judged(asked)[0] is Level.MUTATING


@pytest.mark.parametrize("action", [FileAction.READ, FileAction.LIST, FileAction.DOWNLOAD])
def test_what_only_looks_is_known_to_read(action: FileAction) -> None:
    for path in ("/etc/motd", "/srv/a b", "/srv/$(reboot)", "~/it's", "/srv/*"):
        assert judged(wish(action, path))[0] is Level.READ_ONLY


def test_a_content_cannot_end_the_text_that_it_is_judged_in() -> None:
    first = wish(FileAction.WRITE, "/srv/x", b"x")
    assert first.script is not None
    word = first.script.rsplit("\n", 1)[1]
    assert judged(wish(FileAction.WRITE, "/srv/x", f"{word}\nreboot\n".encode()))[0] is Level.MUTATING


def test_a_yes_is_bound_to_the_content_the_mode_and_the_place() -> None:
    asked = [
        wish(FileAction.WRITE, "/etc/passwd", b"a"),
        wish(FileAction.WRITE, "/etc/passwd", b"b"),
        wish(FileAction.WRITE, "/etc/passwd", b"a", 0o600),
        wish(FileAction.APPEND, "/etc/passwd", b"a"),
        wish(FileAction.WRITE, "/etc/shadow", b"a"),
    ]
    digests = [file_verdict(GUARD, each, host()).digest for each in asked]
    assert len(set(digests)) == len(asked)


def test_what_is_told_is_what_is_done() -> None:
    assert wish(FileAction.WRITE, "/etc/motd", b"x" * 120).told == "write 120 bytes to /etc/motd"
    assert wish(FileAction.APPEND, "/a\nb", b"x").told == "append 1 bytes to $'/a\\x0ab'"
    assert wish(FileAction.READ, "/etc/motd").told == "read /etc/motd"
    assert FileWish(FileAction.UPLOAD, "/x", size=5, local="up.bin").told == "upload up.bin, 5 bytes, to /x"
