"""Words of a command line with what belongs to lines and functions: the ground that lists of commands stand on."""

import re
from dataclasses import replace

from mcp_ssh.safety.posix.scopes import Scopes
from mcp_ssh.safety.posix.syntax import Redirect, SimpleCommand, UnreadableError, Word
from mcp_ssh.safety.posix.words import WordReader, max_depth

_program = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")

max_heredocs = 100
max_commands = 2_000
max_words = 4_000


class Reader(WordReader):
    """Words, the bodies of heredocs, and in which function a command stands."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._heredocs: list[tuple[SimpleCommand, int, str, bool, bool]] = []
        self._count = 0
        self._words = 0
        self.scopes = Scopes()
        self._functions: list[tuple[str, int]] = []
        self._braces = 0
        self._pending = ""

    def begin(self) -> SimpleCommand:
        """A new command."""
        self._count += 1
        if self._count > max_commands:
            raise self.fail("it has too many commands")
        return SimpleCommand(scopes=self.scopes.here, inside=tuple(name for name, _ in self._functions))

    def as_groups(self, text: str, start: int) -> list[SimpleCommand]:
        """What stands in `((…))` as a shell without arithmetic commands takes it, such as dash: commands in groups."""
        inner = type(self)(text)
        inner.depth = self.depth + 1
        try:
            commands = inner.lists("") if inner.depth < max_depth else ()
        except UnreadableError:
            return []
        found = [each for each in commands if len(each.words) > 1 and _program.fullmatch(each.words[0].raw)]
        for command in found:
            command.words = [replace(word, start=word.start + start, end=word.end + start) for word in command.words]
        return found

    # --- heredocs

    def word(self) -> Word:
        """The word that begins here."""
        self._words += 1
        if self._words > max_words:
            raise self.fail("it has too many words")
        return super().word()

    def heredoc(self, command: SimpleCommand, place: int, delimiter: Word, *, strips: bool) -> None:
        """Its body begins with the next line."""
        if len(self._heredocs) >= max_heredocs:
            raise self.fail("it has too many heredocs")
        text = delimiter.literal
        if text is None:
            raise self.fail("the end of a heredoc is not plain text")
        self._heredocs.append((command, place, text, strips, delimiter.bare is not None))

    def bodies(self) -> None:
        """Read the bodies of the heredocs that were announced."""
        waiting, self._heredocs = self._heredocs, []
        for command, place, delimiter, strips, expands in waiting:
            start = self.at
            lines = list[str]()
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                line = line.lstrip("\t") if strips else line
                if line == delimiter:
                    break
                lines.append(line + "\n")
            old = command.redirects[place]
            body = self.body("".join(lines), start, expands=expands)
            command.redirects[place] = Redirect(old.operator, old.target, body)

    def newline(self) -> None:
        """Behind it stand the bodies of the heredocs that were announced on the line."""
        self.at += 1
        self.bodies()

    # --- functions

    def function(self, name: str) -> None:
        """The body that follows is this function's."""
        self._pending = name

    def brace(self, *, opens: bool) -> bool:
        """A group begins or ends; whether one that begins is a function's body, which may never run."""
        if opens:
            self._braces += 1
            if self._pending:
                self._functions.append((self._pending, self._braces))
                self._pending = ""
                return True
            return False
        if self._functions and self._functions[-1][1] == self._braces:
            self._functions.pop()
        self._braces -= 1
        return False

    def skip_blanks(self, *, newlines: bool = False) -> None:
        """Go over blanks and continued lines; with `newlines` over line ends and comments, too."""
        while (char := self.peek()) and (
            char in " \t" or (newlines and char in "\n#") or (char == "\\" and self.peek(1) == "\n")
        ):
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char == "\n":
                self.newline()
            else:
                self.at += 2 if char == "\\" else 1
