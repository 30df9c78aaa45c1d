"""Commands in the background: how they stand, what they put out, and their end before their time."""

import asyncio
from collections.abc import Sequence

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import InvalidArgumentError, UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.state import State
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.authorize import check_permission
from mcp_ssh.service.background import Background, Listener
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.terminals import Terminals

longest_wait_s = 300.0
end_wait_s = 20.0
"""How long a cancellation waits for the command's end on the host, which takes no longer."""


class Tasks:
    """The tasks of all callers; each is known to its principal alone."""

    def __init__(self, commands: Commands, terminals: Terminals, background: Background) -> None:
        self._commands = commands
        self._terminals = terminals
        self._background = background

    @property
    def listeners(self) -> list[Listener]:
        """Who hears of tasks; whoever adds one takes it away again."""
        return self._background.listeners

    @property
    def held(self) -> int:
        """How many commands are known, running or over, with whatever is kept of them."""
        return self._background.held

    def told(self, activity: Activity) -> None:
        """A client knows the handle of this one: it is a task from now on."""
        self._background.told(activity)

    async def start(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Run:
        """Start a command in the background; returns once it may run. Raises where nothing of it is sent."""
        return await self._commands.start(caller, host, wish, confirmed=confirmed)

    def find(self, caller: Caller, handle: str) -> Activity | None:
        """The caller's own of that handle, if there is one; nothing of it changes."""
        try:
            return self._background.named(caller, handle)
        except UnknownSessionError:
            return None

    def ttl_s(self, activity: Activity) -> float:
        """How long it is known after its end."""
        return self._background.ttl_s(activity)

    async def look(self, caller: Caller, handle: str, wait_s: float = 0.0) -> Activity:
        """How a task stands, at its end or after that many seconds. Raises `UnknownSessionError`."""
        if not 0 <= wait_s <= longest_wait_s:
            raise InvalidArgumentError(f"wait {wait_s:g} is not within 0 and {longest_wait_s:g} seconds")
        activity = self._background.named(caller, handle)
        self._background.told(activity)
        await self._background.wait(activity, wait_s)
        return activity

    def all_of(self, caller: Caller) -> Sequence[Activity]:
        """The caller's tasks, the oldest first."""
        return self._background.tasks_of(caller)

    async def cancel(self, caller: Caller, handle: str) -> Activity:
        """End a task on its host, and tell how it stands then; one that is over stays as it is.

        What asks in a shell is interrupted; the shell itself stays.
        """
        check_permission(caller.principal)
        activity = self._background.named(caller, handle)
        self._background.told(activity)
        last = activity.last if isinstance(activity, Run) else activity
        if last.task is not None:
            last.task.cancel()
            await asyncio.wait({last.task}, timeout=end_wait_s)
        elif isinstance(last, Run) and last.state is State.WAITING_INPUT:
            await self._terminals.leave(caller, last)
        return activity
