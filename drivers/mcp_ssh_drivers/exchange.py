"""What passes between a dialogue and whoever carries it: the states, the actions, and what came of one command."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh_drivers.capture import HeadTail


class State(StrEnum):
    """Where a conversation is."""

    LOGIN = "login"
    READY = "ready"
    ECHO = "echo"
    RUNNING = "running"
    QUESTION = "question"
    PASSWORD = "password"  # noqa: S105  a state, not a password
    POISONED = "poisoned"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes to the channel."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """The device is at its prompt, for the first time or after a command, whose output is in `Exchange`."""

    mode: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The device waits for an answer; `text` is its question as it stands on the line."""

    text: str
    secret: bool


@dataclass(frozen=True, slots=True)
class NotAtPrompt:
    """The command was not sent: the device showed something else than prompt and command. The line was cleared."""

    shown: str


@dataclass(frozen=True, slots=True)
class Page:
    """A pager stands on the line and takes this key."""

    key: str


Action = Send | Arrived | Asked | NotAtPrompt


@dataclass(slots=True)
class Exchange:
    """What came of one command so far."""

    output: HeadTail
    device_error: str | None = None
    pages: int = 0
