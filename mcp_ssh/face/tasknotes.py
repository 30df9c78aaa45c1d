"""What a client of the 2025 era hears of its tasks: a log message when one is created and when it is over."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from mcp_types import LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParams

from mcp_ssh.face.tasks import line_of_task
from mcp_ssh.model.state import State
from mcp_ssh.service.activity import Activity

logger = "mcp_ssh.tasks"
most_notes = 256
"""That one client may leave behind; then the oldest are lost."""
levels: tuple[LoggingLevel, ...] = (
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
)  # fmt: skip
"""From what hardly matters to what matters most (RFC 5424 6.2.1)."""
_level_of: dict[State, LoggingLevel] = {
    State.FAILED: "warning",
    State.TIMED_OUT: "warning",
    State.UNKNOWN: "error",
}


@dataclass(frozen=True, slots=True)
class TaskNote:
    """One thing that happened to a task: `event` is `created`, or how it ended."""

    task: str
    host: str
    event: str
    text: str
    level: LoggingLevel

    def notification(self) -> LoggingMessageNotification:
        """As the protocol has it."""
        data = {"task": self.task, "host": self.host, "event": self.event, "text": self.text}
        return LoggingMessageNotification(
            params=LoggingMessageNotificationParams(level=self.level, logger=logger, data=data)
        )


@dataclass(slots=True, eq=False)
class TaskNotes:
    """A `Listener` for one client: what it has not been told of yet. `wake` is called when there is something.

    It hears of the tasks of its principal, from the level on that it asked for.
    """

    principal: str
    wake: Callable[[], None]
    least: LoggingLevel = "info"
    waiting: deque[TaskNote] = field(default_factory=lambda: deque(maxlen=most_notes))

    def created(self, activity: Activity) -> None:
        """A task of somebody."""
        self._note(activity, "created", "info")

    def ended(self, activity: Activity) -> None:
        """It is over, and how."""
        state = activity.state
        self._note(activity, state.value, _level_of.get(state, "info"))

    def take(self) -> list[TaskNote]:
        """What has happened since the last time."""
        notes = [*self.waiting]
        self.waiting.clear()
        return notes

    def _note(self, activity: Activity, event: str, level: LoggingLevel) -> None:
        if activity.kept.owner != self.principal or levels.index(level) < levels.index(self.least):
            return
        self.waiting.append(TaskNote(activity.handle, activity.host, event, line_of_task(activity), level))
        self.wake()
