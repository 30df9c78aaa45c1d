"""What the operator's policy says, once it is checked."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol


class Access(StrEnum):
    """What may be done on a host: all but what is dangerous, only what reads, or only what its patterns take."""

    UNRESTRICTED = "unrestricted"
    RESTRICTED = "restricted"
    READONLY = "readonly"


class Action(StrEnum):
    """What a rule does with a command that it takes."""

    ALLOW = "allow"
    DENY = "deny"
    CONFIRM = "confirm"


class Confirm(StrEnum):
    """Who may say yes to what is dangerous.

    `AUTO`: a person where the client can ask one, else the model. `HUMAN`: a person, by the client or by whoever runs
    mcp-ssh. `MODEL`: the model's word suffices. `NEVER`: nobody.
    """

    AUTO = "auto"
    HUMAN = "human"
    MODEL = "model"
    NEVER = "never"


class Evaluation(StrEnum):
    """Which of several rules that take a command decides."""

    DENY_OVERRIDES = "deny_overrides"
    FIRST_MATCH = "first_match"
    LAST_MATCH = "last_match"


class LinePattern(Protocol):
    """A pattern for whole lines; `text` is as the operator wrote it."""

    @property
    def text(self) -> str:
        """As it was written."""
        ...

    def takes(self, line: str) -> bool:
        """Whether it takes the whole line."""
        ...


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule. It is about hosts that fit a glob of `hosts` and carry one of `tags`, where there are any.

    Without patterns it takes every command.
    """

    name: str
    action: Action
    hosts: tuple[str, ...] = ("*",)
    tags: frozenset[str] = frozenset()
    patterns: tuple[LinePattern, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """Which addresses may be dialled; without `allow` all that are not blocked. `exempt`: names of hosts."""

    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    block: tuple[IPv4Network | IPv6Network, ...] = ()
    exempt: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in the order of the file, and what holds where none takes a command."""

    rules: tuple[PolicyRule, ...] = ()
    default: Action = Action.ALLOW
    evaluation: Evaluation = Evaluation.DENY_OVERRIDES
    deny_substrings: tuple[str, ...] = ()
    network: NetworkPolicy = NetworkPolicy()
