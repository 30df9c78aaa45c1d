"""Drivers whose outputs hold no secret of ours: what is kept, what is answered, what is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mcp_ssh.audit.scrub import Known, Needles, Scrubber, scrubbed_text, without_end_piece, without_start_piece
from mcp_ssh.model.command import Command, Speech
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.result import Captured, CommandResult
from mcp_ssh.ports import Driver, Output, ShellDriver, Stream


class ScrubbedOutput:
    """An `Output` that hands on clean bytes; `finish` when nothing more comes."""

    def __init__(self, output: Output, needles: Needles) -> None:
        self._output = output
        self._streams = {stream: Scrubber(needles) for stream in Stream}

    def feed(self, chunk: bytes, stream: Stream) -> None:
        """Some output of the host."""
        if clean := self._streams[stream].feed(chunk):
            self._output.feed(clean, stream)

    def finish(self) -> None:
        """Hand on what was held back."""
        for stream, scrubber in self._streams.items():
            if clean := scrubber.finish():
                self._output.feed(clean, stream)


class ScrubbedDriver:
    """A `Driver`."""

    def __init__(self, driver: Driver, known: Known) -> None:
        self._driver = driver
        self._needles = Needles(known)

    @property
    def platform(self) -> str:
        """As the driver says."""
        return self._driver.platform

    @property
    def is_experimental(self) -> bool:
        """As the driver says."""
        return self._driver.is_experimental

    @property
    def login_shell(self) -> str:
        """As the driver says."""
        return self._driver.login_shell

    @property
    def sent_by(self) -> str:
        """As the driver says."""
        return self._driver.sent_by

    def changed(self) -> None:
        """As the driver does."""
        self._driver.changed()

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """As the driver does."""
        with self._scrubbing(output) as clean:
            return self._clean(await self._driver.run(command, clean))

    @contextmanager
    def _scrubbing(self, output: Output | None) -> Iterator[ScrubbedOutput | None]:
        """A clean way to the output; what is raised meanwhile is clean as well."""
        clean = ScrubbedOutput(output, self._needles) if output is not None else None
        try:
            yield clean
        except McpSshError as error:
            error.message = self._text(error.message)
            error.args = (error.message,)
            raise
        finally:
            if clean is not None:
                clean.finish()

    def _clean(self, result: CommandResult) -> CommandResult:
        """A result without secrets, and how many were in it. Hashes stay those of what the host sent."""
        if not self._needles.look():
            return result
        (stdout, some), (stderr, more) = self._captured(result.stdout), self._captured(result.stderr)
        return replace(
            result,
            stdout=stdout,
            stderr=stderr,
            question=None if result.question is None else self._text(result.question),
            device_error=None if result.device_error is None else self._text(result.device_error),
            unsolicited=tuple(self._text(line) for line in result.unsolicited),
            directory=self._text(result.directory),
            remark=self._text(result.remark),
            scrubbed=some + more,
        )

    def _text(self, text: str) -> str:
        return scrubbed_text(text, self._needles)

    def _captured(self, output: Captured) -> tuple[Captured, int]:
        scrubbers = Scrubber(self._needles), Scrubber(self._needles)
        head, tail = (
            scrubber.feed(data) + scrubber.finish()
            for scrubber, data in zip(scrubbers, (output.head, output.tail), strict=True)
        )
        if output.omitted:
            head = without_end_piece(head, self._needles)
            tail = without_start_piece(tail, self._needles)
        clean = replace(output, head=head, tail=tail, received=output.sent)
        return clean, sum(scrubber.count for scrubber in scrubbers)


class ScrubbedShell(ScrubbedDriver):
    """A `ShellDriver`."""

    def __init__(self, driver: ShellDriver, known: Known) -> None:
        super().__init__(driver, known)
        self._shell = driver

    @property
    def mode(self) -> str:
        """As the driver says; likewise below."""
        return self._shell.mode

    @property
    def directory(self) -> str:
        """Where it is known."""
        return self._shell.directory

    @property
    def question(self) -> str | None:
        """What is asked now."""
        question = self._shell.question
        return None if question is None else self._text(question)

    @property
    def asks_secret(self) -> bool:
        """Whether that is a secret."""
        return self._shell.asks_secret

    @property
    def is_ready(self) -> bool:
        """Whether a command can be sent."""
        return self._shell.is_ready

    @property
    def is_usable(self) -> bool:
        """Whether anything can be sent."""
        return self._shell.is_usable

    async def open(self, timeout_s: float, directory: str = "") -> None:
        """Wait for the first prompt."""
        with self._scrubbing(None):
            await self._shell.open(timeout_s, directory)

    def answers(self, text: str) -> bool:
        """Whether the profile lists the text."""
        return self._shell.answers(text)

    async def say(self, speech: Speech, command: Command, output: Output | None = None) -> CommandResult:
        """Answer what asks."""
        with self._scrubbing(output) as clean:
            return self._clean(await self._shell.say(speech, command, clean))

    def type(self, speech: Speech) -> None:
        """Say something to a program that runs."""
        self._shell.type(speech)
