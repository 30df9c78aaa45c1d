"""Every line of the vectors, and what the command line says of them."""

import io
import json
import subprocess
import sys

import pytest

from bench.safety import Case, all_files, measure, of_text
from mcp_ssh.cli import classify
from mcp_ssh.model.decision import Level
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard

DANGEROUS = [case for kind in ("posix", "network") for case in of_text(f"{kind}-dangerous", blocked=True)]
HARMLESS = [case for kind in ("posix", "network") for case in of_text(f"{kind}-harmless", blocked=False)]


def level_of(line: Case) -> Level:
    shell = Shell.POSIX if line.platform == "posix" else Shell.CLI
    guard = Guard.build(builtin=True, patterns=[], shell=shell, platform=line.platform)
    verdict = guard.classify(line.command, host="h", mode=line.mode)
    for found in verdict.findings:
        assert 0 <= found.span[0] <= found.span[1] <= len(line.command), found
        assert found.reason
    return verdict.level


def test_there_are_enough_of_them() -> None:
    assert len(DANGEROUS) + len(HARMLESS) >= 600
    assert len({line.platform for line in DANGEROUS} & {line.platform for line in HARMLESS}) >= 20


@pytest.mark.parametrize("line", DANGEROUS, ids=lambda case: f"{case.platform}-{case.command}")
def test_what_is_dangerous_is_found(line: Case) -> None:
    assert level_of(line) is Level.DANGEROUS


@pytest.mark.parametrize("line", HARMLESS, ids=lambda case: f"{case.platform}-{case.command}")
def test_everyday_work_passes(line: Case) -> None:
    assert level_of(line) is not Level.DANGEROUS


def test_the_examples_beside_them_are_judged_right() -> None:
    name, cases = all_files()[-1]
    told = measure(name, cases, show=True)
    assert (told["recall"], told["false_alarms"]) == (1.0, 0.0)


def test_the_command_line_takes_jsonl_and_gives_jsonl() -> None:
    asked = [
        {"command": "uptime", "platform": "posix"},
        {"command": "wr er", "platform": "ios"},
        {"command": "reboot", "platform": "mikrotik", "mode": "/system"},
    ]
    told = subprocess.run(
        [sys.executable, "-m", "mcp_ssh", "classify"],
        input="".join(f"{json.dumps(each)}\n" for each in [*asked, ["none"]]),
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["blocked"] for row in rows] == [False, True, True]
    assert [row["level"] for row in rows] == ["read_only", "dangerous", "dangerous"]
    assert set(rows[0]) == {"command", "level", "blocked", "findings", "canonical"}
    assert told.returncode == 2
    assert "line 4 is no object" in told.stderr


def test_a_command_is_shown_with_the_place_underlined(capsys: pytest.CaptureFixture[str]) -> None:
    assert classify.classify(["uptime; reboot"], "posix", None, as_json=False) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "dangerous: uptime; reboot"
    assert told[1:3] == ["    uptime; reboot", "            ^^^^^^"]
    assert "posix.power" in told[3]


def test_what_a_terminal_would_obey_is_not_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    classify.classify(["echo \x1b[2J"], "posix", None, as_json=False)
    assert "\x1b" not in capsys.readouterr().out
