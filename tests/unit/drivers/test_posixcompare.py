"""Two spellings of a text: no damage that a terminal does makes both of them say the same other text."""

import re
import subprocess
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh_drivers.posixcompare import Digest, Family, Shell, cksum, compared_twice, pieces

READS = Shell(Family.BASH, Digest.SHA256, reads_escapes=True)
DASH = Shell(Family.SH, Digest.SHA256, reads_escapes=False)
COMMANDS = st.lists(st.integers(1, 127), min_size=1, max_size=40).map(bytes)
TYPED = "".join(map(chr, range(32, 127)))


def judged(line: str) -> bytes | None:
    """What would run of `compared_twice` in a shell that reads escapes; None if it refuses or cannot read it."""
    texts = r"\$'((?:[^'\\]|\\.)*)'"
    found = re.fullmatch(rf"__mcp_c={texts};\[ \"\$\{{#__mcp_c\}}\.\$__mcp_c\" = {texts} \]", line)
    if found is None:
        return None
    first, second = map(meant, found.groups())
    return first if b"%d.%b" % (len(first), first) == second else None


def meant(text: str) -> bytes:
    """As the shells read what stands in `$'...'`: octal of one to three digits, hexadecimal of one or two."""
    parts = re.findall(r"\\([0-7]{1,3})|\\x([0-9a-fA-F]{1,2})|(.)", text, re.DOTALL)
    return b"".join(
        bytes([int(octal, 8) & 255]) if octal else bytes([int(digits, 16)]) if digits else char.encode()
        for octal, digits, char in parts
    ).partition(b"\0")[0]


def spelled(command: bytes) -> str:
    compared = compared_twice(command, READS)
    assert compared is not None
    return compared


@given(COMMANDS)
def test_what_arrives_whole_is_what_was_sent(command: bytes) -> None:
    assert judged(spelled(command)) == command


@given(COMMANDS, st.integers(0), st.sampled_from(TYPED), st.sampled_from(["drop", "double", "change"]))
def test_no_single_character_can_change_what_runs(command: bytes, at: int, other: str, damage: str) -> None:
    line = spelled(command)
    at %= len(line)
    put = {"drop": "", "double": line[at] * 2, "change": other}[damage]
    assert judged(line[:at] + put + line[at + 1 :]) in {command, None}


@given(COMMANDS, st.integers(0), st.integers(0))
def test_no_hole_in_the_line_can_change_what_runs(command: bytes, begin: int, length: int) -> None:
    line = spelled(command)
    begin %= len(line)
    assert judged(line[:begin] + line[begin + length % len(line) :]) in {command, None}


def erased(line: str, key: str) -> str:
    """What `stty erase KEY` makes of it."""
    kept: list[str] = []
    for char in line:
        if char != key:
            kept.append(char)
        elif kept:
            kept.pop()
    return "".join(kept)


DAMAGES: list[Callable[[str, str], str]] = [
    lambda line, key: line.replace(key, ""),
    erased,
    lambda line, key: line.rpartition(key)[2],
    lambda line, _: line.lower(),
    lambda line, key: line.replace(key, key + key),
    lambda line, key: line.replace(key, "_"),
]
"""A character that is lost, erases, kills the line, small letters for capitals, doubled, or taken for another."""


@pytest.mark.parametrize("damage", DAMAGES)
@given(COMMANDS, st.sampled_from(TYPED))
def test_damage_to_one_kind_of_character_wherever_it_stands_is_no_other_command(
    damage: Callable[[str, str], str], command: bytes, key: str
) -> None:
    assert judged(damage(spelled(command), key)) in {command, None}


def test_a_terminal_that_doubles_a_digit_makes_no_two_of_one() -> None:
    for command in (b"7", b"kill 7", b"echo 1234567", b"\x07"):
        assert judged(spelled(command).replace("7", "77")) is None


def test_what_is_not_ascii_is_left_to_a_digest() -> None:
    assert compared_twice("é".encode(), READS) is None


@given(st.text(st.sampled_from("aZ09 _./:,=+@-{}()[]<>|&;*?^~%"), min_size=1, max_size=40))
def test_a_shell_without_escapes_compares_with_one_more_process(command: str) -> None:
    compared = compared_twice(command.encode(), DASH)
    ran = subprocess.run(["dash", "-c", f'{compared} && printf %s "$__mcp_c"'], capture_output=True, check=True)
    assert ran.stdout.decode() == command


@given(COMMANDS, st.integers(4, 60))
def test_pieces_hold_nothing_that_ends_a_quote_or_hides_one(command: bytes, size: int) -> None:
    for shell in (READS, DASH):
        parts = list(pieces(command, shell, max(size, 5)))
        assert all(len(part) <= max(size, 5) for part in parts)
        assert not set("".join(parts)) & set("'\"`$#!\n")


@pytest.mark.parametrize(("family", "text"), list(product(Family, [b"a b", b"'"])))
def test_what_cannot_be_spelled_twice_is_left_to_a_digest(family: Family, text: bytes) -> None:
    shell = Shell(family, Digest.SHA256, reads_escapes=False)
    assert (compared_twice(text, shell) is None) == (text == b"'")


@pytest.mark.parametrize("digest", Digest)
@given(st.binary(max_size=200))
def test_a_digest_is_what_the_program_prints(digest: Digest, data: bytes) -> None:
    printed = subprocess.run([digest.value], input=data, capture_output=True, check=True).stdout.decode()
    assert printed.strip() == digest.of(data)


def test_a_wrong_bit_is_another_sum() -> None:
    assert cksum(b"rm x") != cksum(b"rm y")
