from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.terminal import Terminal, draw, max_line_bytes


def seen(stream: bytes, charset: str | None = None) -> tuple[list[str], str]:
    terminal = Terminal(charset)
    return terminal.feed(stream), terminal.tail


@pytest.mark.parametrize(
    ("stream", "lines", "tail"),
    [
        (b"a\r\nb\r\n", ["a", "b"], ""),
        (b"a\nR1#", ["a"], "R1#"),
        (b"bird> \r      \rReady.\n", ["Ready."], ""),
        (b" --More-- \b\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\bnext", [], "next      "),
        (b"\x1b[31mred\x1b[0m\n", ["red"], ""),
        (b"\x1b]0;title\x07~ # \x1b[6n", [], "~ # "),
        (b"\rHOST# sho\x1b[K", [], "HOST# sho"),
        (b"abc\x1b[2DX\n", ["aXc"], ""),
        (b"abc\x1b[1GX\n", ["Xbc"], ""),
        (b"abcd\x1b[2G\x1b[2P\n", ["ad"], ""),
        (b"ac\x1b[2G\x1b[@b\n", ["abc"], ""),
        (b"a\x1bEb\n", ["a", "b"], ""),
        (b"\x1b[24;1HSwitch# ", [], "Switch# "),
        (b"old\x1b[24;1HSwitch# ", [], "Switch# "),
        (b"\x1b(Bplain\n", ["plain"], ""),
        (b"tab\there\n", ["tab\there"], ""),
        ("käse\n".encode(), ["käse"], ""),
        (b"k\xe4se\n", ["k\\xe4se"], ""),
        (b"\x07\x00bell\n", ["bell"], ""),
    ],
)
def test_what_devices_do_to_a_line(stream: bytes, lines: list[str], tail: str) -> None:
    assert seen(stream)[0] == lines
    assert seen(stream)[1].rstrip() == tail.rstrip()


def test_bytes_that_are_no_utf8_are_read_in_the_devices_charset() -> None:
    assert seen(b"k\xe4se\n", "latin-1")[0] == ["käse"]
    assert seen("ключ\n".encode("koi8-r"), "koi8-r")[0] == ["ключ"]
    assert seen("käse\n".encode(), "latin-1")[0] == ["käse"]


@pytest.mark.parametrize(
    "wipe",
    [
        b"\b\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\b",
        b"\r         \r",
        b"\r\x1b[K",
        b"\x1b[2K\r",
        b"\b\b\b\b\x1b[K",
    ],
)
def test_after_a_pager_its_wiping_is_dropped_and_the_next_line_is_exact(wipe: bytes) -> None:
    terminal = Terminal()
    terminal.feed(b" --More-- ")
    terminal.drop_tail(wiped=True)
    assert terminal.feed(wipe + b"  indented  \r\nnext\r\n") == ["  indented  ", "next"]


controls = rb"\r\n|\n|\r|\b|\x1b[K|\x1b[31m|\x1b[3|\x1b]0;t\x07|\xc3\xa4|\xe4|\x1bE|\x1b[24;1H|\x1b|\x00"
words = b"a|R1#| |D|[|--More--"
pieces = st.sampled_from([*controls.decode("unicode_escape").encode("latin-1").split(b"|"), *words.split(b"|")])


@given(st.lists(pieces, max_size=40).map(b"".join), st.lists(st.integers(0, 120), max_size=12))
def test_lines_and_tail_do_not_depend_on_chunk_borders(stream: bytes, cuts: list[int]) -> None:
    whole = seen(stream)
    terminal = Terminal()
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    lines = [line for a, b in pairwise(borders) for line in terminal.feed(stream[a:b])]
    assert (lines, terminal.tail) == whole


@given(st.binary(max_size=200))
def test_any_bytes_are_drawn_without_controls(stream: bytes) -> None:
    lines, tail = seen(stream)
    assert not [char for line in [*lines, tail] for char in line if char < " " and char != "\t"]


def test_a_line_without_an_end_is_committed_in_pieces_so_that_memory_is_bounded() -> None:
    terminal = Terminal()
    lines: list[str] = []
    for _ in range(100):
        lines += terminal.feed(b"x" * 10_000)
        assert len(terminal._pending) < max_line_bytes
    assert sum(map(len, lines)) + len(terminal.tail) == 1_000_000


def test_drawing_an_unfinished_sequence_shows_what_is_there() -> None:
    assert draw("abc\x1b[3") == ["abc"]
    assert draw("\x1b") == [""]
