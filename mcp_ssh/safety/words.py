"""A POSIX command line as simple commands of plain words, in one linear pass that never raises.

It reads what the rules need: separators, quotes, substitutions (whose commands are commands too), redirections,
heredocs (whose bodies are data). It does not expand anything: a word that the shell would still change is marked as not
literal. What it cannot read makes the line unparsed, and the caller falls back to searching the raw text.
"""

from mcp_ssh.safety.syntax import Line, Redirect, SimpleCommand, Word

max_depth = 40

reserved = frozenset("if then elif else fi while until do done { } ! time coproc".split())
_blank = " \t"
_ends_word = frozenset(" \t\n;&|()<>")


def split(text: str) -> Line:
    """Read a command line."""
    scanner = _Scanner(text)
    try:
        scanner.list_until("")
    except _UnreadableError:
        scanner.parsed = False
    return Line(tuple(command for command in scanner.commands if not command.is_empty), scanner.parsed)


class _UnreadableError(Exception):
    """The scanner gives up."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._heredocs: list[tuple[str, bool]] = []
        self.commands: list[SimpleCommand] = []
        self.parsed = True

    # --- lists of commands

    def list_until(self, end: str) -> None:
        """Read commands until the closing character (`)` or a backquote), or to the end of the text."""
        self._depth += 1
        if self._depth > max_depth:
            raise _UnreadableError
        command = self._begin()
        while True:
            char = self._peek()
            if char == "":
                if end:
                    raise _UnreadableError
                break
            if char == end:
                self._at += 1
                break
            before = self._at
            command = self._step(char, command)
            if self._at == before:
                raise _UnreadableError  # such as a backquote inside of $( ) inside of backquotes
        self._depth -= 1

    def _begin(self) -> SimpleCommand:
        self.commands.append(SimpleCommand())
        return self.commands[-1]

    def _step(self, char: str, command: SimpleCommand) -> SimpleCommand:
        if char in _blank:
            self._at += 1
        elif char == "\\" and self._text.startswith("\\\n", self._at):
            self._at += 2
        elif char == "\n":
            self._at += 1
            self._skip_heredocs()
            return self._begin()
        elif char == "#":
            self._skip_comment()
        elif char in "<>" or self._is_ampersand_redirect():
            self._redirect(command)
        elif char in ";&|()":
            self._at += 1
            return self._begin()
        else:
            return self._word_into(command)
        return command

    def _word_into(self, command: SimpleCommand) -> SimpleCommand:
        word = self._word()
        if not command.words and word.literal and word.text in reserved and self._is_bare(word):
            return self._begin()
        if not command.words and word.text in {"case", "select", "for", "function"} and self._is_bare(word):
            # Their words are patterns, names and values; what they run is read all the same.
            self.parsed = self.parsed and word.text != "case"
        if self._peek() in "<>" and self._peek() and word.text.isdigit() and self._is_bare(word):
            return command  # the number of a redirection
        if not command.words and word.is_assignment:
            command.assignments.append(word)
        else:
            command.words.append(word)
        return command

    def _is_bare(self, word: Word) -> bool:
        return self._text[word.start : word.end] == word.text

    # --- redirections and heredocs

    def _is_ampersand_redirect(self) -> bool:
        return self._text.startswith("&>", self._at)

    def _redirect(self, command: SimpleCommand) -> None:
        if self._text[self._at + 1 : self._at + 2] == "(" and self._peek() in "<>":
            self._at += 2
            self.list_until(")")  # a process substitution stands where a word stands
            command.words.append(Word("", self._at, self._at, literal=False))
            return
        operator = next(
            each
            for each in ("<<<", "<<-", "&>>", ">>", "<<", "<&", ">&", "<>", ">|", "&>", "<", ">")
            if self._text.startswith(each, self._at)
        )
        self._at += len(operator)
        while self._peek() and self._peek() in _blank:
            self._at += 1
        if self._peek() in {"", "\n"} or self._peek() in ";&|()<>":
            raise _UnreadableError
        target = self._word()
        if operator in {"<<", "<<-"}:
            self._heredocs.append((target.text, operator == "<<-"))
            self.parsed = self.parsed and not self._runs_in_body(target)
        else:
            command.redirects.append(Redirect(operator, target))

    def _runs_in_body(self, delimiter: Word) -> bool:
        """An unquoted heredoc runs the substitutions in its body; reading those is left to the raw text."""
        return self._is_bare(delimiter) and ("$(" in self._text[self._at :] or "`" in self._text[self._at :])

    def _skip_heredocs(self) -> None:
        for delimiter, strips_tabs in self._heredocs:
            while True:
                if self._at >= len(self._text):
                    break
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = min(end + 1, len(self._text))
                if (line.lstrip("\t") if strips_tabs else line) == delimiter:
                    break
        self._heredocs.clear()

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    # --- words

    def _word(self) -> Word:
        start, parts, literal = self._at, list[str](), True
        while (char := self._peek()) and char not in _ends_word:
            if char == "`" and self._in_backquotes:
                break
            text, is_literal = self._part(char)
            parts.append(text)
            literal = literal and is_literal
        return Word("".join(parts), start, self._at, literal)

    _in_backquotes = False

    def _part(self, char: str) -> tuple[str, bool]:
        if char == "'":
            return self._single(), True
        if char == '"':
            return self._double()
        if char == "\\":
            return self._escaped(), True
        if char == "$":
            return self._dollar()
        if char == "`":
            if self._in_backquotes:
                raise _UnreadableError
            self._backquotes()
            return "", False
        self._at += 1
        return char, char not in "*?["

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise _UnreadableError
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return text

    def _escaped(self) -> str:
        char = self._text[self._at + 1 : self._at + 2]
        self._at = min(self._at + 2, len(self._text))
        return "" if char == "\n" else char or "\\"

    def _double(self) -> tuple[str, bool]:
        self._at += 1
        parts, literal = list[str](), True
        while (char := self._peek()) != '"':
            if char == "":
                raise _UnreadableError
            if char == "\\" and self._text[self._at + 1 : self._at + 2] in {"$", "`", '"', "\\", "\n"}:
                parts.append(self._escaped())
            elif char in "$`":
                text, is_literal = self._part(char)
                parts.append(text)
                literal = literal and is_literal
            else:
                parts.append(char)
                self._at += 1
        self._at += 1
        return "".join(parts), literal

    def _dollar(self) -> tuple[str, bool]:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "'":
            return self._ansi()
        if self._text.startswith("$((", self._at):
            self._skip_arithmetic()
            return "", False
        if following == "(":
            self._at += 2
            self._nested(")")
            return "", False
        if following == "{":
            return self._braced()
        if following == '"':
            self._at += 1
            return self._double()
        return self._variable()

    def _nested(self, end: str) -> None:
        outer, self._in_backquotes = self._in_backquotes, end == "`"
        self.list_until(end)
        self._in_backquotes = outer

    def _backquotes(self) -> None:
        self._at += 1
        self._nested("`")

    def _variable(self) -> tuple[str, bool]:
        end = self._at + 1
        while end < len(self._text) and (self._text[end].isalnum() or self._text[end] == "_"):
            end += 1
        end = max(end, min(self._at + 2, len(self._text))) if end == self._at + 1 else end
        text = self._text[self._at : end]
        if len(text) < 2 or text[1] in _ends_word or text[1] in "\"'":  # noqa: PLR2004  a lone dollar sign is itself
            self._at += 1
            return "$", True
        self._at = end
        return text, False

    def _braced(self) -> tuple[str, bool]:
        start = self._at
        self._at += 2
        while (char := self._peek()) != "}":
            if char == "":
                raise _UnreadableError
            if char in "'\"\\$`":
                self._part(char)
            else:
                self._at += 1
        self._at += 1
        return self._text[start : self._at], False

    def _ansi(self) -> tuple[str, bool]:
        """`$'...'`: its escapes are the shell's own; a rule must not guess them, so the word is not literal."""
        start = self._at
        self._at += 2
        while (char := self._peek()) != "'":
            if char == "":
                raise _UnreadableError
            self._at += 2 if char == "\\" else 1
        self._at += 1
        inner = self._text[start + 2 : self._at - 1]
        if "\\" in inner:
            self.parsed = False
        return inner, "\\" not in inner

    def _skip_arithmetic(self) -> None:
        self._at += len("$((")
        depth = 2
        while char := self._peek():
            if char == "`" or self._text.startswith("$(", self._at):
                self.parsed = False
            self._at += 1
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return
        raise _UnreadableError

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""
