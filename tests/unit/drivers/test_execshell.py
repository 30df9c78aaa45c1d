import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.execshell import (
    Announcement,
    LoginShell,
    exec_request,
    read_left,
    read_probe,
    read_second_probe,
)

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    "answer",
    [
        b"mcp-ssh bash 0af-1\n",
        b"mcp-ssh /bin/sh \n",
        b"mcp-ssh -ash 0af\n",
        b"mcp-ssh zsh 0af\r\n",
        b"motd\nmcp-ssh bash \n",
    ],
)
def test_shells_of_the_sh_family_are_known(answer: bytes) -> None:
    found = read_probe(answer)
    assert found is not None
    assert found.shell is LoginShell.POSIX


@pytest.mark.parametrize("answer", [b"", b"mcp-ssh fish \n", b"mcp-ssh  \n", b"No file for $0.\n"])
def test_anything_else_asks_the_second_question(answer: bytes) -> None:
    assert read_probe(answer) is None


def test_the_second_answer_tells_whether_sh_can_be_started() -> None:
    assert read_second_probe(b"mcp-ssh sh\n").shell is LoginShell.OTHER
    assert read_second_probe(b"this account is restricted\n").shell is LoginShell.UNKNOWN


def test_the_command_ends_the_request_untouched() -> None:
    command = "printf '%s\\n' \"a  b\" # it's\nls 'x"
    assert exec_request(command, LoginShell.POSIX, TOKEN).endswith("; " + command)
    assert exec_request(command, LoginShell.UNKNOWN, TOKEN) == command


@given(st.text(max_size=60).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_for_other_shells_only_characters_that_mean_the_same_everywhere_travel(command: str) -> None:
    request = exec_request(command, LoginShell.OTHER, TOKEN)
    inner = request.removeprefix('exec sh -c \'eval "$(printf %b "').removesuffix('")"\'')
    assert set(inner) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./-\\")
    decoded = re.sub(r"\\0(\d{3})", lambda found: chr(int(found[1], 8)), inner).encode("latin-1").decode()
    assert decoded == f"echo {TOKEN} $$ >&2; {command}"


@given(st.binary(max_size=60), st.lists(st.integers(0, 80)))
def test_the_announcement_is_taken_out_whatever_the_chunk_borders(output: bytes, cuts: list[int]) -> None:
    stream = f"{TOKEN} 4711\n".encode() + output
    reader = Announcement(TOKEN)
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    got = b"".join(reader.feed(stream[a:b]) for a, b in pairwise(borders))
    assert got + reader.flush() == output
    assert reader.pid == 4711


@given(st.lists(st.sampled_from([b"welcome\n", b"\n", b"0123456\n", b"it is 9\r\n"])), st.lists(st.integers(0, 80)))
def test_what_start_files_write_before_the_announcement_stays(before: list[bytes], cuts: list[int]) -> None:
    noise = b"".join(before)
    stream = noise + f"{TOKEN} 4711\n".encode() + b"output"
    reader = Announcement(TOKEN)
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    got = b"".join(reader.feed(stream[a:b]) for a, b in pairwise(borders))
    assert (got + reader.flush(), reader.pid) == (noise + b"output", 4711)


@given(st.binary(max_size=80), st.integers(0, 80))
def test_a_stream_without_announcement_loses_nothing(output: bytes, cut: int) -> None:
    reader = Announcement(TOKEN)
    assert reader.feed(output[:cut]) + reader.feed(output[cut:]) + reader.flush() == output
    assert reader.pid is None


def test_an_answer_that_is_none_counts_as_no_answer() -> None:
    assert read_left(b"") is None
    assert read_left(b"sh: not found\n") is None
    assert read_left(b"mcp-ssh left 3\n") == 3
