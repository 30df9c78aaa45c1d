"""What words become, as far as the text alone tells: constants, loops, braces, homes, and where the shell stands.

A part that nobody can know becomes `unknown`; it stands in the text, so that rules see how far it is known.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_ssh.safety.posix.syntax import Lit, Part, SimpleCommand, Sub, Var, Word
from mcp_ssh.safety.posix.text import braces, most_chars, most_values, printed, unknown

_homes = {"HOME": "~", "PWD": ".", "OLDPWD": "..", "TMPDIR": "/tmp", "USER": "user", "LOGNAME": "user", "UID": "1000"}
_harmless = frozenset(
    "# ? $ ! - RANDOM SECONDS LINENO BASHPID PPID HOSTNAME EUID EPOCHSECONDS COLUMNS LINES OSTYPE".split()
)
_changes = frozenset("~*?[{")
_blank = re.compile(r"[ \t\n]")
_initialising = frozenset(
    "ssh-agent dircolors direnv brew pyenv rbenv nodenv conda lesspipe keychain starship zoxide".split()
)
_names = frozenset("date hostname uname whoami id nproc basename seq uuidgen logname arch".split())


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument. `glob`: it holds a pattern that the shell expands. Unknown parts stand as `unknown` in `text`."""

    text: str
    start: int
    end: int
    glob: bool = False
    listed: tuple[SimpleCommand, ...] = ()

    @property
    def known(self) -> bool:
        """Whether its text is all there is."""
        return unknown not in self.text


@dataclass(slots=True)
class State:
    """What is known at a place of a line. `cwd` is None where nobody knows; `~` is the login's home."""

    cwd: str | None = None
    values: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None
    splits_oddly: bool = False

    def copy(self) -> "State":
        """For a subshell: what changes there stays there."""
        return State(self.cwd, dict(self.values), dict(self.files), self.arguments, self.splits_oddly)

    def go_back(self, before: "State") -> None:
        """Where it stood and what it knew before; files that were written meanwhile are there."""
        self.cwd, self.values, self.arguments = before.cwd, before.values, before.arguments

    def place(self, path: str) -> str:
        """A path as seen from the root or from the home, as far as that is known."""
        if path.startswith(("/", "~")) or self.cwd is None:
            return normal(path)
        return normal(f"{self.cwd}/{path}")

    def assign(self, name: str, values: Sequence[Arg], *, adds: bool) -> None:
        """A variable has these words from here on."""
        texts = tuple(arg.text for arg in values)
        if adds:
            before = self.values.get(name)
            joined = (before[0] if before else unknown) + (texts[0] if texts else "")
            texts = (joined, *texts[1:]) if len(texts) <= 1 else (*(before or (unknown,)), *texts)
        if len(texts) > most_values or any(len(text) > most_chars for text in texts):
            texts = (unknown,)
        self.values[name] = texts


def normal(path: str) -> str:
    """A path without `.`, `..` and doubled slashes; what leads above the home is unknown."""
    if path.startswith("/"):
        return "/" + posixpath.normpath(path).strip("/")
    if path.startswith("~"):
        home, _, rest = path.partition("/")
        inner = posixpath.normpath(rest) if rest else "."
        if inner.startswith(".."):
            return posixpath.normpath(f"/home/{inner}") if inner != ".." else "/home"
        return home if inner == "." else f"{home}/{inner}"
    return posixpath.normpath(path) if path else path


def expand(word: Word, state: State) -> list[Arg]:
    """The arguments that a word becomes; none for an unquoted one that is empty."""
    plain = word.literal
    if plain is not None and _stays(word, plain):
        return [Arg(plain, word.start, word.end)]
    done, pieces, quoted = list[str](), [""], False
    glob, listed = False, list[SimpleCommand]()
    for position, part in enumerate(word.parts):
        texts, splits = _texts(part, state)
        if isinstance(part, Sub):
            listed += part.commands
        quoted = quoted or part.quoted
        if isinstance(part, Lit) and not part.quoted:
            glob = glob or any(char in "*?[" for char in part.text)
            if position == 0 and part.text.startswith("~"):
                texts = [_home(part.text)]
        elif splits:
            glob = glob or any(char in text for text in texts for char in "*?[")
        every = isinstance(part, Var) and part.name == "@"
        if (splits or every) and len(texts) == 1 and _blank.search(texts[0]):
            pieces = _split(pieces, texts[0], done)
        else:
            pieces = [piece + text for piece in pieces for text in texts][:most_values]
    found = [*done, *pieces] if any(pieces) or not done else done
    if not quoted and not any(found) and all(isinstance(part, Var) for part in word.parts):
        return []
    if not quoted or any(isinstance(part, Lit) and not part.quoted and "{" in part.text for part in word.parts):
        found = [each for text in found for each in (braces(text) if "{" in text else (text,))]
    return [Arg(text, word.start, word.end, glob, tuple(listed)) for text in found[:most_values]]


def _stays(word: Word, text: str) -> bool:
    """Whether the shell leaves a plain word as it is."""
    return all(part.quoted for part in word.parts) or _changes.isdisjoint(text)


def _split(pieces: list[str], text: str, done: list[str]) -> list[str]:
    """A value of several words, unquoted: the first goes on with what stands before it, the last with what follows."""
    words = text.split()
    if words and not text[0].isspace():
        pieces = [piece + words.pop(0) for piece in pieces[:1]]
    for word in words:
        done += [piece for piece in pieces if piece]
        pieces = [word]
    if text[-1].isspace():
        done += [piece for piece in pieces if piece]
        return [""]
    return pieces


def text_of(word: Word, state: State) -> str:
    """A word as one text, as in an assignment or a heredoc."""
    return " ".join(arg.text for arg in expand(Word(tuple(_quoted(part) for part in word.parts), "", 0, 0), state))


def _texts(part: Part, state: State) -> tuple[list[str], bool]:
    """What a part may be, and whether it is split into words."""
    if isinstance(part, Lit):
        return [part.text], False
    if isinstance(part, Sub):
        return [_output(part, state)], not part.quoted
    found = _value(part, state)
    return found, not part.quoted


def _value(part: Var, state: State) -> list[str]:
    name = part.name
    if name in {"@", "*"} and state.arguments is not None:
        return [" ".join(state.arguments)]
    if name.isdigit() and state.arguments is not None and not part.operator:
        place = int(name) - 1
        return [state.arguments[place] if 0 <= place < len(state.arguments) else ""]
    if part.operator == "#":
        return ["1"]
    values = state.values.get(name, ())
    known = name in state.values
    if part.operator in {"", "[@]", "?", ":?"}:
        if values:
            return [*values]
        if not known and name in _homes:
            return [_homes[name]]
        if not known and name in _harmless:
            return ["1"]
        return [unknown]
    if part.operator in {":-", "-", ":=", "="}:
        other = text_of(part.other, state) if part.other is not None else ""
        if values and (len(values) > 1 or values[0]):
            return [*values]
        found = [other] if known or name not in _homes else [_homes[name]]
        if not known and name not in _homes:
            found = [other]
        if part.operator in {":=", "="}:
            state.values[name] = (found[0],)
        return found
    if part.operator == "other" and values and part.other is not None:
        return [_cut(value, part.other) for value in values]
    if part.operator in {":+", "+"}:
        return [text_of(part.other, state) if part.other is not None else ""]
    return [unknown]


def _cut(value: str, other: Word) -> str:
    """`${x#y}` and `${x%y}` with plain text; everything else that braces can do is unknown."""
    text = other.literal or ""
    if text.startswith("#"):
        return value.removeprefix(text.lstrip("#")) if not any(char in text for char in "*?[") else unknown
    if text.startswith("%"):
        return value.removesuffix(text.lstrip("%")) if not any(char in text for char in "*?[") else unknown
    return unknown


def _output(part: Sub, state: State) -> str:
    """What the commands put out, where that is as good as known."""
    if part.process:
        return unknown
    if not part.commands:
        return "1"  # an arithmetic
    last = part.commands[-1]
    words = [arg.text for word in last.words for arg in expand(word, state)] if last.words else []
    if not words or last.is_piped:
        return unknown
    name = words[0].rsplit("/", 1)[-1]
    if name == "pwd":
        return state.cwd or "."
    if name == "mktemp":
        return "/tmp/tmp.x"
    if name in _initialising:
        return ":"  # assignments and functions of a program that is made for it
    if name in _names and unknown not in "".join(words):
        return "x"
    if name in {"echo", "printf"} and len(part.commands) == 1:
        return printed(words)
    return unknown


def _home(text: str) -> str:
    """`~` and `~/x` as they are; the home of somebody else by its usual place."""
    name, slash, rest = text[1:].partition("/")
    if name in {"", "+", "-"}:
        return text if not name else f".{slash}{rest}"
    return f"/root{slash}{rest}" if name == "root" else f"/home/{name}{slash}{rest}"


def _quoted(part: Part) -> Part:
    match part:
        case Lit(text, _):
            return Lit(_home(text) if text.startswith("~") and not part.quoted else text, quoted=True)
        case Var(name, _, operator, other):
            return Var(name, quoted=True, operator=operator, other=other)
        case Sub(commands, _, process):
            return Sub(commands, quoted=True, process=process)
