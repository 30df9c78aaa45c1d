"""Words in a row where no commands stand: values of arrays and loops, tests, patterns of a case."""

import re

from mcp_ssh.safety.posix.reader import Reader
from mcp_ssh.safety.posix.syntax import Assignment, Word
from mcp_ssh.safety.posix.words import behind, ends_word

_assigns = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])?(\+?)=")
_esac = re.compile(r"esac(?![^\s;&|)])")


def values(reader: Reader) -> list[Word]:
    """Words up to the end of the line or of what holds them."""
    words = list[Word]()
    while True:
        reader.skip_blanks()
        char = reader.peek()
        if char in {"", ";", "\n", ")"}:
            return words
        if char in ends_word and not (char in "<>" and reader.peek(1) == "("):
            raise reader.fail("a list of words holds something else")
        words.append(reader.process() if char in "<>" else reader.word())


def assignment(reader: Reader, word: Word) -> Assignment | None:
    """The assignment that this word is or begins; nothing if it is none."""
    found = _assigns.match(word.raw)
    if not found or (found[2] and ("$" in found[2] or "`" in found[2])):
        return None
    if reader.peek() == "(" and word.raw == found[0]:
        reader.at += 1
        given = _array(reader)
    else:
        given = [behind(word, len(found[0]))]
    return Assignment(found[1], tuple(given), adds=bool(found[3]))


def _array(reader: Reader) -> list[Word]:
    words = list[Word]()
    while True:
        reader.skip_blanks(newlines=True)
        if reader.peek() == ")":
            reader.at += 1
            return words
        before = reader.at
        words += values(reader)
        if reader.at == before:
            raise reader.fail("an array has no end")


def test(reader: Reader) -> list[Word]:
    """What stands in `[[ … ]]`, where the characters of lists and redirections are those of conditions."""
    words = list[Word]()
    while True:
        reader.skip_blanks(newlines=True)
        char = reader.peek()
        if char == "":
            raise reader.fail("a test has no end")
        if char in "<>" and reader.peek(1) == "(":
            reader.process()
        elif char in ends_word:
            reader.at += 1
        else:
            words.append(reader.word())
            if words[-1].bare == "]]":
                return words


def pattern(reader: Reader) -> bool:
    """Go over the patterns of a case and their parenthesis; false if its end comes instead."""
    reader.skip_blanks(newlines=True)
    if _esac.match(reader.text, reader.at):
        return False
    if reader.peek() == "(":
        reader.at += 1
    while reader.peek() != ")":
        before = reader.at
        reader.skip_blanks()
        if reader.peek() == "|":
            reader.at += 1
        else:
            reader.word()
        if reader.at == before:
            raise reader.fail("a pattern of a case has no end")
    reader.at += 1
    return True
