"""Lines of ssh_config, patterns, blocks: what counts, and what is told."""

import pytest

from mcp_ssh.sshconfig.keywords import Fate, collected, fates, lists, other_names
from mcp_ssh.sshconfig.lines import Line, LineError, lines_of, split
from mcp_ssh.sshconfig.meaning import meaning_of
from mcp_ssh.sshconfig.patterns import fits_line, fits_list
from mcp_ssh.sshconfig.reader import Entry, Local, Reader, Source

ANN = Local("ann", "/home/ann", 1000, "desk.example.com")


class Texts:
    """Files in memory."""

    def __init__(self, **texts: str) -> None:
        self._texts = {f"/{name}": text for name, text in texts.items()}

    def text(self, path: str, *, of_user: bool) -> str | None:
        return self._texts.get(path)

    def found(self, pattern: str) -> list[str]:
        return sorted(path for path in self._texts if fits_line(path, [pattern]))


def entry(name: str, text: str, **more: str) -> Entry:
    return Reader(Texts(config=text, **more), [Source("/config", "")], ANN).entry(name)


def words(found: Entry, keyword: str) -> list[tuple[str, ...]]:
    return [line.words for line in found.settings.get(keyword, ())]


@pytest.mark.parametrize(
    ("line", "keyword", "told"),
    [
        ("Port 22", "port", ("22",)),
        ("\tPORT=22 # of the door", "port", ("22",)),
        ('IdentityFile = "~/.ssh/my key"', "identityfile", ("~/.ssh/my key",)),
        (r"IdentityFile ~/my\ key", "identityfile", ("~/my key",)),
        ("Host a 'b c' !d", "host", ("a", "b c", "!d")),
        ("ProxyCommand ssh -W %h:%p 'x' # y", "proxycommand", ("ssh -W %h:%p 'x' # y",)),
        ("SetEnv A=1 B='2 3'", "setenv", ("A=1", "B=2 3")),
    ],
)
def test_a_line_is_cut_as_ssh_cuts_it(line: str, keyword: str, told: tuple[str, ...]) -> None:
    [found] = lines_of(line, "/config")
    assert isinstance(found, Line)
    assert (found.keyword, found.words) == (keyword, told)


@pytest.mark.parametrize("line", ["Port", "Port =", 'User "ann', "= 1"])
def test_a_line_that_is_none_is_told_with_its_number(line: str) -> None:
    found = entry("web", f"# x\n{line}\nPort 5")
    [fault] = found.faults
    assert (fault.file, fault.line) == ("/config", 2)
    assert found.word("port") == "5"


def test_a_quote_without_an_end_is_an_error() -> None:
    with pytest.raises(LineError):
        split("'a")


@pytest.mark.parametrize(
    ("name", "patterns", "fit"),
    [
        ("web", "web", True),
        ("web1", "web?", True),
        ("web.example.com", "*.example.com !web*", False),
        ("db.example.com", "!web* *.example.com", True),
        ("web", "!db", False),
        ("w" * 60, "*w*w*w*w*w*w*w*w*x", False),
    ],
)
def test_a_host_line_is_about_names_that_fit_and_are_not_taken_away(name: str, patterns: str, fit: bool) -> None:
    assert fits_line(name, patterns.split()) is fit


def test_lists_have_commas() -> None:
    assert fits_list("WEB.example.com", "db,web.*", lower=True)
    assert not fits_list("web", "*,!web")


def test_the_first_value_counts_and_identity_files_add_up() -> None:
    found = entry("web", "Host web\n User a\n IdentityFile /1\nHost *\n User b\n IdentityFile /2\n IdentityFile /1\n")
    assert words(found, "user") == [("a",)]
    assert words(found, "identityfile") == [("/1",), ("/2",)]


def test_an_include_is_part_of_its_block_and_ends_where_it_ends() -> None:
    main = "Host web\n Include /part*\n User late\nHost *\n Port 9\n"
    found = entry("web", main, part1="User early\nHost db\n Port 7\n", part2="Port 8\n")
    assert (found.word("user"), found.word("port")) == ("early", "8")
    assert entry("db", main, part1="User early\nHost db\n Port 7\n").word("port") == "9"


def test_files_that_include_each_other_have_an_end() -> None:
    found = entry("web", "Include /config\nPort 1\n")
    assert "goes deeper than 16 files" in found.faults[0].message
    assert found.word("port") == "1"


def test_match_looks_at_what_is_known_so_far() -> None:
    text = "Host web\n HostName %h.example.com\n User ann\nMatch host web.example.com user ann\n Port 3\n"
    assert entry("web", text).word("port") == "3"
    assert entry("web", text.replace("Match host", "Match originalhost")).word("port") == ""
    assert entry("web", "Match localuser ann,bob !user root\n Port 4\n").word("port") == "4"
    assert entry("web", "Tag lab\nMatch tagged l*\n Port 5\n").word("port") == "5"


def test_match_final_counts_for_what_is_not_said_yet() -> None:
    text = "Match final host web.example.com\n Port 3\n User z\nHost web\n HostName web.example.com\n User a\n"
    found = entry("web", text)
    assert (found.word("port"), found.word("user")) == ("3", "a")


@pytest.mark.parametrize("attribute", ["exec 'touch /tmp/x'", "localnetwork 10.0.0.0/8", "version 9.2"])
def test_a_match_that_would_have_to_run_something_is_a_fault_where_the_rest_fits(attribute: str) -> None:
    text = f"Match host web {attribute}\n Port 3\n"
    [fault] = entry("web", text).faults
    assert str(fault).startswith(f"Match {attribute.split(maxsplit=1)[0]} at /config:1 is not looked at")
    assert entry("db", text).faults == []


def test_an_unknown_keyword_is_told_unless_it_may_be_unknown() -> None:
    assert "is no keyword" in entry("web", "Frobnicate yes\n").faults[0].message
    assert entry("web", "IgnoreUnknown frob*\nFrobnicate yes\n").faults == []
    assert entry("web", "Host db\n Frobnicate yes\n").faults == []


def test_more_words_than_a_keyword_takes_are_told() -> None:
    assert "has more words than one" in entry("web", "Port 1 2\n").faults[0].message


def test_each_keyword_has_one_fate() -> None:
    assert collected <= fates.keys()
    assert lists <= fates.keys()
    assert set(other_names.values()) <= fates.keys()
    assert not other_names.keys() & {keyword for keyword, fate in fates.items() if fate is Fate.USED}


def test_what_is_not_done_is_a_fault_or_a_warning_by_what_it_is_for() -> None:
    text = "ProxyCommand nc %h %p\nForwardAgent yes\nForwardX11 no\nControlMaster auto\nGSSAPIAuthentication yes\n"
    meaning = meaning_of(entry("web", text), ANN, {})
    assert [note.keyword for note in meaning.faults] == ["ProxyCommand"]
    assert [note.keyword for note in meaning.warnings] == ["ForwardAgent", "GSSAPIAuthentication"]
    assert [note.keyword for note in meaning.moot] == ["ControlMaster"]


def test_tokens_variables_and_home_are_filled_in() -> None:
    text = "HostName h.example.com\nUser bob\nPort 7\nIdentityFile ~/k/%r@%h:%p_%n_%u_%L_%%\nIdentityAgent $SOCK\n"
    meaning = meaning_of(entry("web", text), ANN, {"SOCK": "/run/agent"})
    assert meaning.identities.files == ("/home/ann/k/bob@h.example.com:7_web_ann_desk_%",)
    assert meaning.identities.agent == "/run/agent"
    assert "stands for nothing" in meaning_of(entry("web", "IdentityFile ~/%Z\n"), ANN, {}).faults[0].message
    assert "begins nowhere" in meaning_of(entry("web", "IdentityFile key\n"), ANN, {}).faults[0].message


def test_times_switches_and_lists_are_checked() -> None:
    good = meaning_of(entry("web", "ConnectTimeout 1m30s\nServerAliveInterval 5\nCompression yes\n"), ANN, {}).options
    assert (good.connect_timeout_s, good.keepalive_s, good.compressed) == (90, 5, True)
    for text in ("ConnectTimeout soon", "Compression perhaps", "Port 0", "AddressFamily inet5"):
        assert len(meaning_of(entry("web", text), ANN, {}).faults) == 1, text


def test_algorithms_that_the_library_lacks_are_told_and_none_at_all_is_a_fault() -> None:
    known = {"ciphers": ("aes128-ctr",)}
    some = meaning_of(entry("web", "Ciphers aes128-ctr,arcfour\n"), ANN, {}, known)
    assert "left out: arcfour" in some.warnings[0].message
    assert "names nothing" in meaning_of(entry("web", "Ciphers arcfour\n"), ANN, {}, known).faults[0].message


def test_host_key_checking_is_never_loosened() -> None:
    loose = meaning_of(entry("web", "StrictHostKeyChecking no\n"), ANN, {})
    assert not loose.strict
    assert "is not taken" in loose.warnings[0].message
    assert meaning_of(entry("web", "StrictHostKeyChecking yes\n"), ANN, {}).strict
