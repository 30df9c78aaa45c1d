"""One command on one channel, as a Receiver: what came, how it ended, and whether it had been sent at all."""

import asyncio
from collections.abc import Callable

from mcp_ssh.model.errors import McpSshError, NeedsPtyError
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh.ports import Channel, Output, Stream
from mcp_ssh_drivers.capture import HeadTail, copy_of
from mcp_ssh_drivers.execshell import Announcement
from mcp_ssh_drivers.slots import ChannelSlots

linger_s = 1.0
"""How long the outputs may stay silent after the program's end before whoever still holds them is left alone."""


class Execution:
    """Collects one command. Its maker closes the channel."""

    def __init__(
        self, slots: ChannelSlots, token: str | None, max_output_bytes: int, output: Output | None = None
    ) -> None:
        self._slots = slots
        self._announcement = Announcement(token) if token else None
        self._stdout = HeadTail(max_output_bytes, copy_of(output, Stream.STDOUT))
        self._stderr = HeadTail(max_output_bytes, copy_of(output, Stream.STDERR))
        self._changed = asyncio.Event()
        self._abandoned = False
        self._chunks = 0
        self._heard_at = 0.0
        self._exit: tuple[int | None, str | None] | None = None
        self._closed = False
        self._error: McpSshError | None = None
        self.channel: Channel | None = None
        self.left_running = False

    # --- Receiver

    def opened(self, channel: Channel) -> bool:
        """The channel stands; False if nobody wants it any more."""
        if self._abandoned:
            return False
        self.channel = channel
        self._slots.opened()
        return True

    def data(self, chunk: bytes, stream: Stream) -> None:
        """Some output."""
        self._chunks += 1
        self._heard_at = asyncio.get_running_loop().time()
        if stream is Stream.STDOUT:
            self._stdout.feed(chunk)
        elif self._announcement is None:
            self._stderr.feed(chunk)
        else:
            self._stderr.feed(self._announcement.feed(chunk))
            self._changed.set()

    def exited(self, code: int | None, signal: str | None) -> None:
        """The program ended; its children may still write."""
        self._exit = (code, signal)
        self._changed.set()

    def closed(self, error: McpSshError | None) -> None:
        """Nothing more comes."""
        if not self._closed:
            self._closed, self._error = True, error
            if self.channel is not None:
                self._slots.closed()
            self._changed.set()

    # --- the driver's side

    @property
    def is_closed(self) -> bool:
        """Whether the channel is gone."""
        return self._closed

    @property
    def has_exited(self) -> bool:
        """Whether the host said how the program ended."""
        return self._exit is not None

    @property
    def is_void(self) -> bool:
        """Whether a shell that was to announce its process id ended without it: then it ran nothing."""
        return self._closed and self._error is None and self._exit is not None and self.pid is None

    @property
    def pid(self) -> int | None:
        """The process session that the command leads, once it is announced."""
        return self._announcement.pid if self._announcement else None

    def abandon(self) -> bool:
        """Say that nobody wants the channel. False if it stands already: then the command was sent."""
        if self.channel is None:
            self._abandoned = True
        return self._abandoned

    async def finished(self, idle_s: float | None = None) -> None:
        """Return when the command is over: the channel closed, or the program ended and its outputs fell silent.

        Raises `TimeoutError` if nothing came for `idle_s` before that.
        A background child can hold the outputs open for days; ssh would wait for it, an assistant must not.
        """
        await self._over(idle_s)
        while not self._closed:
            before = self._chunks
            try:
                async with asyncio.timeout(linger_s):
                    await self._until(lambda: self._closed)
            except TimeoutError:
                if self._chunks == before:
                    self.left_running = True
                    return

    async def _over(self, idle_s: float | None) -> None:
        """Return when the program ended or the channel closed. Raises `TimeoutError` for a silence of `idle_s`."""
        since = asyncio.get_running_loop().time()
        wait_s = idle_s
        while not await self._within(wait_s, lambda: self._closed or self._exit is not None):
            assert idle_s is not None  # noqa: S101  without a limit the wait above has no end
            wait_s = max(since, self._heard_at) + idle_s - asyncio.get_running_loop().time()
            if wait_s <= 0:
                raise TimeoutError

    async def announced(self, seconds: float) -> int | None:
        """The process id, waited for at most that long."""
        if self._announcement is not None:
            await self._within(seconds, lambda: self.pid is not None or self._closed)
        return self.pid

    async def ended(self, seconds: float) -> bool:
        """Whether the program ended or the channel closed within that time."""
        return await self._within(seconds, lambda: self._closed or self._exit is not None)

    def result(self, duration_s: float, outcome: Outcome | None = None, ended: Ended | None = None) -> CommandResult:
        """What there is to tell. Without an outcome the channel's own end decides.

        Raises `NeedsPtyError` where the host took no command: nothing ran.
        """
        if isinstance(self._error, NeedsPtyError):
            raise self._error
        if self._announcement is not None:
            self._stderr.feed(self._announcement.flush())
        code, signal = self._exit or (None, None)
        if outcome is None:
            outcome, ended = self._own_outcome()
        return CommandResult(
            outcome=outcome,
            stdout=self._stdout.captured(),
            stderr=self._stderr.captured(),
            duration_s=duration_s,
            exit_code=code if outcome is Outcome.COMPLETED else None,
            signal=signal if outcome is Outcome.SIGNALLED else None,
            ended=ended,
            left_running=self.left_running,
            lost=self._error if outcome is Outcome.UNKNOWN else None,
        )

    def _own_outcome(self) -> tuple[Outcome, Ended | None]:
        if self._exit is None and self._error is not None:
            return Outcome.UNKNOWN, Ended.UNKNOWN
        if self._exit is not None and self._exit[1] is not None:
            return Outcome.SIGNALLED, None
        return Outcome.COMPLETED, None

    async def _within(self, seconds: float | None, condition: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._until(condition)
        except TimeoutError:
            return False
        return True

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()
