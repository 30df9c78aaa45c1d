"""One program that would run, as rules see it: its name, its arguments, what it reads and where it writes."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from mcp_ssh.safety.posix.expand import Arg, State
from mcp_ssh.safety.posix.syntax import SimpleCommand
from mcp_ssh.safety.posix.text import unknown

_ends = re.compile(r"[0-9]+|-")


@dataclass(frozen=True, slots=True)
class Write:
    """A redirection that writes: the path as written, and whether it adds to what is there."""

    path: str
    adds: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name` is the program without its folder.

    `stdin` is the text that it reads, `unknown` if nobody knows it, None if it reads nothing in particular. `behind` are
    the wrappers that it runs through, outermost first; `fed_by` the programs whose output it reads, the nearest last.
    """

    name: str
    args: tuple[Arg, ...]
    span: tuple[int, int]
    state: State
    writes: tuple[Write, ...] = ()
    stdin: str | None = None
    behind: tuple[str, ...] = ()
    source: SimpleCommand = field(default_factory=SimpleCommand)
    program: str = ""
    fed_by: tuple[str, ...] = ()
    prefix: str = ""
    is_wrapper: bool = False

    @property
    def texts(self) -> list[str]:
        """The arguments as texts."""
        return [arg.text for arg in self.args]

    def options(self) -> Iterator[str]:
        """Words that begin with a dash, up to `--`."""
        for text in self.texts:
            if text == "--":
                return
            if text.startswith("-") and len(text) > 1:
                yield text

    def has(self, *names: str) -> bool:
        """Whether one of the options is given: `-r` also within a bundle, `--recursive` also with a value."""
        for option in self.options():
            for name in names:
                if option == name or (option.startswith(f"{name}=") and name.startswith("--")):
                    return True
                if len(name) == 2 and name[1] != "-" and not option.startswith("--") and name[1] in option[1:]:
                    return True
                if name.startswith("--") and option.startswith("--") and len(option) > 3 and name.startswith(option):
                    return True  # getopt takes long options by any unambiguous beginning
        return False

    def operands(self, valued: Collection[str] = ()) -> list[Arg]:
        """Arguments that are no options, without the values of the `valued` ones."""
        found, plain, skips = [], False, False
        for arg in self.args:
            if skips:
                skips = False
            elif plain or not arg.text.startswith("-") or arg.text == "-":
                found.append(arg)
            elif arg.text == "--":
                plain = True
            else:
                skips = arg.text in valued
        return found

    def verbs(self, valued: Collection[str] = ()) -> list[str]:
        """The operands as texts."""
        return [arg.text for arg in self.operands(valued)]

    def value(self, *names: str) -> str | None:
        """The value of an option, in the next word, behind `=`, or in the same word."""
        texts = self.texts
        for place, text in enumerate(texts):
            for name in names:
                if text == name:
                    return texts[place + 1] if place + 1 < len(texts) else ""
                if name.startswith("--") and text.startswith(f"{name}="):
                    return text[len(name) + 1 :]
                if len(name) == 2 and not text.startswith("--") and text.startswith(name):
                    return text[2:]
        return None

    def place(self, path: str) -> str:
        """A path as seen from the root or the home."""
        return self.state.place(path)

    @property
    def canonical(self) -> str:
        """The line that patterns are searched in."""
        return " ".join([self.name, *(text.replace(unknown, "$…") for text in self.texts)])

    @property
    def asks_for_help(self) -> bool:
        """Whether it only tells about itself."""
        return any(text in {"--help", "--version", "-V", "--usage"} for text in self.texts)


def behind(args: Sequence[Arg], count: int) -> tuple[Arg, ...]:
    """The arguments from there on."""
    return tuple(args[count:])
