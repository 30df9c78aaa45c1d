"""Conversations with a device: bytes and time in, actions out."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.capture import HeadTail
from mcp_ssh_drivers.complaints import Complaints
from mcp_ssh_drivers.dialogue import Dialogue
from mcp_ssh_drivers.exchange import Action, Arrived, Asked, NotAtPrompt, Send, State
from mcp_ssh_drivers.prompt import PromptReader
from mcp_ssh_drivers.registry import known

IOS = known()["cisco_ios"]


class Talk:
    """A dialogue with a clock that goes on when nothing comes."""

    def __init__(self, *, at_prompt: bool = True) -> None:
        self.dialogue = Dialogue(IOS, PromptReader(IOS.prompt, IOS.modes))
        self.now = 0.0
        if at_prompt:
            assert self.hears(b"\r\nWelcome\r\nsw1#") == [Arrived("privileged")]

    def gets(self, data: bytes, after: float = 0.001) -> list[Action]:
        """Bytes come, and more may follow."""
        self.now += after
        return self.dialogue.received(data, self.now)

    def waits(self) -> list[Action]:
        """Nothing comes for as long as the dialogue wants to wait."""
        actions = []
        while self.dialogue.wake_at is not None:
            self.now = max(self.now, self.dialogue.wake_at)
            actions += self.dialogue.woken(self.now)
        return actions

    def hears(self, data: bytes) -> list[Action]:
        """Bytes come, and then nothing."""
        return [*self.gets(data), *self.waits()]

    def says(self, text: str, *, at_once: bool = False) -> list[Action]:
        return self.dialogue.send(text, HeadTail(10_000), self.now, at_once=at_once)

    def runs(self, text: str) -> None:
        """A command up to its Enter."""
        assert self.says(text) == [Send(text.encode())]
        assert self.gets(text.encode()) == [Send(b"\r")]
        assert self.gets(b"\r\n") == []

    @property
    def is_sure(self) -> bool:
        return self.dialogue.is_sure

    @property
    def is_unsure(self) -> bool:
        return not self.dialogue.is_sure

    @property
    def output(self) -> bytes:
        return self.dialogue.exchange.output.captured().head


def test_enter_follows_only_when_the_device_shows_the_command() -> None:
    talk = Talk()
    assert talk.says("reload in 5") == [Send(b"reload in 5")]
    assert talk.gets(b"reload i") == []
    assert talk.gets(b"n 5") == [Send(b"\r")]
    assert talk.dialogue.state is State.RUNNING


def test_a_command_that_the_device_shows_otherwise_is_cleared_and_never_entered() -> None:
    talk = Talk()
    talk.says("show version")
    talk.gets(b"show reload")
    assert talk.waits() == [Send(b"\x15"), NotAtPrompt("sw1#show reload")]
    assert talk.hears(b"\r\nsw1#") == [Arrived("privileged")]


def test_the_output_is_all_and_only_what_stands_between_echo_and_prompt() -> None:
    talk = Talk()
    talk.runs("show clock")
    assert talk.hears(b"12:00:00 UTC\r\n\r\nsw1#") == [Arrived("privileged")]
    assert talk.output == b"12:00:00 UTC\n\n"


def test_a_safe_command_goes_in_one_write_and_its_echo_is_no_output() -> None:
    talk = Talk()
    assert talk.says("show clock", at_once=True) == [Send(b"show clock\r")]
    assert talk.hears(b"show clock\r\n12:00\r\nsw1#") == [Arrived("privileged")]
    assert talk.output == b"12:00\n"


@pytest.mark.parametrize("lookalike", [b"Total: 5#", b"sw2#", b"sw1# show", b"sw1#"])
def test_a_line_that_looks_like_the_prompt_while_more_comes_is_no_end(lookalike: bytes) -> None:
    talk = Talk()
    talk.runs("show log")
    assert talk.gets(b"one\r\n" + lookalike) == []
    assert talk.gets(b" and more\r\n", after=0.004) == []
    assert talk.hears(b"sw1#") == [Arrived("privileged")]
    assert talk.output == b"one\n" + lookalike + b" and more\n"


def settled_after(talk: Talk, *gaps: float) -> float:
    """How long it waits behind the prompt of a command whose chunks come with these gaps between them."""
    talk.says("show clock", at_once=True)
    talk.gets(b"show clock\r\n", after=0.1)  # the device thinks: no gap between two chunks
    for gap in gaps:
        talk.gets(b"12:00\r\n", after=gap)
    talk.gets(b"sw1#", after=0.0)
    seen = talk.now
    assert talk.waits() == [Arrived("privileged")]
    return talk.now - seen


def test_a_device_that_pauses_between_chunks_is_waited_for_twice_as_long() -> None:
    talk = Talk()
    assert settled_after(talk) == pytest.approx(0.005)
    assert settled_after(talk, 0.02, 0.001) == pytest.approx(0.04)


def test_one_hiccup_is_not_for_ever() -> None:
    talk = Talk()
    settled_after(talk, 0.05)
    waits = [settled_after(talk, 0.001) for _ in range(15)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] == pytest.approx(0.08)
    assert waits[-1] == pytest.approx(0.005)


def test_a_device_that_shows_its_own_transcript_is_waited_for_longer() -> None:
    talk = Talk()
    talk.runs("show history")
    talk.gets(b"sw1#show clock\r\nsw1#")
    assert talk.dialogue.wake_at is not None
    assert talk.dialogue.wake_at - talk.now == pytest.approx(0.25)


def test_a_question_is_told_and_nothing_is_answered_unasked() -> None:
    talk = Talk()
    talk.runs("reload")
    assert talk.hears(b"Proceed with reload? [confirm]") == [Asked("Proceed with reload? [confirm]", secret=False)]
    assert talk.dialogue.state is State.QUESTION
    assert talk.dialogue.answer("n", talk.now, enter=False) == [Send(b"n")]
    assert talk.hears(b"\r\nsw1#") == [Arrived("privileged")]


def test_a_password_prompt_is_told_as_one() -> None:
    talk = Talk()
    talk.runs("enable")
    assert talk.hears(b"Password: ") == [Asked("Password:", secret=True)]
    assert talk.dialogue.state is State.PASSWORD


def test_pages_are_turned_and_leave_no_trace() -> None:
    talk = Talk()
    talk.runs("show run")
    assert talk.hears(b"one\r\n --More-- ") == [Send(b" ")]
    assert talk.hears(b"\x08" * 9 + b" " * 9 + b"\x08" * 9 + b"two\r\n --More-- ") == [Send(b" ")]
    assert talk.hears(b"\x08" * 9 + b" " * 9 + b"\x08" * 9 + b"three\r\nsw1#") == [Arrived("privileged")]
    assert talk.output == b"one\ntwo\nthree\n"


def test_output_that_holds_the_pagers_text_is_no_pager() -> None:
    talk = Talk()
    talk.runs("show help")
    assert talk.gets(b"press space at --More--") == []
    assert talk.hears(b" to go on\r\nsw1#") == [Arrived("privileged")]
    assert talk.output == b"press space at --More-- to go on\n"


def test_a_device_error_is_told_with_its_line() -> None:
    talk = Talk()
    talk.runs("shwo")
    talk.hears(b"     ^\r\n% Invalid input detected at '^' marker.\r\n\r\nsw1#")
    assert talk.dialogue.exchange.device_error == "% Invalid input detected at '^' marker."


def test_what_comes_while_nobody_asked_is_kept_apart() -> None:
    talk = Talk()
    assert talk.gets(b"\r\n%SYS-5-CONFIG_I: Configured from console\r\n") == []
    assert talk.is_unsure
    talk.gets(b"sw1#")
    assert talk.is_sure
    assert talk.dialogue.unsolicited == ["%SYS-5-CONFIG_I: Configured from console"]


def test_a_mode_is_read_from_the_prompt_and_a_new_name_is_learned() -> None:
    talk = Talk()
    talk.runs("configure terminal")
    assert talk.hears(b"Enter configuration commands, one per line.\r\nsw1(config)#") == [Arrived("config")]
    talk.runs("hostname core9")
    assert talk.hears(b"core9(config)#") == [Arrived("config")]
    assert talk.dialogue.prompts.base == "core9"


@pytest.mark.parametrize("stage", ["login", "ready", "echo", "running", "question"])
def test_after_the_end_of_the_channel_nothing_is_expected_any_more(stage: str) -> None:
    talk = Talk(at_prompt=stage != "login")
    if stage == "echo":
        talk.says("show clock")
    if stage in {"running", "question"}:
        talk.runs("reload")
    if stage == "question":
        talk.hears(b"Proceed with reload? [confirm]")
    talk.dialogue.lost()
    assert (talk.dialogue.state, talk.dialogue.wake_at) == (State.LOST, None)


STREAM = (
    b"interface \x1b[1mGi0/1\x1b[0m\r\n description Z\xc3\xbcrich #\r\nTotal: 5#\r\n"
    b" --More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08          \x08\x08\x08\x08\x08\x08\x08\x08\x08\x08end\r\n"
    b"\x1b]0;title\x07last\r\nsw1#"
)


def heard(chunks: list[bytes]) -> tuple[bytes, list[Action]]:
    talk = Talk()
    talk.runs("show run")
    actions: list[Action] = []
    for chunk in chunks:
        actions += [each for each in talk.gets(chunk, after=0.0001) if not isinstance(each, Send)]
    return talk.output, [*actions, *talk.waits()]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_the_output_does_not_depend_on_how_the_bytes_were_cut(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(borders)]
    assert heard(chunks) == heard([STREAM])


def test_byte_by_byte_is_the_same_too() -> None:
    whole = heard([STREAM])
    assert whole[1] == [Arrived("privileged")]
    assert b"Total: 5#\n" in whole[0]
    assert b"More" not in whole[0]
    assert heard([STREAM[n : n + 1] for n in range(len(STREAM))]) == whole


def test_random_noise_never_raises_and_never_makes_it_type() -> None:
    source = random.Random(7)  # noqa: S311  noise, not a secret
    talk = Talk()
    talk.runs("show noise")
    sent = [each for _ in range(2_000) for each in talk.gets(source.randbytes(40)) if isinstance(each, Send)]
    assert sent == []


def test_of_a_long_output_head_and_tail_stay_and_the_rest_is_counted() -> None:
    talk = Talk()
    talk.runs("show tech-support")
    chunk = b"GigabitEthernet1/0/1 is up, line protocol is up\r\n" * 1_000
    for _ in range(200):
        talk.gets(chunk)
    assert talk.hears(b"sw1#") == [Arrived("privileged")]
    kept = talk.dialogue.exchange.output.captured()
    assert kept.total == 200 * len(chunk.replace(b"\r", b""))
    assert len(kept.head) + len(kept.tail) == 10_000


def test_an_error_among_many_lines_of_one_chunk_is_told_with_its_own_line_alone() -> None:
    talk = Talk()
    talk.runs("show x")
    talk.hears(b"one\r\n100% Invalid\r\n% Incomplete command.\r\ntwo\r\nsw1#")
    assert talk.dialogue.exchange.device_error == "% Incomplete command."


@pytest.mark.parametrize("patterns", [("^% Invalid", "^Command .* failed$"), ("% Invalid", "^Command .* failed$")])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("% Invalid input", "% Invalid input"),
        ("one\n  ^\n% Invalid input at x\nthree", "% Invalid input at x"),
        ("one\nCommand rm failed\nCommand rm failed again", "Command rm failed"),
        ("Command rm failed again", None),
        ("", None),
    ],
)
def test_a_complaint_is_found_as_its_whole_line(patterns: tuple[str, ...], text: str, line: str | None) -> None:
    assert Complaints(patterns).find(text) == line


def test_without_patterns_nothing_is_a_complaint() -> None:
    assert Complaints(()).find("% Invalid") is None
