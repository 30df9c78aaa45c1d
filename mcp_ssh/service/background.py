"""All that goes on in the background, and what is kept of it after its end: each known to its principal alone.

An activity whose handle was told to somebody is a task: its result is kept for as long as its host or the settings
say, and then nothing of it is held any more, whether anybody asks or not.
"""

import asyncio
import time
from typing import Protocol, TypeVar

from mcp_ssh.model.errors import InternalError, McpSshError, UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.outputs.store import OutputStore
from mcp_ssh.service.activity import Activity
from mcp_ssh.service.judge import Configured

T = TypeVar("T")


class Listener(Protocol):
    """Hears of tasks, on the event loop. It must not block and must not raise."""

    def created(self, activity: Activity) -> None:
        """Somebody was told the handle of something that goes on."""
        ...

    def ended(self, activity: Activity) -> None:
        """It is over."""
        ...


class Background:
    """Knows activities by their handles. `listeners` hear of tasks; whoever adds one takes it away again."""

    def __init__(self, outputs: OutputStore, configuration: Configured) -> None:
        self._outputs = outputs
        self._configuration = configuration
        self._known: dict[str, Activity] = {}
        self.listeners: list[Listener] = []

    def room(self, caller: Caller, kind: str = "r") -> Kept:
        """Where an output of the caller goes, under a new handle. Raises `TaskLimitError`."""
        kept = self._outputs.keep(caller.principal.name, lambda: self._gone(kept.handle), kind)
        return kept

    def follow(self, activity: Activity, task: asyncio.Task[T]) -> None:
        """Know it by its handle from now on, until its time after the end of its task is over."""
        activity.task = task
        self._known[activity.handle] = activity
        task.add_done_callback(lambda ended: self._over(activity, ended))

    def told(self, activity: Activity) -> None:
        """Somebody knows the handle from now on."""
        if activity.is_told:
            return
        activity.is_told = True
        for listener in self.listeners:
            listener.created(activity)
        if activity.task is None:
            self._outputs.finish(activity.kept, self.ttl_s(activity))

    def named(self, caller: Caller, handle: str) -> Activity:
        """What has that handle, if it is the caller's. Raises `UnknownSessionError`, for a foreign one as well."""
        activity = self._known.get(handle)
        if activity is None or activity.kept.owner != caller.principal.name or not self._outputs.has(handle):
            raise UnknownSessionError(
                f"unknown handle {handle[:200]!r}; nothing was sent",
                hint="outputs are kept for a while only; run the command again",
            )
        return activity

    def tasks_of(self, caller: Caller) -> list[Activity]:
        """The caller's tasks, the oldest first."""
        self._outputs.expire()
        return [each for each in self._known.values() if each.is_told and each.kept.owner == caller.principal.name]

    def readable_by(self, caller: Caller) -> list[Activity]:
        """What of the caller's can still be read, told or not, the newest first."""
        self._outputs.expire()
        return [each for each in reversed(self._known.values()) if each.kept.owner == caller.principal.name]

    @property
    def held(self) -> int:
        """How many activities are known, with whatever is kept of them."""
        return len(self._known)

    def ttl_s(self, activity: Activity) -> float:
        """How long a task is known after its end, or the rest of an output that was answered."""
        snapshot = self._configuration.current
        if not activity.is_told:
            return snapshot.settings.outputs_ttl_s
        host = snapshot.inventory.hosts.get(activity.host)
        own = host.limits.task_result_ttl if host is not None else None
        return own or snapshot.settings.task_result_ttl_s

    @staticmethod
    async def wait(activity: Activity, seconds: float) -> None:
        """Return when it is over, or after that time; it goes on."""
        if activity.task is not None and seconds > 0:
            await asyncio.wait({activity.task}, timeout=seconds)

    @staticmethod
    def forget(activity: Activity) -> None:
        """Nobody will ask, unless the handle was told: everything was answered."""
        if not activity.is_told:
            activity.kept.remove()

    def _over(self, activity: Activity, task: asyncio.Task[T]) -> None:
        activity.task, activity.ended = None, time.monotonic()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, McpSshError):
            activity.error = error
        elif error is not None:
            name = type(error).__name__
            activity.error = InternalError(f"{name} in mcp-ssh itself", hint="its log tells more", sent=True)
        activity.take(None if task.cancelled() or error is not None else task.result())
        self._outputs.finish(activity.kept, self.ttl_s(activity))
        if activity.is_told:
            for listener in self.listeners:
                listener.ended(activity)

    def _gone(self, handle: str) -> None:
        self._known.pop(handle, None)
