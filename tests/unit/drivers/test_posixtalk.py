"""What is said to a shell, and what is heard, however the stream is cut."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.posixcompare import Digest, Family, Shell
from mcp_ssh_drivers.posixtalk import Began, Ended, Event, Prompt, Reader, Text, lines, max_line, prepare

TOKEN, PROMPT = "0123456789abcdef", "fedcba9876543210"
STREAM = (
    b"noise\n\x1e" + PROMPT.encode() + b">\x1e" + TOKEN.encode() + b":bout\x1eput \x1e" + TOKEN.encode()[:9] + b"?"
    b"\x1e" + TOKEN.encode() + b":e7:/a b\0late\x1e" + PROMPT.encode() + b">"
)
EVENTS = [
    Text(b"noise\n"),
    Prompt(),
    Began(),
    Text(b"out\x1eput \x1e" + TOKEN.encode()[:9] + b"?"),
    Ended(7, "/a b"),
    Text(b"late"),
    Prompt(),
]


def heard(pieces: list[bytes]) -> list[Event]:
    """The events, with texts that follow each other joined."""
    reader = Reader(PROMPT)
    reader.expect(TOKEN)
    joined: list[Event] = []
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, Text) and joined and isinstance(joined[-1], Text):
                joined[-1] = Text(joined[-1].data + event.data)
            else:
                joined.append(event)
    return joined


def test_a_stream_is_the_same_at_every_split() -> None:
    for at in range(len(STREAM) + 1):
        assert heard([STREAM[:at], STREAM[at:]]) == EVENTS


@given(st.lists(st.integers(1, 9), max_size=100))
def test_a_stream_is_the_same_however_it_is_cut(sizes: list[int]) -> None:
    pieces, rest = [], STREAM
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    assert heard([*pieces, rest]) == EVENTS


@given(st.binary(max_size=300))
def test_output_without_a_marker_is_output(data: bytes) -> None:
    reader = Reader(PROMPT)
    reader.expect(TOKEN)
    text = b"".join(event.data for event in reader.feed(data + b"\n") if isinstance(event, Text))
    assert text == data + b"\n"


def test_a_marker_of_another_command_is_output() -> None:
    reader = Reader(PROMPT)
    reader.expect("ffffffffffffffff")
    assert heard([b"\x1e" + TOKEN.encode() + b":b"]) == [Began()]
    assert all(isinstance(event, Text) for event in reader.feed(b"\x1e" + TOKEN.encode() + b":e0:/\0"))


def test_a_separator_without_an_end_is_not_kept_for_ever() -> None:
    reader = Reader(PROMPT)
    reader.expect(TOKEN)
    endless = b"\x1e" + TOKEN.encode() + b":e0:" + b"x" * 10_000
    assert sum(len(event.data) for event in reader.feed(endless) if isinstance(event, Text)) == len(endless)


@given(st.binary(min_size=1, max_size=3_000).filter(lambda data: b"\0" not in data))
def test_every_line_fits_and_holds_neither_control_characters_nor_a_whole_token(command: bytes) -> None:
    for family, reads_escapes in product(Family, (True, False)):
        typed = lines(command, TOKEN, Shell(family, Digest.SHA256, reads_escapes), 0)
        assert all(len(line) <= max_line and line.endswith("\n") for line in typed)
        assert all(line[:-1].isascii() and line[:-1].isprintable() and "!" not in line for line in typed)
        assert TOKEN not in "".join(typed)
    assert PROMPT not in prepare(PROMPT, TOKEN)
    assert len(prepare(PROMPT, TOKEN)) <= max_line


def test_only_an_exit_code_that_no_builtin_gives_costs_a_process() -> None:
    shell = Shell(Family.BASH, Digest.SHA256, reads_escapes=True)
    [none], [one], [other] = (lines(b"echo hi", TOKEN, shell, code) for code in (0, 1, 7))
    assert "exit" not in none + one
    assert "false;command eval" in one
    assert "(exit 7);command eval" in other


def test_a_short_command_is_compared_without_a_program_and_a_long_one_by_its_digest() -> None:
    shell = Shell(Family.BASH, Digest.SHA256, reads_escapes=True)
    [short], [longer], [*several] = (lines(b"x" * size, TOKEN, shell, 0) for size in (100, 300, 3_000))
    assert "sha256sum" not in short
    assert longer.count("'sha256sum'") == several[-1].count("'sha256sum'") == 1
    assert len(several) > 3
