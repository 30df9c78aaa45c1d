"""Words of a POSIX command line: quotes, parameters, substitutions. The half of the scanner below lists of commands."""

import re
from collections.abc import Callable

from mcp_ssh.safety.posix.syntax import Lit, Part, SimpleCommand, Sub, UnreadableError, Var, Word

ends_word = frozenset(" \t\n;&|()<>")
_plain = re.compile(r"[^ \t\n;&|()<>'\"\\$`]+")
_in_double = re.compile(r'[^"\\$`]+')
_in_body = re.compile(r"[^\\$`]+")
_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!_-]")
_in_braces = re.compile(
    r"(?P<length>#(?=[A-Za-z_0-9@*]))?(?P<name>[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])(?P<index>\[[^\]]*\])?"
)
_with_word = (":-", ":=", ":+", ":?", "-", "=", "+", "?")
_escapes = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_coded = re.compile(r"x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)", re.DOTALL)

max_depth = 40


class WordReader:
    """Reads words at a place in a text. `lists` reads the commands inside of a substitution, until its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.in_backquotes = False
        self.lists: Callable[[str], tuple[SimpleCommand, ...]]

    def peek(self, ahead: int = 0) -> str:
        """The character that comes, or nothing."""
        place = self.at + ahead
        return self.text[place] if place < len(self.text) else ""

    def fail(self, reason: str) -> UnreadableError:
        """The error for what cannot be read here."""
        return UnreadableError(reason, self.at)

    def word(self) -> Word:
        """The word that begins here; it has no parts if none does."""
        start, parts = self.at, list[Part]()
        while char := self.peek():
            if char in "<>" and self.peek(1) == "(" and parts:
                break
            if char in ends_word or (char == "`" and self.in_backquotes):
                break
            self._part(char, parts)
        return Word(tuple(parts), self.text[start : self.at], start, self.at)

    def process(self) -> Word:
        """`<(…)` or `>(…)`: a word that is a file with the output of commands."""
        start = self.at
        self.at += 2
        sub = Sub(self._nested(")"), quoted=False, process=True)
        return Word((sub,), self.text[start : self.at], start, self.at)

    def body(self, text: str, start: int, *, expands: bool) -> Word:
        """The text of a heredoc as a word."""
        if not expands or not ("$" in text or "`" in text or "\\" in text):
            return Word((Lit(text, quoted=True),), text, start, start + len(text))
        inner = type(self)(text)
        inner.depth = self.depth
        parts = list[Part]()
        while inner.at < len(text):
            inner.quoted_part(parts, _in_body, "$`\\\n")
        return Word(tuple(parts), text, start, start + len(text))

    def _part(self, char: str, parts: list[Part]) -> None:
        if char == "'":
            parts.append(Lit(self._single(), quoted=True))
        elif char == '"':
            self._double(parts)
        elif char == "\\":
            self._escaped(parts)
        elif char == "$":
            self._dollar(parts, quoted=False)
        elif char == "`":
            self._backquotes(parts, quoted=False)
        else:
            found = _plain.match(self.text, self.at)
            assert found is not None  # noqa: S101  every other character has a branch of its own
            self.at = found.end()
            parts.append(Lit(found[0], quoted=False))

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise self.fail("a single quote has no end")
        text = self.text[self.at + 1 : end]
        self.at = end + 1
        return text

    def _escaped(self, parts: list[Part]) -> None:
        char = self.peek(1)
        self.at = min(self.at + 2, len(self.text))
        if char != "\n":
            parts.append(Lit(char or "\\", quoted=True))

    def _double(self, parts: list[Part]) -> None:
        self.at += 1
        before = len(parts)
        while (char := self.peek()) != '"':
            if char == "":
                raise self.fail("a double quote has no end")
            self.quoted_part(parts, _in_double, '$`"\\\n')
        self.at += 1
        if len(parts) == before:
            parts.append(Lit("", quoted=True))

    def quoted_part(self, parts: list[Part], plain: re.Pattern[str], escapable: str) -> None:
        """One part of what stands in double quotes or in a heredoc."""
        char = self.peek()
        if char == "\\":
            following = self.peek(1)
            self.at = min(self.at + 2, len(self.text))
            if following != "\n":
                parts.append(Lit(following if following and following in escapable else char + following, quoted=True))
        elif char == "$":
            self._dollar(parts, quoted=True)
        elif char == "`":
            self._backquotes(parts, quoted=True)
        else:
            found = plain.match(self.text, self.at)
            assert found is not None  # noqa: S101  every other character has a branch of its own
            self.at = found.end()
            parts.append(Lit(found[0], quoted=True))

    def _dollar(self, parts: list[Part], *, quoted: bool) -> None:
        following = self.peek(1)
        if following == "'" and not quoted:
            parts.append(Lit(self._ansi(), quoted=True))
        elif following == '"' and not quoted:
            self.at += 1
            self._double(parts)
        elif following == "(":
            if self.text.startswith("$((", self.at) and self.arithmetic(2):
                parts.append(Sub((), quoted))
                return
            self.at += 2
            parts.append(Sub(self._nested(")"), quoted))
        elif following == "[":  # arithmetic of old
            self._old_arithmetic()
            parts.append(Sub((), quoted))
        elif following == "{":
            parts.append(self._braced(quoted=quoted))
        else:
            found = _name.match(self.text, self.at + 1)
            self.at = found.end() if found else self.at + 1
            parts.append(Var(found[0], quoted) if found else Lit("$", quoted))

    def _nested(self, end: str) -> tuple[SimpleCommand, ...]:
        self.depth += 1
        if self.depth > max_depth:
            raise self.fail("it is nested too deeply")
        outer, self.in_backquotes = self.in_backquotes, end == "`"
        commands = self.lists(end)
        self.in_backquotes = outer
        self.depth -= 1
        return commands

    def _backquotes(self, parts: list[Part], *, quoted: bool) -> None:
        """Inside of backquotes a backslash goes before `$`, a backquote or itself; so its text is read on its own."""
        if self.in_backquotes:
            raise self.fail("a backquote stands inside of backquotes")
        end = self.at + 1
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.fail("a backquote has no end")
        inner = type(self)(re.sub(r"\\([$`\\])", r"\1", self.text[self.at + 1 : end]))
        inner.depth = self.depth + 1
        if inner.depth > max_depth:
            raise self.fail("it is nested too deeply")
        parts.append(Sub(inner.lists(""), quoted))
        self.at = end + 1

    def _braced(self, *, quoted: bool) -> Var:
        self.at += 2
        if self.peek() == "!":
            self._to_brace()
            return Var("!", quoted, "!")
        found = _in_braces.match(self.text, self.at)
        if not found:
            raise self.fail("a parameter in braces has no name")
        self.at = found.end()
        name, operator = found["name"], ""
        if found["index"] and found["index"] not in {"[@]", "[*]"}:
            operator = "["
        if found["length"]:
            operator = "#"
        if self.peek() == "}":
            self.at += 1
            return Var(name, quoted, operator)
        known = next((each for each in _with_word if self.text.startswith(each, self.at)), "")
        self.at += len(known)
        other = self._to_brace()
        return Var(name, quoted, known or "other", other)

    def _to_brace(self) -> Word:
        start, parts, depth = self.at, list[Part](), 0
        while char := self.peek():
            if char == "}" and not depth:
                word = Word(tuple(parts), self.text[start : self.at], start, self.at)
                self.at += 1
                return word
            if char in "'\"\\$`":
                self._part(char, parts)
            else:
                depth += (char == "{") - (char == "}")
                parts.append(Lit(char, quoted=False))
                self.at += 1
        raise self.fail("a parameter in braces has no end")

    def _ansi(self) -> str:
        """`$'…'`, with the escapes of bash."""
        self.at += 2
        text = list[str]()
        while (char := self.peek()) != "'":
            if char == "":
                raise self.fail("a quote has no end")
            self.at += 1
            if char != "\\":
                text.append(char)
                continue
            found = _coded.match(self.text, self.at)
            if found:
                self.at = found.end()
                hexadecimal = found[1] or found[2] or found[3]
                code = int(hexadecimal, 16) if hexadecimal else int(found[4], 8) if found[4] else ord(found[5]) & 31
                text.append(chr(code) if 0 < code <= 0x10FFFF else "\ufffd")
            else:
                text.append(_escapes.get(self.peek(), self.peek()))
                self.at += 1
        self.at += 1
        return "".join(text)

    def arithmetic(self, skip: int) -> bool:
        """Go over `((…))`, visiting the substitutions in it; false, and back where it was, if it is none."""
        start, self.at, depth = self.at, self.at + skip, 0
        while char := self.peek():
            if char in "$`'\"\\":
                self._part(char, [])
                continue
            depth += (char == "(") - (char == ")")
            self.at += 1
            if depth == 0 and char == ")":
                if self.text[self.at - 2] == ")":
                    return True
                self.at = start
                return False
        raise self.fail("an arithmetic has no end")

    def _old_arithmetic(self) -> None:
        self.at += 2
        while (char := self.peek()) != "]":
            if char == "":
                raise self.fail("an arithmetic has no end")
            if char in "$`'\"\\":
                self._part(char, [])
            else:
                self.at += 1
        self.at += 1


def behind(word: Word, size: int) -> Word:
    """The word without its first characters, which are plain text."""
    first = word.parts[0]
    assert isinstance(first, Lit)  # noqa: S101  an assignment begins with a plain name
    rest = first.text[size:]
    parts = (*([Lit(rest, first.quoted)] if rest else []), *word.parts[1:])
    return Word(parts, word.raw[size:], word.start + size, word.end)
