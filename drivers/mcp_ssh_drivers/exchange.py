"""What passes between a dialogue and whoever carries it: the states, the actions, and what came of one command."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.result import Captured
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


class Standing(StrEnum):
    """Where a command stands when its call returns."""

    DONE = "done"
    WAITING_INPUT = "waiting_input"
    RUNNING = "running"
    NOT_SENT = "not_sent"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class PtyResult:
    """What came of a command.

    `question` is the device's for WAITING_INPUT, and what it showed instead of the prompt for NOT_SENT. `unsolicited`
    are lines that came while nobody had asked, such as syslog. `device_error` is the device's own line, a result.
    `was_stopped`: somebody interrupted it.
    """

    standing: Standing
    output: Captured
    mode: str
    question: str | None = None
    asks_secret: bool = False
    device_error: str | None = None
    unsolicited: tuple[str, ...] = ()
    was_stopped: bool = False
