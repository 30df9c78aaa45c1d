"""The parts of a POSIX command line, as the scanner finds them. Positions count characters of the text that was read."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Lit:
    """Text that the shell takes as it is; unquoted text may still be a pattern, braces or a home."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Var:
    """A parameter. `operator` is what follows its name in braces, such as `:-`; `other` is its word, if it has one."""

    name: str
    quoted: bool
    operator: str = ""
    other: "Word | None" = None


@dataclass(frozen=True, slots=True)
class Sub:
    """The output of commands; `process` if it stands there as a file, as `<(…)` does."""

    commands: "tuple[SimpleCommand, ...]"
    quoted: bool
    process: bool = False


Part: TypeAlias = Lit | Var | Sub


@dataclass(frozen=True, slots=True)
class Word:
    """A word of one or more parts; `raw` is its text in the line, quotes and all."""

    parts: tuple[Part, ...]
    raw: str
    start: int
    end: int

    @property
    def literal(self) -> str | None:
        """Its text, if the shell changes nothing in it but quotes."""
        if all(isinstance(part, Lit) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Lit))
        return None

    @property
    def bare(self) -> str | None:
        """Its text, if no part of it is quoted."""
        return self.raw if self.raw == self.literal else None


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection to or from a word. `body` is the text of a heredoc, or of a here-string."""

    operator: str
    target: Word
    body: Word | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value`, or `NAME=(values)`. `prefix`: it stands before a command and is for that one alone."""

    name: str
    values: tuple[Word, ...]
    adds: bool = False


@dataclass(slots=True, eq=False)
class SimpleCommand:
    """One simple command. `words` are without assignments before it and without redirections.

    `feeds` are the commands whose output it reads. `loop` is the variable that a `for` gives these `words` to; `defines`
    the function whose definition begins here; `inside` the functions in whose bodies it stands. `scopes` are the parts of
    the line that it stands in and that may not run, or run in a shell of their own: the outermost first.
    """

    words: list[Word] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    feeds: "list[SimpleCommand]" = field(default_factory=list)
    is_piped: bool = False
    background: bool = False
    loop: str = ""
    defines: str = ""
    inside: tuple[str, ...] = ()
    scopes: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.words or self.assignments or self.redirects or self.loop or self.defines)


class UnreadableError(Exception):
    """The scanner gives up; `reason` says at what."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at
