"""Which paths the file tools may touch, by their text alone."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.host import FileRules
from mcp_ssh.policy.files import escaped, forbidden, malformed, normal, split_glob

parts = st.sampled_from(["..", ".", "", "a", "b c", "...", "~", "*", "é", "srv"])


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/srv/./app//x/", "/srv/app/x"),
        ("/srv/../etc/passwd", "/etc/passwd"),
        ("/../../../etc", "/etc"),
        ("/srv/.../x", "/srv/.../x"),
        ("/srv/..x/y", "/srv/..x/y"),
        ("~", "~"),
        ("~/", "~"),
        ("~/a/../b", "~/b"),
        ("~/..", None),
        ("~/a/../../x", None),
        ("~root/x", None),
        ("srv/x", None),
        ("./x", None),
        ("", None),
    ],
)
def test_a_path_is_made_plain_by_its_text(path: str, plain: str | None) -> None:
    assert normal(path) == plain


@given(st.lists(parts, max_size=8))
def test_a_plain_path_is_what_the_library_says_and_stays_so(some: list[str]) -> None:
    path = "/" + "/".join(some)
    plain = normal(path)
    assert plain == posixpath.normpath(path).replace("//", "/")
    assert normal(plain) == plain


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/a\0b", "holds a NUL"),
        ("/a\ud800", "half of a character"),
        ("/" + "x" * 4_096, "has 4097 bytes, the limit is 4096"),
        ("x", "is not absolute"),
        ("~root/.ssh", "is no path below / or ~/"),
        ("~/../bob", "is no path below / or ~/"),
        ("/ok", ""),
        ("/" + "x" * 4_095, ""),
    ],
)
def test_what_is_no_path_is_named(path: str, words: str) -> None:
    assert (words in malformed(path)) if words else malformed(path) == ""


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/srv/app", True),
        ("/srv/app/x", True),
        ("/srv/application", False),
        ("/srv/app-old/x", False),
        ("/srv", False),
        ("/", False),
        ("/var/log/x", True),
        ("~/x", True),  # where the home is, is not known yet
    ],
)
def test_a_root_is_compared_by_its_parts(path: str, is_open: bool) -> None:
    assert (forbidden(path, FileRules(roots=("/srv/app/", "/var/log"))) == "") is is_open


@pytest.mark.parametrize(
    ("glob", "closed", "opened"),
    [
        ("**/.ssh/**", ["/root/.ssh", "/root/.ssh/id_rsa", "/.ssh/x", "~/.ssh/a/b"], ["/root/.sshd", "/root/ssh"]),
        (".ssh", ["/root/.ssh", "/root/.ssh/id_rsa"], ["/root/.ssh2"]),
        ("*.key", ["/srv/a.key", "/srv/a.key/below", "/.key"], ["/srv/a.keys", "/srv/key"]),
        ("/etc/shadow", ["/etc/shadow"], ["/etc/shadow-", "/x/etc/shadow", "/etc"]),
        ("/etc/*", ["/etc/passwd", "/etc/ssh/sshd_config"], ["/etc", "/etcetera/x"]),
        ("/srv/**/private", ["/srv/private", "/srv/a/b/private/x"], ["/srv/privates", "/private"]),
        ("/srv/[ab]?", ["/srv/a1", "/srv/bz/x"], ["/srv/c1", "/srv/a"]),
        ("~/secret", ["~/secret", "~/secret/x"], ["/home/ann/secret", "~/secrets"]),
        ("/**", ["/", "/anything"], []),
        ("**", ["/x", "~/x"], []),
    ],
)
def test_a_glob_closes_what_it_fits_and_what_is_below(glob: str, closed: list[str], opened: list[str]) -> None:
    rules = FileRules(deny_paths=(glob,))
    assert [path for path in closed if not forbidden(path, rules)] == []
    assert [path for path in opened if forbidden(path, rules)] == []


def test_many_stars_take_no_time() -> None:
    rules = FileRules(deny_paths=("/" + "**/a/" * 80 + "b",))
    assert forbidden("/" + "a/" * 1_500 + "c", rules) == ""


@given(st.lists(st.sampled_from(["a", "*", "[x]", "b?", "c"]), min_size=1, max_size=5))
def test_an_escaped_path_is_a_glob_for_itself_alone(some: list[str]) -> None:
    path = "/" + "/".join(some)
    rules = FileRules(deny_paths=(escaped(path),))
    assert forbidden(path, rules)
    assert not forbidden(path + "x", rules)


@pytest.mark.parametrize(
    ("glob", "split"),
    [
        ("/var/run/*/x", ("/var/run", "*/x")),
        ("/etc/shadow", ("/etc/shadow", "")),
        ("~/.ssh/**", ("~/.ssh", "**")),
        ("/*/x", None),
        ("**/.ssh", None),
        ("*.key", None),
    ],
)
def test_the_leading_folder_of_a_glob_is_found(glob: str, split: tuple[str, str] | None) -> None:
    assert split_glob(glob) == split
