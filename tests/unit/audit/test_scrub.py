import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.scrub import Needles, Scrubber, mark, scrubbed_text, without_end_piece, without_start_piece

KNOWN = (
    "hunter2hunter2",
    "hunter2hunter2-and-more",
    "2hunter2h",
    "aaaaaaaa",
    "short",
    "two lines\nof a long key",
    "pässwörd-ü",
)


def needles(*known: str) -> Needles:
    return Needles(lambda: known)


def scrubbed(chunks: list[bytes], known: tuple[str, ...] = KNOWN) -> tuple[bytes, int]:
    scrubber = Scrubber(needles(*known))
    clean = b"".join(scrubber.feed(chunk) for chunk in chunks)
    return clean + scrubber.finish(), scrubber.count


texts = st.lists(st.sampled_from([value.encode() for value in KNOWN] + [b"hunter", b"a", b" ", b"x", b"\n", b"2"]))


@given(texts, st.data())
def test_the_cuts_of_a_stream_change_nothing(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    clean, count = scrubbed(chunks)
    assert (clean, count) == scrubbed([whole])
    assert not any(value.encode() in clean for value in KNOWN[:4])
    assert clean.count(mark) == count


def test_a_secret_is_taken_out_wherever_it_is_cut() -> None:
    whole = b"password: hunter2hunter2\r\n$ "
    for cut in range(len(whole)):
        assert scrubbed([whole[:cut], whole[cut:]]) == (b"password: [redacted]\r\n$ ", 1)


def test_the_longest_secret_is_the_one_that_is_meant() -> None:
    assert scrubbed([b"hunter2hunter2", b"-and-more!"]) == (b"[redacted]!", 1)
    assert scrubbed([b"hunter2hunter2", b"-and-less!"]) == (b"[redacted]-and-less!", 1)


def test_only_what_may_be_a_secret_is_held_back() -> None:
    scrubber = Scrubber(needles("hunter2hunter2"))
    assert scrubber.feed(b"Password: ") == b"Password: "
    assert scrubber.feed(b"hunter") == b""
    assert scrubber.feed(b"s hun") == b"hunters "
    assert scrubber.finish() == b"hun"


def test_words_that_are_too_short_to_be_told_from_others_stay() -> None:
    assert scrubbed([b"a short word"]) == (b"a short word", 0)


def test_a_secret_of_several_lines_is_known_by_each() -> None:
    assert scrubbed([b"two lines\r\nof a long key\r\n"]) == (b"[redacted]\r\n[redacted]\r\n", 2)


def test_what_becomes_known_meanwhile_is_taken_out_from_then_on() -> None:
    known: list[str] = []
    scrubber = Scrubber(Needles(lambda: tuple(known)))
    assert scrubber.feed(b"hunter2hunter2 ") == b"hunter2hunter2 "
    known.append("hunter2hunter2")
    assert scrubber.feed(b"hunter2hunter2 ") == b"[redacted] "


def test_texts_are_scrubbed_as_bytes_are() -> None:
    assert scrubbed_text("is it pässwörd-ü?", needles(*KNOWN)) == "is it [redacted]?"
    assert scrubbed_text("", needles(*KNOWN)) == ""
    assert scrubbed_text("as it is", needles()) == "as it is"


@pytest.mark.parametrize(
    ("data", "clean"),
    [(b"is hunter2hun", b"is [redacted]"), (b"is hunt", b"is [redacted]"), (b"is hun", b"is hun"), (b"", b"")],
)
def test_the_beginning_of_a_secret_that_was_cut_off_goes_as_well(data: bytes, clean: bytes) -> None:
    looked = needles("hunter2hunter2")
    looked.look()
    assert without_end_piece(data, looked) == clean


@pytest.mark.parametrize(
    ("data", "clean"), [(b"ter2hunter2 is", b"[redacted] is"), (b"ter2 is", b"[redacted] is"), (b"er2 is", b"er2 is")]
)
def test_the_end_of_a_secret_that_was_cut_off_goes_as_well(data: bytes, clean: bytes) -> None:
    looked = needles("hunter2hunter2")
    looked.look()
    assert without_start_piece(data, looked) == clean
