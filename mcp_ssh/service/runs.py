"""Commands that may outlive the call that started them, and outputs that are longer than an answer.

A command whose handle was told to somebody is a task: its result is kept for as long as the host says, and how it
stands is never a guess.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from mcp_ssh.model.errors import InternalError, McpSshError, SessionLostError, UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Captured, CommandResult, fits_inline
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.outputs.store import OutputStore
from mcp_ssh.ports import Stream
from mcp_ssh.service.judge import Configured
from mcp_ssh.service.pipeline import Done
from mcp_ssh.sessions.session import Session

last_line_bytes = 200

Task = asyncio.Task[Done[CommandResult]]


@dataclass(slots=True, eq=False)
class Run:
    """One command with its output.

    `task` is None once it is over; then `result` (without outputs) or `error` is set, or neither: it was cancelled
    before anything of it was sent. `decided` is done as soon as it may run or is over, `session` is set as
    soon as it has one. `is_told`: somebody knows its handle. `next` is the run that answered the question of this one,
    and in which its program goes on.
    """

    host: str
    text: str
    kept: Kept
    task: Task | None = None
    decided: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    session: Session | None = None
    result: CommandResult | None = None
    error: McpSshError | None = None
    is_told: bool = False
    next: "Run | None" = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it was asked for, until its end."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def last(self) -> "Run":
        """Where the program of this run is now: itself, or the run that answered its last question."""
        run = self
        while run.next is not None:
            run = run.next
        return run

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


Teller = Callable[[Run], Awaitable[None]]
"""Hears of a run that goes on."""


class Listener(Protocol):
    """Hears of tasks, on the event loop. It must not block and must not raise."""

    def created(self, run: Run) -> None:
        """Somebody was told the handle of a run that goes on."""
        ...

    def ended(self, run: Run) -> None:
        """Such a run is over."""
        ...


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

    def __init__(self, outputs: OutputStore, configuration: Configured) -> None:
        self._outputs = outputs
        self._configuration = configuration
        self._runs: dict[str, Run] = {}
        self.listeners: list[Listener] = []

    def start(self, caller: Caller, host: str, text: str, begin: Callable[[Run], Task]) -> Run:
        """A new run; `begin` starts its task. Raises `TaskLimitError`."""
        kept = self._outputs.keep(caller.principal.name, lambda: self._gone(kept.handle))
        run = Run(host, text, kept)
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
        left_s, every_s = within_s, self._configuration.current.settings.task_progress_interval_s
        while tell is not None and left_s > every_s:
            await asyncio.wait({task}, timeout=every_s)
            if task.done():
                break
            left_s -= every_s
            await tell(run)
        return await self.answer(run, left_s, task)

    async def answer(self, run: Run, within_s: float, task: Task) -> Answer:
        """The end of a run with its output, or that it goes on after that many seconds."""
        await asyncio.wait({task}, timeout=within_s)
        if not task.done():
            self.told(run)
            return Answer(run, None, run.handle)
        done = self._result(run, task)
        if fits_inline(done.result):
            self._forget(run)
            return Answer(run, done, None)
        return Answer(run, done, run.handle)

    async def begun(self, run: Run) -> None:
        """Return when the run may go on by itself, as a task. Raises what it ended by, if nothing of it was sent.

        Whoever stops waiting for that ends the command.
        """
        task = run.task
        assert task is not None  # noqa: S101  it was started in this very moment
        try:
            await asyncio.shield(run.decided)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            self._result(run, task)
        self.told(run)

    def told(self, run: Run) -> None:
        """Somebody knows the handle from now on."""
        if run.is_told:
            return
        run.is_told = True
        for listener in self.listeners:
            listener.created(run)
        if run.task is None:
            self._outputs.finish(run.kept, self._ttl_s(run))

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

    @property
    def held(self) -> int:
        """How many runs are known, with whatever is kept of them."""
        return len(self._runs)

    def readable_by(self, caller: Caller) -> list[Run]:
        """The caller's runs that can still be read, the newest first."""
        self._outputs.expire()
        return [run for run in reversed(self._runs.values()) if run.kept.owner == caller.principal.name]

    def tasks_of(self, caller: Caller) -> list[Run]:
        """The caller's tasks, the oldest first."""
        self._outputs.expire()
        return [run for run in self._runs.values() if run.is_told and run.kept.owner == caller.principal.name]

    def _over(self, run: Run, task: Task) -> None:
        """Keep how it ended, without a second copy of its output."""
        run.task, run.ended = None, time.monotonic()
        if not run.decided.done():
            run.decided.set_result(None)
        error = None if task.cancelled() else task.exception()
        if error is None and not task.cancelled():
            run.result = replace(task.result().result, stdout=Captured(), stderr=Captured())
        elif isinstance(error, McpSshError):
            run.error = error
        elif error is not None:
            run.error = InternalError(f"{type(error).__name__} in mcp-ssh", hint="its log tells more", sent=True)
        self._outputs.finish(run.kept, self._ttl_s(run))
        if run.is_told:
            for listener in self.listeners:
                listener.ended(run)

    def _ttl_s(self, run: Run) -> float:
        """How long a task is known after its end, or the rest of an output that was answered."""
        snapshot = self._configuration.current
        if not run.is_told:
            return snapshot.settings.outputs_ttl_s
        host = snapshot.inventory.hosts.get(run.host)
        own = host.limits.task_result_ttl if host is not None else None
        return own or snapshot.settings.task_result_ttl_s

    def _result(self, run: Run, task: Task) -> Done[CommandResult]:
        if task.cancelled():
            self._forget(run)
            raise SessionLostError("the command was cancelled before it was sent", hint="call again if it is meant")
        try:
            return task.result()
        except McpSshError:
            self._forget(run)
            raise

    def _gone(self, handle: str) -> None:
        self._runs.pop(handle, None)

    def _forget(self, run: Run) -> None:
        """Nobody will ask: everything was answered, and the handle was never told."""
        if not run.is_told:
            run.kept.remove()
