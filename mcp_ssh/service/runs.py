"""Commands that may outlive the call that started them, and outputs that are longer than an answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from mcp_ssh.model.errors import McpSshError, SessionLostError, UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Captured, CommandResult, fits_inline
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.outputs.store import OutputStore
from mcp_ssh.ports import Stream
from mcp_ssh.service.pipeline import Done
from mcp_ssh.sessions.session import Session

tell_every_s = 5.0
last_line_bytes = 200

Task = asyncio.Task[Done[CommandResult]]


@dataclass(slots=True, eq=False)
class Run:
    """One command with its output. `task` is None once it is over; then `result` (without outputs) or `error` is set.

    `session` is set as soon as the command has one.
    """

    host: str
    text: str
    kept: Kept
    task: Task | None = None
    session: Session | None = None
    result: CommandResult | None = None
    error: McpSshError | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self.began

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
        head = self.kept.read(stream, 0, limit // 2)
        return Captured(head, tail, whole - len(head) - len(tail))


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
    """All runs that somebody may still ask for; each is known to its principal alone."""

    def __init__(self, outputs: OutputStore, tell_every_s: float = tell_every_s) -> None:
        self._outputs = outputs
        self._tell_every_s = tell_every_s
        self._runs: dict[str, Run] = {}

    def start(self, caller: Caller, host: str, text: str, begin: Callable[[Run], Task]) -> Run:
        """A new run; `begin` starts its task."""
        self._runs = {handle: run for handle, run in self._runs.items() if self._outputs.has(handle)}
        run = Run(host, text, self._outputs.keep(caller.principal.name))
        run.task = begin(run)
        run.task.add_done_callback(lambda task: self._over(run, task))
        self._runs[run.handle] = run
        return run

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

    async def _telling(self, run: Run, within_s: float, task: Task, tell: Teller | None) -> Answer:
        left_s = within_s
        while tell is not None and left_s > self._tell_every_s:
            await asyncio.wait({task}, timeout=self._tell_every_s)
            if task.done():
                break
            left_s -= self._tell_every_s
            await tell(run)
        return await self.answer(run, left_s, task)

    async def answer(self, run: Run, within_s: float, task: Task) -> Answer:
        """The end of a run with its output, or that it goes on after that many seconds."""
        await asyncio.wait({task}, timeout=within_s)
        if not task.done():
            return Answer(run, None, run.handle)
        done = self._result(run, task)
        if fits_inline(done.result):
            self._forget(run)
            return Answer(run, done, None)
        return Answer(run, done, run.handle)

    @staticmethod
    async def wait(run: Run, seconds: float) -> None:
        """Return when the run is over, or after that time; the run goes on."""
        if run.task is not None and seconds > 0:
            await asyncio.wait({run.task}, timeout=seconds)

    def named(self, caller: Caller, handle: str) -> Run:
        """The run of that handle, if it is the caller's. Raises `UnknownSessionError`, for a foreign one as well."""
        run = self._runs.get(handle)
        if run is None or run.kept.owner != caller.principal.name or not self._outputs.has(handle):
            raise UnknownSessionError(
                f"unknown handle {handle[:200]!r}; nothing was sent",
                hint="outputs are kept for a while only; run the command again",
            )
        return run

    def of(self, caller: Caller) -> tuple[Run, ...]:
        """The runs of the caller's principal that can still be read, the newest first."""
        mine = [run for run in self._runs.values() if run.kept.owner == caller.principal.name]
        return tuple(run for run in reversed(mine) if self._outputs.has(run.handle))

    def _over(self, run: Run, task: Task) -> None:
        """Keep how it ended, without a second copy of its output."""
        run.task = None
        self._outputs.finish(run.kept)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            run.result = replace(task.result().result, stdout=Captured(), stderr=Captured())
        elif isinstance(error, McpSshError):
            run.error = error

    def _result(self, run: Run, task: Task) -> Done[CommandResult]:
        if task.cancelled():
            self._forget(run)
            raise SessionLostError("the command was cancelled before it was sent", hint="call again if it is meant")
        try:
            return task.result()
        except McpSshError:
            self._forget(run)
            raise

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.handle, None)
        run.kept.remove()
