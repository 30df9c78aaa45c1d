"""News of tasks on streams of the 2026 era (`notifications/tasks`): that a task which a client named is over."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.server import require_client_extension
from mcp_types import SubscriptionFilter

from mcp_ssh.face.streams import Stream
from mcp_ssh.face.taskforms import TaskForms, extension
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.principal import Caller
from mcp_ssh.service.activity import Activity
from mcp_ssh.service.background import Listener
from mcp_ssh.service.tasks import Tasks

most_tasks = 200
"""That one stream may tell of."""


class TaskNews:
    """Tells streams of the ends of tasks."""

    def __init__(self, tasks: Tasks, forms: TaskForms) -> None:
        self._tasks = tasks
        self._forms = forms

    def wanted(
        self, ctx: ServerRequestContext[str], caller: Caller, filter_: SubscriptionFilter
    ) -> Mapping[str, Activity]:
        """The caller's own tasks among those that a stream asks for. Raises `InvalidArgumentError`.

        Ids that are not known, or somebody else's, are not agreed to.
        """
        ids = (filter_.model_extra or {}).get("taskIds")
        if ids is None:
            return {}
        require_client_extension(ctx, extension)
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise InvalidArgumentError("taskIds is a list of the ids of tasks")
        if len(ids) > most_tasks:
            raise InvalidArgumentError(f"{len(ids)} tasks are too many, the limit is {most_tasks}")
        found = {each: self._tasks.find(caller, each) for each in dict.fromkeys(ids)}
        return {each: activity for each, activity in found.items() if activity is not None}

    @contextlib.contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """It hears of all tasks for as long as the context lasts."""
        self._tasks.listeners.append(listener)
        try:
            yield
        finally:
            self._tasks.listeners.remove(listener)

    @contextlib.contextmanager
    def telling(self, tasks: Mapping[str, Activity], stream: Stream, is_let: Callable[[], bool]) -> Iterator[None]:
        """The stream hears of the end of each, also of one that is over already, for as long as the context lasts.

        One that is let in no more by then hears nothing, and is ended.
        """
        if not tasks:
            yield
            return
        ear = _Ear(tasks, stream, self._forms, is_let)
        with self.heard_by(ear):
            for activity in tasks.values():
                if activity.task is None:
                    ear.ended(activity)
            yield


class _Ear:
    """A `Listener` for one stream."""

    def __init__(
        self, tasks: Mapping[str, Activity], stream: Stream, forms: TaskForms, is_let: Callable[[], bool]
    ) -> None:
        self._is_let = is_let
        self._tasks = tasks
        self._stream = stream
        self._forms = forms

    def created(self, activity: Activity) -> None:
        """Nobody was told its id before."""

    def ended(self, activity: Activity) -> None:
        """It is over."""
        if self._tasks.get(activity.handle) is not activity:
            return
        if self._is_let():
            self._stream.tell_task(self._forms.of(activity))
        else:
            self._stream.end()
