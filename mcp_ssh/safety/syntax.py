"""The parts of a command line, as the scanner finds them and the rules read them. Positions count characters."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes. `literal` is false where the shell would still change it."""

    text: str
    start: int
    end: int
    literal: bool = True

    @property
    def is_assignment(self) -> bool:
        """Whether it sets a variable where it stands before a command: `NAME=value` or `NAME+=value`."""
        name, found, _ = self.text.partition("=")
        name = name.removesuffix("+")
        return bool(found) and name.isidentifier() and name.isascii()


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection to or from a word."""

    operator: str
    target: Word


@dataclass(slots=True)
class SimpleCommand:
    """One simple command. `words` are without assignments before it and without redirections."""

    words: list[Word] = field(default_factory=list)
    assignments: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.words or self.assignments or self.redirects)


@dataclass(frozen=True, slots=True)
class Line:
    """All simple commands of a line, those in substitutions included. `parsed` is false where something was unclear."""

    commands: tuple[SimpleCommand, ...]
    parsed: bool
