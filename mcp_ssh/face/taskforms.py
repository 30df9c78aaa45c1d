"""Tasks in the form of the extension `io.modelcontextprotocol/tasks` (its specification of 2026-07-28).

A task is one of the tools' own: its id is the handle, and its result what the call would have answered, had it waited.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mcp_types import CallToolResult

from mcp_ssh.audit.scrub import Needles
from mcp_ssh.face.answers import of_ended
from mcp_ssh.face.fileviews import of_transfer
from mcp_ssh.face.fleet import of_fleet
from mcp_ssh.face.tasks import of_state, progress_of
from mcp_ssh.face.views import scrubbed
from mcp_ssh.model.result import Outcome
from mcp_ssh.model.state import State
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.daemon import Daemon
from mcp_ssh.service.fleet import Fleet
from mcp_ssh.service.tasks import Tasks
from mcp_ssh.service.transfer import Transfer

extension = "io.modelcontextprotocol/tasks"

_results: Mapping[type[Activity], Callable[[Any], CallToolResult]] = {
    Run: of_ended,
    Fleet: of_fleet,
    Transfer: of_transfer,
}
"""What the call of a tool answers, by what it started."""


class TaskForms:
    """Writes them down. No secret of ours is in any."""

    def __init__(self, tasks: Tasks, daemon: Daemon, needles: Needles) -> None:
        self._tasks = tasks
        self._daemon = daemon
        self._needles = needles
        self._epoch = time.time() - time.monotonic()

    def of(self, activity: Activity) -> dict[str, Any]:
        """All of a task: how it stands, and its result where it is over."""
        status = status_of(activity)
        task = self.seed(activity) | {"status": status}
        if status == "completed":
            result = _results.get(type(activity), of_state)(activity)
            task["result"] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return self._clean(task)

    def seed(self, activity: Activity) -> dict[str, Any]:
        """How it stands while it goes on.

        `ttlMs` counts from its creation: it is null until its end is known, for as long as it goes on it is kept.
        """
        updated = activity.ended if activity.ended is not None else time.monotonic()
        kept_s = self._tasks.ttl_s(activity)
        return self._clean(
            {
                "taskId": activity.handle,
                "status": "working",
                "statusMessage": progress_of(activity),
                "createdAt": self._time(activity.began),
                "lastUpdatedAt": self._time(updated),
                "ttlMs": None if activity.ended is None else round((activity.ended - activity.began + kept_s) * 1000),
                "pollIntervalMs": round(self._daemon.progress_interval_s * 1000),
            }
        )

    def _time(self, moment: float) -> str:
        return datetime.fromtimestamp(self._epoch + moment, UTC).isoformat(timespec="milliseconds")

    def _clean(self, task: dict[str, Any]) -> dict[str, Any]:
        clean: dict[str, Any] = scrubbed(task, self._needles)
        return clean


def status_of(activity: Activity) -> str:
    """The extension's word for how it stands.

    A program that asks has answered its call, whatever becomes of it: its task is completed with the question.
    """
    if activity.task is not None:
        return "working"
    if activity.error is not None:
        return "completed"
    if isinstance(activity, Run):
        is_cancelled = activity.result is None or activity.result.outcome is Outcome.CANCELLED
        return "cancelled" if is_cancelled else "completed"
    return "cancelled" if activity.state is State.CANCELLED else "completed"
