import shlex
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.readyshell import Trial, TrialReader, fitting_line, line_of, longest_line, program_of, trial
from tests.support.memory import text_of_line

TOKEN = "0123456789abcdef"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80))
def test_a_line_holds_the_command_and_nothing_else(text: str) -> None:
    line = line_of(text.encode())
    assert line.count(b"\n") == 1
    assert text_of_line(line) == text.encode()
    assert line.split(b" ", 2)[:2] == [b"%d" % len(text.encode()), b"%d" % len(text)]


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_reads_from_the_line_what_was_put_in(shell: str) -> None:
    script = "mcp_n='\n'; IFS=' ' read -r b k w line; eval \"c=$line\"; printf %s \"$c\""
    got = subprocess.run([shell, "-c", script], input=line_of(trial), capture_output=True, check=True)
    assert got.stdout == trial


@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        "x" * (longest_line + 1),
        "'" * 1_500,
        "rocket \N{ROCKET}",
        "\udcff",
        "if true",
        "echo (",
        "a |",
        "a &&",
        "a \\",
    ],
)
def test_what_a_line_cannot_carry_is_left_to_an_exec_request(text: str) -> None:
    assert fitting_line(text) is None


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("uname -a", "uname"),
        ("df -h /var/log", "df"),
        ("grep -c 'a b; c' /etc/passwd", "grep"),
        ("systemctl status nginx.service --no-pager", "systemctl"),
        ("ls *", None),
        ("ls; id", None),
        ("ls | wc", None),
        ("ls > x", None),
        ("A=1 env", None),
        ("/bin/ls", None),
        ("echo $HOME", None),
        ('echo "x"', None),
        ("ls &", None),
        ("ls\nid", None),
        ("! ls", None),
        ("ls #x", None),
        (" ls", None),
        ("", None),
    ],
)
def test_a_program_alone_is_told_from_everything_else(text: str, program: str | None) -> None:
    assert program_of(text) == program


@given(st.text("abc' .-=;&|<>$`\"\\\n(){}*?#!~", max_size=30))
def test_what_counts_as_a_program_alone_is_plain_words_to_a_shell(text: str) -> None:
    program = program_of(text)
    if program is not None:
        assert shlex.split(text)[0] == program
        assert not set(';&|<>$`"\\\n(){}*?#!~') & set("".join(text.split("'")[::2]))


def test_an_answer_passes_only_with_every_byte() -> None:
    right = f"{TOKEN} 12 ".encode() + trial + f"{TOKEN}\n".encode()
    assert TrialReader(TOKEN).feed(right) is Trial.PASSED
    assert TrialReader(TOKEN).feed(right.replace(b"\x81", b"")) is Trial.FAILED
    assert TrialReader(TOKEN).feed(b"motd\n") is Trial.LOUD
    assert TrialReader(TOKEN).feed(f"{TOKEN} 12 ".encode() + b"x" * 10_000) is Trial.FAILED


@given(st.lists(st.integers(0, 400)))
def test_an_answer_passes_whatever_the_chunk_borders(cuts: list[int]) -> None:
    stream = f"{TOKEN} 12 ".encode() + trial + f"{TOKEN}\n".encode()
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    answer, seen = TrialReader(TOKEN), Trial.WAITS
    for start, end in pairwise(borders):
        if seen is Trial.WAITS:
            seen = answer.feed(stream[start:end])
    assert seen is Trial.PASSED
