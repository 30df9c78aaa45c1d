from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.model.decision import Level
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard

VECTORS = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "safety" / "first-floor.yaml").read_text())
GUARDS = {shell: Guard.build(builtin=True, patterns=[], shell=Shell(shell)) for shell in ("posix", "cli")}
POSIX = GUARDS["posix"]


def cases(*, harmless: bool) -> Iterator[tuple[str, str, str]]:
    for shell, families in VECTORS.items():
        for rule, lines in families.items():
            if (rule == "harmless") is harmless:
                yield from ((shell, rule, line) for line in lines)


@pytest.mark.parametrize(("shell", "rule", "line"), list(cases(harmless=False)))
def test_a_dangerous_line_is_found_by_its_rule(shell: str, rule: str, line: str) -> None:
    verdict = GUARDS[shell].classify(line, host="web")
    assert verdict.level is Level.DANGEROUS
    assert rule in {found.rule for found in verdict.findings}


@pytest.mark.parametrize(("shell", "rule", "line"), list(cases(harmless=True)))
def test_a_harmless_line_passes(shell: str, rule: str, line: str) -> None:
    verdict = GUARDS[shell].classify(line, host="web")
    assert verdict.level is not Level.DANGEROUS, verdict.findings


@pytest.mark.parametrize("line", ["uptime", "ls -l /etc", "df -h | head -3", "ls 2>/dev/null", "date +%F", "ps && id"])
def test_what_plainly_only_reads_is_read_only(line: str) -> None:
    assert POSIX.classify(line, host="web").level is Level.READ_ONLY


@pytest.mark.parametrize("line", ["ls > x", "date -s now", "A=1 ls", "sudo ls", "touch x", "hostname x"])
def test_anything_else_counts_as_a_change(line: str) -> None:
    assert POSIX.classify(line, host="web").level is Level.MUTATING


def test_a_finding_names_the_place_and_the_reason() -> None:
    line = "cd /srv && sudo rm -rf / # bye"
    [found] = POSIX.classify(line, host="web").findings
    assert line[slice(*found.span)] == "rm -rf /"
    assert found.reason == "it deletes the system, a whole part of it, or somebody's data"


def test_all_findings_are_told_in_the_order_of_the_text() -> None:
    found = POSIX.classify("reboot; mkfs.ext4 /dev/sdb; rm -rf /", host="web").findings
    assert [each.rule for each in found] == ["posix.power", "posix.format", "posix.delete.root"]


def test_an_operators_pattern_blocks_in_the_text_and_in_the_canonical_line() -> None:
    guard = Guard.build(builtin=True, patterns=[r"docker\s+rm", "^systemctl stop"], shell=Shell.POSIX)
    for line in ("docker   rm web", "echo 'docker rm web'", "sudo /usr/bin/systemctl stop nginx"):
        [found] = guard.classify(line, host="web").findings
        assert found.rule == "operator.pattern"
        assert "the operator's pattern" in found.reason


@pytest.mark.parametrize("pattern", [r"rm\s+-rf\s+/", "mkfs", "reboot", r"dd\s+.*of=/dev/", r"write\s+erase"])
def test_a_base_pattern_in_the_file_is_its_rule_and_not_a_regex(pattern: str) -> None:
    guard = Guard.build(builtin=False, patterns=[pattern], shell=Shell.POSIX)
    assert guard.patterns == ()
    for line in ("rm -rf /tmp/build", "man mkfs", "last reboot", "echo write erase"):
        assert guard.classify(line, host="web").level is not Level.DANGEROUS


@pytest.mark.parametrize("line", ["grep -r 'rm -rf /' .", "git log --grep reboot", "echo mkfs"])
def test_a_base_pattern_in_data_is_told_and_stops_nothing(line: str) -> None:
    verdict = POSIX.classify(line, host="web")
    assert [found.rule for found in verdict.findings] == ["base.seen"]
    assert verdict.level is not Level.DANGEROUS


def test_without_the_built_in_list_only_what_the_operator_names_is_blocked() -> None:
    guard = Guard.build(builtin=False, patterns=[r"rm\s+-rf\s+/"], shell=Shell.POSIX)
    assert guard.classify("sudo rm -fr /", host="web").level is Level.DANGEROUS
    assert guard.classify("reboot", host="web").level is not Level.DANGEROUS


def test_the_digest_is_of_exactly_these_bytes_for_this_host() -> None:
    one = POSIX.classify("uptime", host="web").digest
    assert one == POSIX.classify("uptime", host="web").digest
    assert len({one, POSIX.classify("uptime ", host="web").digest, POSIX.classify("uptime", host="db").digest}) == 3


def test_a_crash_in_the_classifier_is_a_dangerous_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, directory: str | None) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("mcp_ssh.safety.posix.judge.judge", broken)
    verdict = POSIX.classify("uptime", host="web")
    assert (verdict.level, verdict.findings[0].rule) == (Level.DANGEROUS, "safety.failed")


shellish = st.text(alphabet=st.sampled_from("rm -f/ \t\n'\"`$(){}<>|&;#\\=*ab1~\u202e\u00e4"), max_size=60)


@given(shellish | st.text(max_size=60), st.sampled_from(["posix", "cli"]))
def test_it_never_raises_and_places_lie_in_the_text(text: str, shell: str) -> None:
    verdict = GUARDS[shell].classify(text, host="web")
    assert "safety.failed" not in {found.rule for found in verdict.findings}
    for found in verdict.findings:
        assert 0 <= found.span[0] <= found.span[1] <= len(text)
    assert verdict == GUARDS[shell].classify(text, host="web")


NETWORK = [
    "cisco_ios",
    "cisco_nxos",
    "arista_eos",
    "juniper_junos",
    "mikrotik_routeros",
    "huawei_vrp",
    "vyos",
    "frr",
    "nobodys",
]
lineish = st.text(alphabet=st.sampled_from('nosherwdla t/;{}[]"|!#=\n1*-:$'), max_size=60)


@given(lineish | shellish, st.sampled_from(NETWORK), st.sampled_from([None, "config", "user", "/system"]))
def test_it_never_raises_on_any_platform(text: str, platform: str, mode: str | None) -> None:
    guard = Guard.build(builtin=True, patterns=[], shell=Shell.CLI, platform=platform)
    verdict = guard.classify(text, host="sw", mode=mode)
    assert "safety.failed" not in {found.rule for found in verdict.findings}
    for found in verdict.findings:
        assert 0 <= found.span[0] <= found.span[1] <= len(text)


@given(shellish, st.sampled_from(["a", "rm", "[a-f]", "x|y"]))
def test_another_pattern_never_allows_more(text: str, pattern: str) -> None:
    order = [Level.READ_ONLY, Level.MUTATING, Level.DANGEROUS]
    more = Guard.build(builtin=True, patterns=[pattern], shell=Shell.POSIX)
    with_it, without = more.classify(text, host="w").level, POSIX.classify(text, host="w").level
    assert order.index(with_it) >= order.index(without)


@pytest.mark.parametrize("piece", ["dd ", "<<A ", "$(", "((", "`", "'", "{ ", "a=", "\\\n", "${x:-", "sh -c '"])
def test_long_texts_are_read_in_linear_time(piece: str) -> None:
    # No clock: a quadratic scanner would not come to an end within the suite's deadline.
    POSIX.classify((piece * 65_536)[:65_536], host="web")


def test_a_word_of_the_base_list_in_data_makes_no_change_look_like_reading() -> None:
    guard = Guard.build(builtin=True, patterns=(), shell=Shell.POSIX)
    for text in ("touch reboot.txt", "rm shutdown.log", "> /srv/reboot"):
        assert guard.classify(text, host="web").level is Level.MUTATING
    assert guard.classify("cat reboot.txt", host="web").level is Level.READ_ONLY
