"""A part of a file: text or not, never a cut character, never a secret, however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.scrub import Needles
from mcp_ssh.outputs.part import FilePart, part_of

SECRET = b"hunter2hunter2"
NONE = Needles(tuple)


def needles() -> Needles:
    return Needles(lambda: (SECRET.decode(),))


def part(data: bytes, start: int, size: int, known: Needles = NONE, *, as_base64: bool = False) -> FilePart:
    around = known.longest if known.look() else 0
    first = max(0, start - around)
    return part_of(data[first : start + size + around + 1], start - first, size, known, as_base64=as_base64)


def test_text_is_text_and_what_is_none_is_not() -> None:
    assert part(b"h\xc3\xa9llo\r\n\tx", 0, 100).is_text
    assert part(b"", 0, 100).is_text
    assert part(b"\x1b[31mred", 0, 100).is_text
    for raw in (b"a\0b", b"\xff\xfe", b"\xc3", b"\x01" * 10, b"\x89PNG\r\n\x1a\n"):
        assert not part(raw, 0, 100).is_text
    assert not part(b"hello", 0, 100, as_base64=True).is_text


def test_a_character_is_not_cut_and_the_next_part_begins_with_it() -> None:
    raw = "aé€😀".encode() * 50
    at, found = 0, b""
    while True:
        piece = part(raw, at, 7)
        assert piece.is_text
        piece.data.decode()
        found, at = found + piece.data, at + piece.length
        if not piece.has_more:
            break
    assert found == raw


@given(st.binary(max_size=200), st.integers(1, 50))
def test_parts_joined_are_the_file(raw: bytes, size: int) -> None:
    at, found = 0, b""
    while True:
        piece = part(raw, at, size)
        assert piece.length > 0 or not raw
        found, at = found + piece.data, at + piece.length
        if not piece.has_more:
            break
    assert found == raw


@given(st.integers(0, 60), st.integers(1, 60))
def test_no_part_holds_a_piece_of_a_secret(start: int, size: int) -> None:
    raw = b"x" * 20 + SECRET + b"y" * 26
    piece = part(raw, start, size, needles())
    shown = piece.data.replace(b"[redacted]", b"")
    assert set(shown) <= set(b"xy")
    touches = start < 20 + len(SECRET) and start + piece.length > 20
    assert piece.scrubbed == (1 if touches else 0)


def test_a_secret_in_bytes_that_are_no_text_is_taken_out_before_they_are_base64() -> None:
    piece = part(b"\xff" + SECRET + b"\0" + SECRET, 0, 100, needles())
    assert (piece.is_text, piece.scrubbed) == (False, 2)
    assert piece.data == b"\xff[redacted]\0[redacted]"


@pytest.mark.parametrize(("as_base64", "length"), [(False, 30_000), (True, 22_500)])
def test_base64_takes_no_more_room_than_text(as_base64: bool, length: int) -> None:
    assert part(b"a" * 40_000, 0, 30_000, as_base64=as_base64).length == length
