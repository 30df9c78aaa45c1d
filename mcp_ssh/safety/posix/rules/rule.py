"""What a rule is: a function of a call that yields hits, found by the program's name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mcp_ssh.safety.posix.call import Call


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's id, why, and what could be done instead."""

    rule: str
    reason: str
    suggestion: str = ""


Rule: TypeAlias = Callable[[Call], Iterator[Hit]]


class Family:
    """Rules by program; those without a program look at every call."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[Rule]] = {}
        self.for_all: list[Rule] = []

    def on(self, *names: str) -> Callable[[Rule], Rule]:
        """The rule of these programs."""

        def take(rule: Rule) -> Rule:
            for name in names:
                self.by_name.setdefault(name, []).append(rule)
            return rule

        return take

    def on_all(self, rule: Rule) -> Rule:
        """A rule of every call."""
        self.for_all.append(rule)
        return rule
