"""Commands that may outlive the call that started them, and outputs that are longer than an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from mcp_ssh.model.errors import McpSshError, SessionLostError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult, fits_inline
from mcp_ssh.service.activity import Run
from mcp_ssh.service.background import Background
from mcp_ssh.service.judge import Configured
from mcp_ssh.service.pipeline import Done

Task = asyncio.Task[Done[CommandResult]]
Teller = Callable[[Run], Awaitable[None]]
"""Hears of a run that goes on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answers: the end of the command, or None while it runs.

    `handle` is given where there is something to go on with: a command that runs, or the rest of a long output.
    """

    run: Run
    done: Done[CommandResult] | None
    handle: str | None

    @property
    def result(self) -> CommandResult:
        """The end of the command; only where it is over."""
        assert self.done is not None  # noqa: S101  the caller knows that it is over
        return self.done.result


class Runs:
    """Starts commands and waits for them."""

    def __init__(self, background: Background, configuration: Configured) -> None:
        self._background = background
        self._configuration = configuration

    def start(self, caller: Caller, host: str, text: str, begin: Callable[[Run], Task]) -> Run:
        """A new run; `begin` starts its task. Raises `TaskLimitError`."""
        run = Run(host, text, self._background.room(caller))
        self._background.follow(run, begin(run))
        return run

    def named(self, caller: Caller, handle: str) -> Run | None:
        """The run of that handle; None for a handle of something else. Raises `UnknownSessionError`."""
        activity = self._background.named(caller, handle)
        return activity if isinstance(activity, Run) else None

    async def first_answer(self, run: Run, within_s: float, tell: Teller | None = None) -> Answer:
        """As `answer`, for whoever started the run: if they stop waiting, the command is ended.

        `tell` hears every few seconds that it still runs.
        """
        task = run.task
        assert task is not None  # noqa: S101  it was started in this very moment
        try:
            return await self._telling(run, within_s, task, tell)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _telling(self, run: Run, within_s: float, task: asyncio.Task[object], tell: Teller | None) -> Answer:
        left_s, every_s = within_s, self._configuration.current.settings.task_progress_interval_s
        while tell is not None and left_s > every_s:
            await asyncio.wait({task}, timeout=every_s)
            if task.done():
                break
            left_s -= every_s
            await tell(run)
        return await self.answer(run, left_s, task)

    async def answer(self, run: Run, within_s: float, task: asyncio.Task[object]) -> Answer:
        """The end of a run with its output, or that it goes on after that many seconds. `task` is the run's own."""
        await asyncio.wait({task}, timeout=within_s)
        if not task.done():
            self._background.told(run)
            return Answer(run, None, run.handle)
        done = self._result(run, task)
        if fits_inline(done.result):
            self._background.forget(run)
            return Answer(run, done, None)
        return Answer(run, done, run.handle)

    async def begun(self, run: Run) -> None:
        """Return when the run may go on by itself, as a task. Raises what it ended by, if nothing of it was sent.

        Whoever stops waiting for that ends the command.
        """
        task = run.task
        assert task is not None  # noqa: S101  it was started in this very moment
        try:
            await asyncio.wait({task, run.decided}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            self._result(run, task)
        self._background.told(run)

    def _result(self, run: Run, task: asyncio.Task[object]) -> Done[CommandResult]:
        if task.cancelled():
            self._background.forget(run)
            raise SessionLostError("the command was cancelled before it was sent", hint="call again if it is meant")
        try:
            return cast("Done[CommandResult]", task.result())
        except McpSshError:
            self._background.forget(run)
            raise
