"""The PTY engine: pumps one shell channel through its dialogue. One command at a time, each under its own deadline."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from mcp_ssh.model.errors import McpSshError, SessionLostError
from mcp_ssh.model.result import Captured
from mcp_ssh.ports import Channel, Connection, Pty, Stream
from mcp_ssh_drivers.capture import HeadTail
from mcp_ssh_drivers.dialogue import Dialogue
from mcp_ssh_drivers.exchange import Action, Arrived, Asked, NotAtPrompt, PtyResult, Send, Standing, State
from mcp_ssh_drivers.modes import Move, way
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.prompt import PromptReader

sure_wait_s = 1.0
interrupt_wait_s = 3.0
own_output_bytes = 65_536


class PtyDriver:
    """One shell of one device. Its maker closes it."""

    def __init__(self, profile: Profile, charset: str | None = None) -> None:
        self._profile = profile
        prompts = PromptReader(profile.prompt, profile.modes, profile.view)
        self._dialogue = Dialogue(profile, prompts, charset)
        self._reports: asyncio.Queue[Arrived | Asked | NotAtPrompt | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._channel: Channel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._error: McpSshError | None = None
        self._was_stopped = False

    # --- Receiver

    def opened(self, channel: Channel) -> bool:
        """The channel stands."""
        self._channel = channel
        return True

    def data(self, chunk: bytes, stream: Stream) -> None:
        """Bytes of the terminal; a terminal has one stream."""
        del stream
        self._act(self._dialogue.received(chunk, self._now()))
        self._stirred.set()

    def exited(self, code: int | None, signal: str | None) -> None:
        """The shell ended; the channel's end says the rest."""

    def closed(self, error: McpSshError | None) -> None:
        """The shell is gone."""
        self._error = error
        self._dialogue.lost()
        self._reports.put_nowait(None)

    # --- the caller's side

    @property
    def mode(self) -> str:
        """The mode that the last prompt told."""
        return self._dialogue.mode

    @property
    def prompt(self) -> str:
        """The last prompt, as the device showed it."""
        return self._dialogue.prompt_text

    @property
    def state(self) -> State:
        """Where the conversation is."""
        return self._dialogue.state

    @property
    def tail(self) -> str:
        """What stands on the unfinished line now."""
        return self._dialogue.tail

    @property
    def question(self) -> str | None:
        """What is asked now, if the device waits for an answer."""
        waits = self._dialogue.state in {State.QUESTION, State.PASSWORD}
        return self._dialogue.tail.strip() if waits else None

    @property
    def is_ready(self) -> bool:
        """Whether a command can be sent."""
        return self._dialogue.state is State.READY

    def so_far(self) -> PtyResult:
        """What has come of a command whose caller stopped waiting."""
        return self._result(Standing.RUNNING)

    async def open(self, connection: Connection, timeout_s: float, login: Mapping[str, str] | None = None) -> None:
        """Open the shell, wait for its prompt and send the profile's session-only settings.

        `login` is what a device is told that asks for it inside of the terminal: `user` and `password`.

        Raises `SessionLostError` with what the device showed, if no prompt came in time.
        """
        pty = self._profile.pty
        self._dialogue.login = login or {}
        until = self._now() + timeout_s
        try:
            async with asyncio.timeout_at(until):
                await connection.open_shell(Pty(pty.term, pty.width, pty.height), self)
                report = await self._reports.get()
        except TimeoutError:
            report = None
        if not isinstance(report, Arrived):
            shown = report.text if isinstance(report, Asked) else self._dialogue.tail
            self.close()
            raise SessionLostError(f"no prompt that {self._profile.name} knows came; the last line was {shown[:200]!r}")
        for line in (*self._profile.setup.get(report.mode, ()), *self._profile.init):
            await self.run(line, max(0.1, until - self._now()))

    async def run(
        self,
        text: str,
        timeout_s: float,
        output: HeadTail | None = None,
        *,
        at_once: bool = False,
        idle_s: float | None = None,
    ) -> PtyResult:
        """Run one command; others wait for their turn within their own time.

        `at_once` gives up the check of the echo where the device provably waits; `idle_s` is the longest silence. A
        result of RUNNING or WAITING_INPUT leaves the command to `answer` or `interrupt`. Raises `SessionLostError`
        (not sent) on a shell that is gone or poisoned.
        """
        until = self._now() + timeout_s
        try:
            async with asyncio.timeout_at(until):
                await self._turn.acquire()
        except TimeoutError:
            return self._result(Standing.NOT_SENT, question="another command has the shell")
        try:
            self._refuse_unless_ready()
            await self._settled()
            self._forget_reports()
            self._was_stopped = False
            surely = at_once and self._dialogue.is_sure and not self._dialogue.unsolicited
            self._act(self._dialogue.send(text, output or HeadTail(own_output_bytes), self._now(), at_once=surely))
            return await self._outcome(until, idle_s)
        finally:
            self._turn.release()

    async def answer(
        self, text: str, timeout_s: float, output: HeadTail | None = None, *, enter: bool = True
    ) -> PtyResult:
        """Say something to a question or a program that runs, and wait for what comes of it."""
        self._forget_reports()
        self.type(text, enter=enter, output=output)
        return await self._outcome(self._now() + timeout_s)

    def type(self, text: str, *, enter: bool = True, output: HeadTail | None = None) -> None:
        """Say something to a question or a program that runs; whoever waits for the command goes on waiting."""
        self._act(self._dialogue.answer(text, self._now(), enter=enter, output=output))

    def stop(self) -> None:
        """Interrupt what runs; whoever waits for it hears the end."""
        self._was_stopped = True
        self._act(self._dialogue.interrupt(self._now()))

    async def interrupt(self) -> PtyResult:
        """Stop what runs. If the prompt does not come back, the shell is poisoned: nothing is sent on it any more."""
        if self.is_ready:  # it ended by itself in this very moment
            self._forget_reports()
            return self._result(Standing.DONE)
        self._forget_reports()
        self._act(self._dialogue.interrupt(self._now()))
        result = await self._outcome(self._now() + interrupt_wait_s)
        if result.standing is not Standing.DONE:
            self._dialogue.poison()
        return result

    async def walk(self, mode: str, password: Callable[[], str | None], timeout_s: float) -> PtyResult | None:
        """Go to a mode, step by step; None if it is there already. Stops at the first step that leads elsewhere."""
        result = None
        for move in way(self._profile.enter, self.mode, mode):
            result = await self._move(move, password, timeout_s)
            if result.standing is not Standing.DONE or result.mode != move.to:
                return result
        return result

    def close(self) -> None:
        """Close the shell at once."""
        if self._timer is not None:
            self._timer.cancel()
        if self._channel is not None:
            self._channel.close()
        self._dialogue.lost()

    # --- inside

    async def _move(self, move: Move, password: Callable[[], str | None], timeout_s: float) -> PtyResult:
        result = await self.run(move.send, timeout_s)
        if result.asks_secret and move.password and (secret := password()) is not None:
            return await self.answer(secret, timeout_s)
        return result

    async def _outcome(self, until: float, idle_s: float | None = None) -> PtyResult:
        refused: NotAtPrompt | None = None
        while True:
            now = self._now()
            try:
                async with asyncio.timeout_at(until if idle_s is None else min(until, self._heard_at(now) + idle_s)):
                    report = await self._reports.get()
            except TimeoutError:
                if idle_s is not None and self._now() < min(until, self._heard_at(now) + idle_s):
                    continue  # something came meanwhile
                if refused is not None:
                    self._dialogue.poison()
                    return self._result(Standing.NOT_SENT, question=refused.shown)
                return self._result(Standing.RUNNING)
            match report:
                case None:
                    return self._result(Standing.LOST)
                case NotAtPrompt():
                    refused, until = report, min(until, self._now() + interrupt_wait_s)
                case Asked(text, secret):
                    return self._result(Standing.WAITING_INPUT, question=text, asks_secret=secret)
                case Arrived() if refused is not None:
                    return self._result(Standing.NOT_SENT, question=refused.shown)
                case Arrived():
                    return self._result(Standing.DONE)

    def _result(self, standing: Standing, *, question: str | None = None, asks_secret: bool = False) -> PtyResult:
        dialogue = self._dialogue
        unsolicited, dialogue.unsolicited = tuple(dialogue.unsolicited), []
        return PtyResult(
            standing=standing,
            output=dialogue.exchange.output.captured() if standing is not Standing.NOT_SENT else Captured(),
            mode=dialogue.mode,
            question=question,
            asks_secret=asks_secret,
            device_error=dialogue.exchange.device_error,
            unsolicited=unsolicited,
            was_stopped=self._was_stopped,
        )

    def _heard_at(self, now: float) -> float:
        """When something came last, or the command was sent."""
        return self._dialogue.last_at or now

    def _refuse_unless_ready(self) -> None:
        if self._dialogue.state is not State.READY:
            raise SessionLostError(
                f"the shell is {self._dialogue.state}; nothing was sent"
                if self._error is None
                else self._error.message,
                hint="the next call opens a new shell; mode and variables are gone",
            )

    def _forget_reports(self) -> None:
        """What was reported of an earlier command must never answer for the next one."""
        while not self._reports.empty():
            self._reports.get_nowait()

    async def _settled(self) -> None:
        """What came unasked may still be coming: wait until the prompt stands again, for a second at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(sure_wait_s):
                while not self._dialogue.is_sure:
                    self._stirred.clear()
                    await self._stirred.wait()

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                if self._channel is not None:
                    self._channel.write(action.data)
            else:
                self._reports.put_nowait(action)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dialogue.wake_at is not None:
            self._timer = asyncio.get_running_loop().call_at(self._dialogue.wake_at, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._act(self._dialogue.woken(max(self._now(), self._dialogue.wake_at or 0.0)))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
