"""One interactive shell of the sh family: directory, variables and jobs stay; exit code and output are exact."""

import asyncio
import contextlib
import re
import shlex
from dataclasses import replace

from mcp_ssh.model.command import Command, Key, Speech
from mcp_ssh.model.errors import InvalidArgumentError, NotAtPromptError, SessionLostError
from mcp_ssh.model.result import Captured, CommandResult, Ended, Outcome
from mcp_ssh.ports import Connection, Output, Stream
from mcp_ssh_drivers import posixcompare
from mcp_ssh_drivers import posixtalk as talk
from mcp_ssh_drivers.cancellation import answer_cancellation, undisturbed
from mcp_ssh_drivers.capture import HeadTail, copy_of
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.exchange import State
from mcp_ssh_drivers.posixline import PosixLine
from mcp_ssh_drivers.posixopen import opened
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.speech import (
    asking,
    has_enter,
    refuse_unless_asking,
    refuse_unless_ready,
    refuse_unless_spoken_to,
    text_of,
)

quiet_s = 0.25
interrupt_wait_s = 3.0
window = 3
"""Lines that may be on their way to the shell at once: together they fit a terminal's queue of 4,096 bytes."""


class PosixShell:
    """A `ShellDriver` on a POSIX host. The profile knows what programs ask."""

    platform, is_experimental, login_shell, sent_by = "", False, "", ""

    def __init__(self, connection: Connection, profile: Profile, changes: Changes | None = None) -> None:
        self._connection = connection
        self._profile = profile
        self._secret = re.compile(profile.asks_secret)
        self._line = PosixLine(changes or Changes())
        self._shell = posixcompare.unknown
        self._opened = False
        self._last_code = 0
        self._directory = ""

    # --- ShellDriver

    @property
    def mode(self) -> str:
        """A POSIX shell has none."""
        return ""

    @property
    def directory(self) -> str:
        """The working directory after the last command."""
        return self._directory

    @property
    def question(self) -> str | None:
        """What is asked now."""
        return self._line.last_line() if self._line.state in asking else None

    @property
    def asks_secret(self) -> bool:
        """Whether what is asked now is a secret."""
        return self._line.state is State.PASSWORD

    @property
    def is_ready(self) -> bool:
        """Whether a command can be sent."""
        return self._line.state is State.READY

    @property
    def is_usable(self) -> bool:
        """Whether anything can be sent, or the shell is not open yet."""
        return not self._opened or self._line.state not in {State.POISONED, State.LOST}

    def answers(self, text: str) -> bool:
        """Whether the profile lists this text as an answer to what is asked now."""
        asked = self._profile.asked(self.question or "")
        return asked is not None and text in asked.answers

    async def open(self, timeout_s: float, directory: str = "") -> None:
        """Start the shell and make it quiet."""
        if self._opened:
            return
        self._opened = True
        try:
            async with asyncio.timeout(timeout_s):
                self._shell = await opened(self._connection, self._profile.pty, self._line)
                await self._stand_in(directory)
        except TimeoutError:
            shown = bytes(self._line.login[-200:]).decode("utf-8", "replace")
            self.close()
            raise SessionLostError(
                f"the login shows no shell of the sh family, the last that came was {shown!r}",
                hint="for a device with a command line of its own set shell: cli and platform",
            ) from None

    def changed(self) -> None:
        """Nothing stands ready here."""

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command."""
        began = self._line.now()
        until = began + command.timeout_s
        refuse_unless_ready(self._line.state, self.question)
        text = command.text.encode()
        if b"\0" in text:
            raise InvalidArgumentError("a posix shell takes no NUL; nothing was sent")
        self._connection.watch(running=True)
        try:
            self._line.output = HeadTail(command.max_output_bytes, copy_of(output, Stream.STDOUT))
            await self._type(text, until)
            return await self._outcome(began, until, command.idle_s)
        except asyncio.CancelledError:
            if self._line.state is not State.RUNNING:
                await self._clean_up()
                raise  # nothing ran
            return await self._cut_short(Outcome.CANCELLED, began, cancelled=True)
        finally:
            self._connection.watch(running=False)

    async def say(self, speech: Speech, command: Command, output: Output | None = None) -> CommandResult:
        """Answer what asks, and wait for what comes of it."""
        began = self._line.now()
        refuse_unless_asking(self._line.state)
        self._connection.watch(running=True)
        try:
            if speech.key is Key.CTRL_C:
                return await self._cut_short(Outcome.INTERRUPTED, began)
            self._line.output = HeadTail(command.max_output_bytes, copy_of(output, Stream.STDOUT))
            self.type(speech)
            return await self._outcome(began, began + command.timeout_s, command.idle_s)
        except asyncio.CancelledError:
            return await self._cut_short(Outcome.CANCELLED, began, cancelled=True)
        finally:
            self._connection.watch(running=False)

    def type(self, speech: Speech) -> None:
        """Say something to a program that runs."""
        refuse_unless_spoken_to(self._line.state)
        self._line.state, self._line.tail = State.RUNNING, b""
        self._line.stopped = self._line.stopped or speech.key is Key.CTRL_C
        self._line.write(text_of(speech) + ("\n" if has_enter(speech) else ""))

    def close(self) -> None:
        """Close the shell; what runs in its foreground is hung up by the host."""
        if self._line.channel is not None:
            self._line.channel.close()
        self._line.state = State.LOST

    async def _stand_in(self, directory: str) -> None:
        """Learn where the shell is, and go where the lost one was."""
        await self._sync()
        if directory and directory != self._directory:
            await self._type(f"cd -- {shlex.quote(directory)}".encode("utf-8", "surrogateescape"), None)
            await self._line.until(lambda: self._line.ended is not None)
            self._settle()
        self._line.take_unsolicited()
        self._last_code = 0

    # --- a command

    async def _sync(self) -> None:
        """Ask for exit code and directory."""
        token = self._line.expect()
        self._line.write(talk.ask_end(token))
        await self._line.until(lambda: self._line.ended is not None)
        self._settle()

    async def _type(self, text: bytes, until: float | None) -> None:
        """Send the lines of a command, as many at once as the terminal's queue takes; then it begins or is refused."""
        token = self._line.expect()
        lines = talk.lines(text, token, self._shell, self._last_code)
        try:
            async with asyncio.timeout_at(until):
                await self._line.until(lambda: not self._line.owed)
                for number, line in enumerate(lines[:-1]):
                    await self._line.prompted(number - window + 1)
                    self._line.write(line)
                await self._line.prompted(len(lines) - 1)
        except TimeoutError:
            await self._clean_up()
            raise NotAtPromptError("the shell did not take the command in time; nothing ran") from None
        self._line.prompts, self._line.state = 0, State.RUNNING
        self._line.write(lines[-1])
        # From here on it may have run: a shell that is lost now is an unknown outcome, and no reason to send it again.
        with contextlib.suppress(TimeoutError, SessionLostError):
            async with asyncio.timeout_at(until):
                await self._line.until(lambda: self._line.began or self._line.prompts > 0)
        if not self._line.began and self._line.prompts > 0:
            self._line.state = State.READY
            raise NotAtPromptError("the shell did not receive the command as it was sent; nothing ran")

    async def _outcome(self, began: float, until: float, idle_s: float | None) -> CommandResult:
        since = self._line.now()
        while True:
            over = await self._next(since, until, idle_s)
            if self._line.state is State.LOST:
                return self._told_lost(began)
            if self._line.is_over:
                return await self._told_end(began)
            if over:
                return await self._cut_short(Outcome.TIMED_OUT, began)
            if self._asks():
                return self._told(Outcome.WAITING_INPUT, began)

    async def _next(self, since: float, until: float, idle_s: float | None) -> bool:
        """Return when something happened, or it is quiet; True if the time is over."""
        deadline = until if idle_s is None else min(until, max(since, self._line.heard_at) + idle_s)
        quiet = max(since, self._line.heard_at) + quiet_s
        before = self._line.heard_at
        wait_until = min(deadline, quiet) if quiet > self._line.now() else deadline
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(wait_until):
                await self._line.until(
                    lambda: self._line.heard_at != before or self._line.is_over or self._line.state is State.LOST
                )
        return self._line.now() >= deadline and self._line.heard_at == before

    def _asks(self) -> bool:
        """Whether what stands still on the last line is a question."""
        line = self._line.last_line()
        if not line or self._line.now() < self._line.heard_at + quiet_s:
            return False
        if self._secret.search(line):
            self._line.state = State.PASSWORD
        elif self._profile.asked(line) is not None:
            self._line.state = State.QUESTION
        return self._line.state is not State.RUNNING

    async def _told_end(self, began: float) -> CommandResult:
        if self._line.ended is None:  # the shell threw the line away: by Ctrl-C, or an error that ends it
            stopped = self._line.stopped
            if not await self._clean_up(interrupt=False):
                return self._told(Outcome.COMPLETED, began)
            self._line.stopped = stopped
        outcome = Outcome.INTERRUPTED if self._line.stopped else Outcome.COMPLETED
        self._settle()
        return self._told(outcome, began, exit_code=self._last_code)

    async def _cut_short(self, outcome: Outcome, began: float, *, cancelled: bool = False) -> CommandResult:
        if cancelled:
            answer_cancellation()
        ended = Ended.SIGNALLED if await undisturbed(self._clean_up()) else Ended.UNKNOWN
        return self._told(outcome, began, ended=ended)

    async def _clean_up(self, *, interrupt: bool = True) -> bool:
        """Interrupt whatever runs and find the shell at its prompt; one that does not come back is closed."""
        with contextlib.suppress(TimeoutError, SessionLostError):
            async with asyncio.timeout(interrupt_wait_s):
                self._line.state = State.RUNNING
                if interrupt:
                    self._line.owed = False  # what is typed by now may be thrown away, and one prompt with it
                    self._line.write("\x03")
                    await self._line.prompted(1)
                await self._sync()
                return True
        self.close()
        return False

    # --- telling

    def _told(
        self, outcome: Outcome, began: float, *, exit_code: int | None = None, ended: Ended | None = None
    ) -> CommandResult:
        return CommandResult(
            outcome=outcome,
            stdout=self._line.output.captured(),
            stderr=Captured(),
            duration_s=self._line.now() - began,
            exit_code=exit_code,
            ended=ended,
            question=self.question,
            asks_secret=self.asks_secret,
            unsolicited=self._line.take_unsolicited(),
            directory=self._directory,
        )

    def _told_lost(self, began: float) -> CommandResult:
        if self._line.error is None and self._line.exit_code is not None:  # `exit`, or a program in its place
            return replace(self._told(Outcome.COMPLETED, began, exit_code=self._line.exit_code), has_ended=True)
        lost = self._line.error or SessionLostError("the host ended the shell", sent=True)
        return replace(self._told(Outcome.UNKNOWN, began, ended=Ended.UNKNOWN), lost=lost)

    def _settle(self) -> None:
        self._line.state = State.READY
        if self._line.ended is not None:
            self._last_code, self._directory = self._line.ended.code, self._line.ended.directory
