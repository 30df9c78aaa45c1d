"""One shell of a device's command line, with its modes: what is changed in it is there for the next command."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from mcp_ssh.model.command import Command, Key, Speech
from mcp_ssh.model.errors import (
    EnableFailedError,
    InvalidArgumentError,
    McpSshError,
    NotAtPromptError,
    SessionLostError,
)
from mcp_ssh.model.result import Captured, CommandResult, Ended, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Connection, Output, Stream
from mcp_ssh_drivers.cancellation import answer_cancellation, undisturbed
from mcp_ssh_drivers.capture import HeadTail, copy_of
from mcp_ssh_drivers.exchange import PtyResult, Standing, State
from mcp_ssh_drivers.modes import NoWayError
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.pty import PtyDriver
from mcp_ssh_drivers.speech import (
    has_enter,
    refuse_unless_asking,
    refuse_unless_ready,
    refuse_unless_spoken_to,
    text_of,
)

step_wait_s = 10.0
privileged = "privileged"


class CliShell:
    """A `ShellDriver` on a device.

    `enable` gives the secret of its privileged mode, `login` what it asks for inside of the terminal.
    """

    login_shell, sent_by = "", ""

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        charset: str | None = None,
        enable: Callable[[], Secret] | None = None,
        login: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._enable = enable
        self._login = login
        self._pty = PtyDriver(profile, charset)
        self._opened = False

    @property
    def platform(self) -> str:
        """The profile's name."""
        return self._profile.name

    @property
    def is_experimental(self) -> bool:
        """Whether nobody has seen its profile work."""
        return self._profile.is_experimental

    @property
    def mode(self) -> str:
        """The mode that the last prompt told."""
        return self._pty.mode

    @property
    def directory(self) -> str:
        """Devices have none that is known."""
        return ""

    @property
    def question(self) -> str | None:
        """What is asked now."""
        return self._pty.question

    @property
    def asks_secret(self) -> bool:
        """Whether what is asked now is a secret."""
        return self._pty.state is State.PASSWORD

    @property
    def is_ready(self) -> bool:
        """Whether a command can be sent."""
        return self._pty.is_ready

    @property
    def is_usable(self) -> bool:
        """Whether anything can be sent, or the shell is not open yet."""
        return not self._opened or self._pty.state not in {State.POISONED, State.LOST}

    async def open(self, timeout_s: float, directory: str = "") -> None:
        """Wait for the first prompt."""
        del directory
        if not self._opened:
            self._opened = True
            asks_for_login = any(step.say is not None for step in self._profile.login)
            login = self._login() if asks_for_login and self._login is not None else None
            await self._pty.open(self._connection, timeout_s, login)

    def close(self) -> None:
        """Close the shell at once; its connection stays."""
        self._pty.close()

    def answers(self, text: str) -> bool:
        """Whether the profile lists this text as an answer to what is asked now."""
        question = self._profile.asked(self.question or "")
        return question is not None and text in question.answers

    async def walk(self, mode: str, timeout_s: float) -> None:
        """Go to a mode.

        Raises `InvalidArgumentError`, `EnableFailedError`, `NotAtPromptError`; nothing else is sent.
        """
        if mode == self.mode:
            return
        try:
            result = await self._pty.walk(mode, self._password, timeout_s)
        except NoWayError:
            known = ", ".join(self._profile.modes) or "no modes"
            raise InvalidArgumentError(
                f"there is no way from mode {self.mode!r} to {mode!r}; the command was not sent",
                hint=f"{self._profile.name} knows: {known}",
            ) from None
        if self.mode == mode and self.is_ready:
            return
        said = (result.question or result.device_error or self._pty.tail or "nothing") if result else "nothing"
        if not self.is_ready:
            await self._pty.interrupt()
        failed = EnableFailedError if mode == privileged or self.mode == "user" else NotAtPromptError
        raise failed(
            f"the device did not enter its {mode} mode, it said: {said[:200]}; the command was not sent",
            hint="check the secret that `enable_env` names" if self._enable else "set `enable_env` where it needs one",
        )

    def changed(self) -> None:
        """Nothing stands ready here."""

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command, or several lines one after the other until the device complains about one."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = began + command.timeout_s
        refuse_unless_ready(self._pty.state, self.question)
        before = self.mode
        self._connection.watch(running=True)
        try:
            if command.mode is not None:
                await self.walk(command.mode, until - loop.time())
            kept = HeadTail(command.max_output_bytes, copy_of(output, Stream.STDOUT))
            result = await self._lines(command, kept, began, until)
            if command.mode is not None and self.is_ready and self.mode != before:
                result = await self._back(before, result)
        finally:
            self._connection.watch(running=False)
        return replace(result, mode=self.mode)

    async def say(self, speech: Speech, command: Command, output: Output | None = None) -> CommandResult:
        """Answer what asks, and wait for what comes of it."""
        began = asyncio.get_running_loop().time()
        refuse_unless_asking(self._pty.state)
        self._connection.watch(running=True)
        try:
            if speech.key is Key.CTRL_C:
                result = await self._pty.interrupt()
                return self._told(result, Outcome.INTERRUPTED, began, _certainty(result))
            kept = HeadTail(command.max_output_bytes, copy_of(output, Stream.STDOUT))
            asked = self._profile.asked(self.question or "")
            by_key = asked is not None and asked.by_key and bool(text_of(speech))
            enter = has_enter(speech) and not by_key
            result = await self._pty.answer(text_of(speech), command.timeout_s, kept, enter=enter)
            return await self._end(result, began)
        except asyncio.CancelledError:
            return await self._cancelled(began)
        finally:
            self._connection.watch(running=False)

    def type(self, speech: Speech) -> None:
        """Say something to a program that runs."""
        refuse_unless_spoken_to(self._pty.state)
        if speech.key is Key.CTRL_C:
            self._pty.stop()
        else:
            self._pty.type(text_of(speech), enter=has_enter(speech))

    def _password(self) -> str | None:
        return None if self._enable is None else self._enable().reveal()

    async def _back(self, mode: str, result: CommandResult) -> CommandResult:
        """To the mode from before. The command has run: whatever the way back meets, its result is what is told."""
        try:
            await self.walk(mode, step_wait_s)
        except McpSshError as error:
            said = error.message.replace("; the command was not sent", "")
            return replace(result, remark=f"the command ran, and then the way back to mode {mode!r} failed: {said}")
        return result

    async def _lines(self, command: Command, kept: HeadTail, began: float, until: float) -> CommandResult:
        loop = asyncio.get_running_loop()
        lines = [line for line in command.text.split("\n") if line.strip()]
        self._refuse_long(lines)
        for number, line in enumerate(lines, 1):
            at_once = self._profile.is_safe(line)
            try:
                result = await self._pty.run(line, until - loop.time(), kept, at_once=at_once, idle_s=command.idle_s)
            except asyncio.CancelledError:
                if self.is_ready and number == 1:
                    raise  # nothing was typed
                return await self._cancelled(began)
            except SessionLostError as error:
                if number == 1:
                    raise
                lost = f"the shell was lost before line {number}; the lines before it ran"
                raise SessionLostError(lost, hint=error.hint, sent=True) from None
            if result.standing is Standing.NOT_SENT:
                raise NotAtPromptError(
                    f"the device did not show {_which(line, number, lines)} as it was typed but "
                    f"{(result.question or '')[-200:]!r}; the line was cleared"
                    + (" and nothing ran" if number == 1 else f", and the {number - 1} before it ran"),
                    hint="try again; if it happens again, `platform` may name another kind of device",
                    sent=number > 1,
                )
            told = await self._end(result, began)
            if told.outcome is not Outcome.COMPLETED or told.device_error is not None or number == len(lines):
                return _at_line(told, line, number, lines)
        raise AssertionError  # the last line returns

    def _refuse_long(self, lines: list[str]) -> None:
        """A line editor would cut what it does not take, and run the rest."""
        most = self._profile.max_line
        longest = max(map(len, lines))
        if most is not None and longest > most:
            raise InvalidArgumentError(
                f"a line has {longest} characters and the device takes {most}; nothing was sent",
                hint="split the command",
            )

    async def _cancelled(self, began: float) -> CommandResult:
        answer_cancellation()
        so_far = self._pty.so_far()
        return self._told(so_far, Outcome.CANCELLED, began, _certainty(await undisturbed(self._pty.interrupt())))

    async def _end(self, result: PtyResult, began: float) -> CommandResult:
        """How it ended; what still runs at the deadline is interrupted."""
        match result.standing:
            case Standing.DONE:
                outcome = Outcome.INTERRUPTED if result.was_stopped else Outcome.COMPLETED
                return self._told(result, outcome, began)
            case Standing.LOST:
                return self._told(result, Outcome.UNKNOWN, began, Ended.UNKNOWN)
            case Standing.WAITING_INPUT:
                return self._told(result, Outcome.WAITING_INPUT, began)
            case _:
                return self._told(result, Outcome.TIMED_OUT, began, _certainty(await self._pty.interrupt()))

    def _told(self, result: PtyResult, outcome: Outcome, began: float, ended: Ended | None = None) -> CommandResult:
        lost = SessionLostError("the device ended the shell", sent=True) if outcome is Outcome.UNKNOWN else None
        return CommandResult(
            outcome=outcome,
            stdout=result.output,
            stderr=Captured(),
            duration_s=asyncio.get_running_loop().time() - began,
            ended=ended,
            lost=lost,
            question=result.question,
            asks_secret=result.asks_secret,
            device_error=result.device_error,
            unsolicited=result.unsolicited,
            mode=self.mode,
        )


def _certainty(result: PtyResult) -> Ended:
    return Ended.SIGNALLED if result.standing is Standing.DONE else Ended.UNKNOWN


def _which(line: str, number: int, lines: list[str]) -> str:
    return "the command" if len(lines) == 1 else f"line {number} ({line[:100]!r})"


def _at_line(result: CommandResult, line: str, number: int, lines: list[str]) -> CommandResult:
    """Say which of several lines the result ended at."""
    if len(lines) == 1 or result.device_error is None:
        return result
    left = len(lines) - number
    rest = f"; {left} lines after it were not sent" if left else ""
    return replace(result, device_error=f"line {number} ({line[:100]}): {result.device_error}{rest}")
