"""A device's command line as a pure state machine: keys in, bytes out. What a kind of device is like, is data.

It edits a line, echoes it, takes abbreviations, pages long answers, asks, wants passwords, changes modes and hangs up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, or with `secret` a password. One of `yes` leads to `then`, all else to `otherwise`.

    `by_key`: it takes a single key, without Enter.
    """

    text: str
    yes: tuple[str, ...]
    then: "Reply"
    otherwise: "Reply"
    secret: bool = False
    by_key: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command does. `runs`: it goes on until it is interrupted. `pages`: it sets the height, 0 for no pager."""

    text: str = ""
    to: str | None = None
    asks: Ask | None = None
    hangs_up: bool = False
    runs: bool = False
    pages: int | None = None
    renames: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One family. `prompts` and `commands` by mode.

    In a prompt `{host}` is the name of the device and `{count}` the number of the next command.

    A command's last word `*` stands for the rest of the line. `complaint` is the answer to what is not known.
    """

    prompts: Mapping[str, str]
    commands: Mapping[str, Mapping[str, Reply]]
    start: str
    complaint: str
    banner: str = ""
    pager: str = ""
    pager_keys: str = " "
    interrupt: bytes = b"\x03"
    interrupted: str = "^C"
    abbreviates: bool = True
    repaints: bool = False
    charset: str = "utf-8"
    height: int = 24


@dataclass(eq=False)
class Device:
    """One login on a device. `say` takes what it shows; None says that it hangs up."""

    kind: Kind
    say: Callable[[bytes | None], None]
    host: str = "sw1"
    mode: str = ""
    lines: list[str] = field(default_factory=list)
    typed: str = ""
    _asked: Ask | None = None
    _left: list[str] = field(default_factory=list)
    _runs: bool = False
    _height: int = 0

    def __post_init__(self) -> None:
        self.mode = self.mode or self.kind.start
        self._height = self.kind.height

    @property
    def prompt(self) -> str:
        """What stands on the line when it waits for a command."""
        return self.kind.prompts[self.mode].format(host=self.host, count=len(self.lines) + 1)

    def begins(self) -> None:
        """The login is over."""
        self._out(f"{self.kind.banner}\n{self.prompt}")

    def log(self, text: str) -> None:
        """A line that nobody asked for, as a console shows it."""
        self._out(f"\n{text}\n{self.prompt}{self.typed}")

    def keys(self, data: bytes) -> None:
        """Somebody types."""
        for key in data.decode(self.kind.charset, "replace"):
            self._key(key)

    # --- keys

    def _key(self, key: str) -> None:
        if key.encode() == self.kind.interrupt or key == "\x03":
            self._interrupted()
        elif self._left:
            self._page(key)
        elif self._runs:
            return
        elif self._asked is not None and self._asked.by_key:
            self._answer("" if key in "\r\n" else key)
        elif key in "\r\n":
            line, self.typed = self.typed, ""
            self._out("\n")
            if self._asked is not None:
                self._answer(line)
            else:
                self._enter(line)
        elif key == "\x15":
            self._out("\b \b" * len(self.typed))
            self.typed = ""
        elif key in "\b\x7f":
            self.typed, wiped = self.typed[:-1], self.typed[-1:]
            self._out("\b \b" * len(wiped))
        elif key >= " ":
            self.typed += key
            self._echo(key)

    def _echo(self, key: str) -> None:
        if self._asked is not None and self._asked.secret:
            return
        if self.kind.repaints:
            self._out(f"\r\x1b[K{self.prompt}{self.typed}")
        else:
            self._out(key)

    def _interrupted(self) -> None:
        self.typed, self._asked, self._left, self._runs = "", None, [], False
        self._out(f"{self.kind.interrupted}\n{self.prompt}")

    # --- commands

    def _enter(self, line: str) -> None:
        if not line.strip():
            self._out(self.prompt)
            return
        self.lines.append(line)
        found = self._found(line.split())
        if found is None:
            self._out(f"{self.kind.complaint.format(line=line)}\n{self.prompt}")
            return
        if found.renames:
            self.host = line.rsplit(maxsplit=1)[-1]
        self._do(found)

    def _found(self, words: list[str]) -> Reply | None:
        """The command that is meant: the one in full, or the only one that the words may abbreviate."""
        known = {**self.kind.commands.get("*", {}), **self.kind.commands.get(self.mode, {})}
        fits = [(name.split(), reply) for name, reply in known.items() if self._fits(name.split(), words)]
        chosen = [reply for name, reply in fits if name == words] or [reply for _, reply in fits]
        return chosen[0] if len(chosen) == 1 else None

    def _fits(self, name: list[str], words: list[str]) -> bool:
        if name[-1] == "*" and len(words) >= len(name):
            name = name[:-1]
            words = words[: len(name)]
        if len(name) != len(words):
            return False
        pairs = zip(name, words, strict=True)
        return all(has.startswith(word) if self.kind.abbreviates else has == word for has, word in pairs)

    def _do(self, reply: Reply) -> None:
        if reply.pages is not None:
            self._height = reply.pages
        if reply.to is not None:
            self.mode = reply.to
        if reply.hangs_up:
            self._out(reply.text)
            self.say(None)
        elif reply.asks is not None:
            self._asked = reply.asks
            self._out(reply.text + reply.asks.text)
        elif reply.runs:
            self._runs = True
            self._out(reply.text)
        else:
            self._show(reply.text)

    def _answer(self, text: str) -> None:
        asked = self._asked
        self._asked = None
        if asked is not None:
            if asked.by_key:
                self._out(f"{text}\n")
            self._do(asked.then if text in asked.yes else asked.otherwise)

    # --- long answers

    def _show(self, text: str) -> None:
        lines = text.splitlines()
        if not self.kind.pager or not self._height or len(lines) < self._height:
            self._out("".join(f"{line}\n" for line in lines) + self.prompt)
            return
        self._left = lines
        self._more(self._height - 1)

    def _page(self, key: str) -> None:
        wiped = len(self.kind.pager)
        self._out("\b" * wiped + " " * wiped + "\b" * wiped)
        if key in self.kind.pager_keys:
            self._more(self._height - 1)
        elif key in "\r\n":
            self._more(1)
        else:
            self._left = []
            self._out(self.prompt)

    def _more(self, count: int) -> None:
        now, self._left = self._left[:count], self._left[count:]
        self._out("".join(f"{line}\n" for line in now) + (self.kind.pager if self._left else self.prompt))

    def _out(self, text: str) -> None:
        self.say(text.replace("\n", "\r\n").encode(self.kind.charset, "replace"))
