"""Our reader beside bash and shfmt: nothing that they see as a command may be hidden from us."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.safety import of_text
from mcp_ssh.safety.posix.leavings import words_of
from mcp_ssh.safety.posix.scanner import read
from mcp_ssh.safety.posix.syntax import SimpleCommand, Sub, UnreadableError, Var, Word

SHFMT = Path(sys.executable).parent / "shfmt"
LINES = sorted({case.command for kind in ("dangerous", "harmless") for case in of_text(f"posix-{kind}", blocked=True)})


def seen_by_shfmt(text: str) -> Counter[str] | None:
    """The first words of all simple commands; None if it is no shell to shfmt."""
    told = subprocess.run([SHFMT, "--to-json"], input=text.encode(), capture_output=True, check=False)
    if told.returncode:
        return None
    found = Counter[str]()

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("Type") == "CallExpr" and node.get("Args"):
                word = node["Args"][0]
                raw = text.encode()[word["Pos"]["Offset"] : word["End"]["Offset"]].decode()
                found[plain(raw)] += 1
            for each in node.values():
                visit(each)
        elif isinstance(node, list):
            for each in node:
                visit(each)

    visit(json.loads(told.stdout))
    return found


def seen_by_us(commands: Iterable[SimpleCommand]) -> Counter[str]:
    found = Counter[str]()
    for command in commands:
        if command.words and not command.loop:
            found[plain(command.words[0].raw)] += 1
        if command.defines:
            found[plain(command.defines)] += 1
        for word in words_of(command):
            for inner in subs(word):
                found += seen_by_us(inner.commands)
    return found


def subs(word: Word) -> Iterator[Sub]:
    for part in word.parts:
        if isinstance(part, Sub):
            yield part
        elif isinstance(part, Var) and part.other is not None:
            yield from subs(part.other)


def plain(raw: str) -> str:
    """Without what backquotes and line ends change in the writing alone."""
    return raw.replace("\\\n", "").replace("\\", "")


def compare(text: str) -> bool:
    """Whether both read it; fails where shfmt sees a command that we do not."""
    theirs = seen_by_shfmt(text)
    try:
        ours = seen_by_us(read(text))
    except UnreadableError:
        return False
    if theirs is None:
        return False
    assert not theirs - ours, (text, theirs - ours)
    return True


def accepted_by_bash(text: str) -> bool:
    return subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False).returncode == 0


def test_every_simple_command_of_the_vectors_that_shfmt_sees_we_see() -> None:
    both = sum(compare(text) for text in LINES[::3])
    assert both > len(LINES) // 3 * 0.95


ATOMS = (
    "ls",
    "rm -rf x",
    "echo $(id)",
    "a=1",
    "x=$(date) y",
    'echo "$(id; uptime) `who`"',
    "[ -d / ]",
    "[[ -f x && -d y ]]",
    "((i++))",
    "cat <<E\n$(id)\nE\n",
    "cat <<'E'\n$(id)\nE\n",
    "cat <<< $(id)",
    "echo ${x:-$(id)}",
    "echo ${x//a/b}",
    "arr=(a $(id) b)",
    "f() { id; }",
    "diff <(ls) <(id)",
    "echo $((1 + $(id)))",
    "echo 'a;b'",
    'echo "a;b"',
    "echo a\\;b",
    "ls > x 2>&1",
    "! ls",
    "time ls",
    "{ ls; id; }",
    "(ls; id)",
    "if ls; then id; else who; fi",
    "for i in a $(id); do echo $i; done",
    "while ls; do id; done",
    "until ls; do id; done",
    "case $x in a|b) ls;; *) id;; esac",
    "function g { who; }",
    "echo $'a\\'b' ; id",
    "x[1]=2",
    "echo {a,b}",
    "ls # id",
    "coproc ls",
    "echo a=b",
    "exec 3<x",
    "trap 'ls' EXIT",
    "select i in a; do ls; done",
    "for ((i=0;i<3;i++)); do ls; done",
    'echo $"x"',
    "echo \\\n id",
)
JOINTS = ("; ", " && ", " || ", " | ", " & ", "\n", " |& ")


def test_lines_that_are_put_together_hide_nothing() -> None:
    """Seeded, so that a failure can be seen again. What bash takes is read, or refused and so dangerous."""
    chance = random.Random(20_261_127)  # noqa: S311  a choice of cases
    read_by_both, taken = 0, 0
    for _ in range(250):
        text = chance.choice(ATOMS)
        for _ in range(chance.randrange(3)):
            text += chance.choice(JOINTS if not text.endswith("\n") else ("",)) + chance.choice(ATOMS)
        if chance.random() < 0.3:
            text = chance.choice(("( {} )", "{{ {}\n}}", "if {}\nthen id; fi", "echo $({}\n)", "sh -c x; {}")).format(
                text
            )
        if accepted_by_bash(text):
            taken += 1
            read_by_both += compare(text)
    assert taken > 150
    assert read_by_both > taken * 0.9


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf '/",
        "echo $(id",
        "case x in",
        "cat <<E | (",
        "a=(1",
        "`id",
        "${x",
        "$((1",
        "x;;",
        ")",
    ],
)
def test_what_bash_refuses_for_its_form_is_refused(text: str) -> None:
    assert not accepted_by_bash(text)
    with pytest.raises(UnreadableError):
        read(text)
