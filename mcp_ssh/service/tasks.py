"""Commands in the background: how they stand, what they put out, and their end before their time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import DeadlineExceededError, InvalidArgumentError, McpSshError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Outcome
from mcp_ssh.service.authorize import check_permission
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.runs import Listener, Run, Runs
from mcp_ssh.service.terminals import Terminals

longest_wait_s = 300.0
end_wait_s = 20.0
"""How long a cancellation waits for the command's end on the host, which takes no longer."""


class State(StrEnum):
    """How a task stands. `COMPLETED`: it came to its end by itself, whatever its exit code.

    `FAILED`: it never ran, or a signal ended it. `UNKNOWN` is said whenever it is true.
    """

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_of_outcome = {
    Outcome.COMPLETED: State.COMPLETED,
    Outcome.SIGNALLED: State.FAILED,
    Outcome.TIMED_OUT: State.TIMED_OUT,
    Outcome.CANCELLED: State.CANCELLED,
    Outcome.INTERRUPTED: State.CANCELLED,
    Outcome.UNKNOWN: State.UNKNOWN,
}


def state_of(run: Run) -> State:
    """How a run stands now."""
    run = run.last
    if run.task is not None:
        return State.PENDING if run.session is None else State.RUNNING
    if run.error is not None:
        return _of_error(run.error)
    if run.result is None:
        return State.CANCELLED  # before anything of it was sent
    if run.result.outcome is Outcome.WAITING_INPUT:
        return State.WAITING_INPUT if _still_asks(run) else State.UNKNOWN
    return _of_outcome[run.result.outcome]


def _of_error(error: McpSshError) -> State:
    if error.sent:
        return State.UNKNOWN
    return State.TIMED_OUT if isinstance(error, DeadlineExceededError) else State.FAILED


def _still_asks(run: Run) -> bool:
    """Whether its shell is there, and waits for the answer to its question."""
    shell = run.session.shell if run.session is not None and run.session.is_open else None
    return shell is not None and shell.is_usable and shell.question is not None


is_over = frozenset({State.COMPLETED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Standing:
    """A task as it stands at one moment."""

    run: Run
    state: State


class Tasks:
    """The tasks of all callers; each is known to its principal alone."""

    def __init__(self, commands: Commands, terminals: Terminals, runs: Runs) -> None:
        self._commands = commands
        self._terminals = terminals
        self._runs = runs

    @property
    def listeners(self) -> list[Listener]:
        """Who hears of tasks; whoever adds one takes it away again."""
        return self._runs.listeners

    @property
    def held(self) -> int:
        """How many commands are known, running or over, with whatever is kept of them."""
        return self._runs.held

    def told(self, run: Run) -> None:
        """A client knows the handle of this run: it is a task from now on."""
        self._runs.told(run)

    async def start(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Standing:
        """Start a command in the background; returns once it may run. Raises where nothing of it is sent."""
        return standing(await self._commands.start(caller, host, wish, confirmed=confirmed))

    async def look(self, caller: Caller, handle: str, wait_s: float = 0.0) -> Standing:
        """How a task stands, at its end or after that many seconds. Raises `UnknownSessionError`."""
        if not 0 <= wait_s <= longest_wait_s:
            raise InvalidArgumentError(f"wait {wait_s:g} is not within 0 and {longest_wait_s:g} seconds")
        run = self._runs.named(caller, handle)
        self._runs.told(run)
        await self._runs.wait(run, wait_s)
        return standing(run)

    def all_of(self, caller: Caller) -> Sequence[Standing]:
        """The caller's tasks, the oldest first."""
        return [standing(run) for run in self._runs.tasks_of(caller)]

    async def cancel(self, caller: Caller, handle: str) -> Standing:
        """End a task on its host, and tell how it stands then; one that is over stays as it is.

        What asks in a shell is interrupted; the shell itself stays.
        """
        check_permission(caller.principal)
        run = self._runs.named(caller, handle)
        self._runs.told(run)
        last = run.last
        if last.task is not None:
            last.task.cancel()
            await asyncio.wait({last.task}, timeout=end_wait_s)
        elif state_of(last) is State.WAITING_INPUT:
            await self._terminals.leave(caller, last)
        return standing(run)


def standing(run: Run) -> Standing:
    """A run as it stands now."""
    return Standing(run, state_of(run))
