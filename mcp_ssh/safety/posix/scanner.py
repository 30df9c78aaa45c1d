"""A POSIX command line as simple commands, in one pass. What it cannot read whole raises, and that is dangerous.

It follows the grammar of POSIX and bash as far as commands can hide in it: lists, pipelines, groups, functions, `case`,
`for`, tests, arithmetic, arrays, heredocs, substitutions of all kinds. It expands nothing.
"""

from mcp_ssh.safety.posix.lists import List
from mcp_ssh.safety.posix.reader import Reader
from mcp_ssh.safety.posix.syntax import SimpleCommand, UnreadableError


def read(text: str) -> tuple[SimpleCommand, ...]:
    """All simple commands of a text, those in substitutions included where they stand. Raises `UnreadableError`."""
    scanner = _Scanner(text)
    try:
        return scanner.lists("")
    except RecursionError:
        raise UnreadableError("it is nested too deeply", 0) from None


class _Scanner(Reader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lists = self._lists

    def _lists(self, end: str) -> tuple[SimpleCommand, ...]:
        commands = list[SimpleCommand]()
        with self.scopes.nested():
            self._fill(commands, end)
        return tuple(command for command in commands if not command.is_empty)

    def _fill(self, commands: list[SimpleCommand], end: str) -> None:
        state = List(self, commands)
        while True:
            char = self.peek()
            if char == "":
                if end:
                    raise self.fail("a substitution or a group has no end")
                self.bodies()
                return
            if char == end:
                self.at += 1
                return
            before = self.at
            state.step(char)
            if self.at == before:
                raise self.fail("an unexpected character stands there")
