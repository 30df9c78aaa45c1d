import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.face.hygiene import clean, shown
from mcp_ssh.model.result import Captured


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07x", "x"),
        ("\x1bP1$r0m\x1b\\x", "x"),
        ("\x1b(Bplain", "plain"),
        ("a\r\nb\n\tc", "a\nb\n\tc"),
        ("progress\rdone", "progress\\x0ddone"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("in\u200bvisible", "in\\u200bvisible"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("\x9b31mC1", "\\x9b31mC1"),
        ("naïve 漢字 🎉", "naïve 漢字 🎉"),
        ("unfinished \x1b[31", "unfinished "),
        ("\x07bell", "\\x07bell"),
    ],
)
def test_escapes_go_and_the_invisible_is_shown(raw: str, text: str) -> None:
    assert clean(raw) == text


@given(st.text())
def test_cleaning_leaves_no_control_character_but_newline_and_tab(raw: str) -> None:
    text = clean(raw)
    assert not [char for char in text if ord(char) < 32 and char not in "\n\t"]
    assert "\x1b" not in text
    assert "\x7f" not in text


@given(st.text())
def test_cleaning_twice_changes_nothing_more(raw: str) -> None:
    assert clean(clean(raw)) == clean(raw)


def test_bytes_that_are_no_utf8_survive_as_escapes_and_exactly_as_base64() -> None:
    raw = b"caf\xe9 \xff\x00\n"
    got = shown(Captured(raw), 1000)
    assert got.text == "caf\\xe9 \\xff\\x00\n"
    assert base64.b64decode(got.base64 or "") == raw


def test_utf8_needs_no_base64() -> None:
    assert shown(Captured("käse\n".encode()), 1000).base64 is None


def test_a_long_output_shows_head_and_tail_and_counts_what_is_left_out() -> None:
    raw = b"".join(b"line %d\n" % number for number in range(10_000))
    got = shown(Captured(raw), 300)
    assert got.text.startswith("line 0\n")
    assert got.text.endswith("line 9999\n")
    assert f"[... {got.left_out_bytes} bytes left out ...]" in got.text
    assert len(got.text) < 360
    assert got.left_out_bytes == len(raw) - 300


def test_bytes_that_were_dropped_earlier_are_counted_too() -> None:
    got = shown(Captured(b"head", b"tail", omitted=1_000_000), 300)
    assert got.text == "head\n[... 1000000 bytes left out ...]\ntail"


def test_a_character_on_the_border_is_not_lost() -> None:
    got = shown(Captured("ä".encode() * 1000), 30)
    assert got.left_out_bytes == 2000 - 60


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Reading... 0%\r\rReading... 93%\rReading... Done\n", "Reading... Done\n"),
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b"10%\r20%\n30%\r40%", "20%\n40%"),
        (b"ends with it\r", "ends with it\\x0d"),
    ],
)
def test_on_a_terminal_a_line_is_shown_as_it_stood_last(raw: bytes, text: str) -> None:
    assert shown(Captured(raw), 1_000, terminal=True).text == text
