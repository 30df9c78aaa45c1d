"""A file on its way between a host and the folder of transfers: how far it is, and what came of it."""

from dataclasses import dataclass, field

from mcp_ssh.model.files import Progress, TransferResult
from mcp_ssh.model.state import State
from mcp_ssh.service.activity import Activity, state_of_error
from mcp_ssh.service.pipeline import Done
from mcp_ssh.service.writing import Attempt, Step, say_what_is_left


@dataclass(slots=True, eq=False)
class Transfer(Activity):
    """One file. `direction` is `upload` or `download`; `done` is set where it arrived."""

    direction: str = ""
    path: str = ""
    progress: Progress = field(default_factory=Progress)
    attempt: Attempt = field(default_factory=Attempt)
    done: Done[TransferResult] | None = None

    @property
    def state(self) -> State:
        """How it stands now."""
        if self.task is not None:
            return State.RUNNING
        if self.error is not None:
            return state_of_error(self.error)
        if self.done is not None:
            return State.COMPLETED
        return State.CANCELLED if self.attempt.step is Step.AHEAD else State.UNKNOWN

    def take(self, result: object) -> None:
        """It is over; an error says as well what it left behind."""
        if isinstance(result, Done) and isinstance(result.result, TransferResult):
            self.done = result
        if self.error is not None:
            say_what_is_left(self.error, self.attempt)
