"""Which parts of a line a command stands in that may not run, or that run in a shell of their own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mcp_ssh.safety.posix.syntax import SimpleCommand

_Place = tuple[tuple[int, ...], tuple[int, ...]]


class Scopes:
    """The scopes where the reader stands: those it is within, and those that hang together by `&&`, `||` and pipes."""

    def __init__(self) -> None:
        self._count = 0
        self._base: tuple[int, ...] = ()
        self._linked: tuple[int, ...] = ()
        self._piped = False
        self._blocks: list[_Place] = []

    @property
    def here(self) -> tuple[int, ...]:
        """What a command that begins here stands in, the widest first."""
        return (*self._base, *self._linked)

    def _new(self) -> int:
        self._count += 1
        return self._count

    @contextmanager
    def nested(self, *, apart: bool = False) -> Iterator[None]:
        """A list within; `apart`: in a shell of its own."""
        outer, blocks = (self._base, self._linked), self._blocks
        self._blocks = []
        self._base, self._linked = (*self.here, *((self._new(),) if apart else ())), ()
        yield
        (self._base, self._linked), self._blocks = outer, blocks

    def separate(self) -> None:
        """What follows depends on nothing before it."""
        self._linked = ()

    def link(self, operator: str) -> None:
        """What follows may not run, or runs in a shell of its own behind a pipe; a row of `&&` is one scope."""
        if not (operator == "&&" and self._linked and not self._piped):
            self._linked = (self._new(),)
        self._piped = operator == "|"

    # --- compounds

    def block(self, *, scoped: bool = True) -> None:
        """A compound begins; what it is linked to is part of where it stands."""
        self._blocks.append((self._base, self._linked))
        self._base, self._linked = (*self.here, *((self._new(),) if scoped else ())), ()

    def branch(self) -> None:
        """One of the ways through a compound begins, and the one before it ends."""
        if self._blocks:
            base, linked = self._blocks[-1]
            depth = len(base) + len(linked) + 1
            self._base, self._linked = (*self._base[:depth], self._new()), ()

    def unblock(self) -> None:
        """The compound ends."""
        if self._blocks:
            self._base, self._linked = self._blocks.pop()

    def apart(self, commands: Iterable[SimpleCommand]) -> None:
        """These, already read, run in a shell of their own."""
        own = self._new()
        for command in commands:
            command.scopes = (*command.scopes, own)
