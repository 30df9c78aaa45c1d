"""What may outlive the call that started it: one command, a command on many hosts, a file on its way."""

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

from mcp_ssh.model.errors import DeadlineExceededError, McpSshError
from mcp_ssh.model.result import Captured, CommandResult, Outcome
from mcp_ssh.model.state import State
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.ports import Stream
from mcp_ssh.service.pipeline import Done
from mcp_ssh.sessions.session import Session

last_line_bytes = 200
_of_outcome = {
    Outcome.COMPLETED: State.COMPLETED,
    Outcome.SIGNALLED: State.FAILED,
    Outcome.TIMED_OUT: State.TIMED_OUT,
    Outcome.CANCELLED: State.CANCELLED,
    Outcome.INTERRUPTED: State.CANCELLED,
    Outcome.UNKNOWN: State.UNKNOWN,
}


@dataclass(slots=True, eq=False)
class Activity(ABC):
    """Known to its owner by a handle. `task` is None once it is over; `error` is what it ended by, if it did.

    `host` is where, `text` what. `is_told`: somebody knows its handle.
    """

    host: str
    text: str
    kept: Kept
    task: asyncio.Task[object] | None = None
    error: McpSshError | None = None
    is_told: bool = False
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    @abstractmethod
    def state(self) -> State:
        """How it stands now."""

    @abstractmethod
    def take(self, result: object) -> None:
        """Its task is over and gave this; None, if it was cancelled or ended by an error."""

    @property
    def age_s(self) -> float:
        """Seconds since it was asked for, until its end."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def handle(self) -> str:
        """What the caller knows it by."""
        return self.kept.handle

    def last_line(self) -> str:
        """The last line of the output that came until now."""
        total = self.kept.total(Stream.STDOUT)
        tail = self.kept.read(Stream.STDOUT, max(0, total - last_line_bytes), last_line_bytes)
        return tail.decode("utf-8", "replace").rstrip().rpartition("\n")[2]

    def so_far(self, stream: Stream, limit: int) -> Captured:
        """Head and tail of what came until now."""
        total = self.kept.total(stream)
        whole = total + self.kept.missing[stream]
        if whole <= limit:
            return Captured(self.kept.read(stream, 0, limit))
        tail = self.kept.read(stream, max(0, total - limit // 2), limit // 2)
        head = b"" if self.kept.omitted(stream) else self.kept.read(stream, 0, limit // 2)
        return Captured(head, tail, whole - len(head) - len(tail))


@dataclass(slots=True, eq=False)
class Run(Activity):
    """One command with its output.

    Once it is over, `result` (without outputs) or `error` is set, or neither: it was cancelled before anything of it
    was sent. `decided` is done as soon as it may run, `session` is set as soon as it has one. `next` is the
    run that answered the question of this one, and in which its program goes on.
    """

    decided: asyncio.Future[object] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    session: Session | None = None
    result: CommandResult | None = None
    next: "Run | None" = None

    @property
    def last(self) -> "Run":
        """Where the program of this run is now: itself, or the run that answered its last question."""
        run = self
        while run.next is not None:
            run = run.next
        return run

    @property
    def state(self) -> State:
        """How the command stands now."""
        run = self.last
        if run.task is not None:
            return State.PENDING if run.session is None else State.RUNNING
        if run.error is not None:
            return state_of_error(run.error)
        if run.result is None:
            return State.CANCELLED  # before anything of it was sent
        if run.result.outcome is Outcome.WAITING_INPUT:
            return State.WAITING_INPUT if run._still_asks() else State.UNKNOWN  # noqa: SLF001  another one of its kind
        return _of_outcome[run.result.outcome]

    def take(self, result: object) -> None:
        """Keep how it ended, without a second copy of its output."""
        if isinstance(result, Done) and isinstance(result.result, CommandResult):
            self.result = replace(result.result, stdout=Captured(), stderr=Captured())

    def _still_asks(self) -> bool:
        """Whether its shell is there, and waits for the answer to its question."""
        shell = self.session.shell if self.session is not None and self.session.is_open else None
        return shell is not None and shell.is_usable and shell.question is not None


def state_of_error(error: McpSshError) -> State:
    """How something stands that ended by an error."""
    if error.sent:
        return State.UNKNOWN
    return State.TIMED_OUT if isinstance(error, DeadlineExceededError) else State.FAILED
