"""Single commands of a tool that needs several: each goes the whole way by itself, under the tool's own name."""

from dataclasses import replace

from mcp_ssh.model.command import Operation, Wish
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Captured, CommandResult, Outcome
from mcp_ssh.service.approvals import Approvals
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.judge import Configured, Judged
from mcp_ssh.service.pipeline import Pipeline
from mcp_ssh.service.request import request_of
from mcp_ssh.service.runs import Answer, Teller
from mcp_ssh.sessions.session import Session

question_s = 30.0
"""The time of a command that only asks."""


class Steps:
    """Carries them out."""

    def __init__(
        self, *, configuration: Configured, pipeline: Pipeline, commands: Commands, approvals: Approvals
    ) -> None:
        self._configuration = configuration
        self._pipeline = pipeline
        self._commands = commands
        self._approvals = approvals

    async def ask(
        self, caller: Caller, operation: Operation, host: str, text: str, *, confirmed: bool = False
    ) -> CommandResult:
        """The end of a command that only asks. What came of one whose time was over is there.

        Raises what the pipeline raises, and `SessionLostError` where the link went meanwhile.
        """

        async def work(session: Session, judged: Judged, left_s: float) -> CommandResult:
            command = judged.command
            assert command is not None  # noqa: S101  the request has one
            session.commands += 1
            return await session.driver.run(replace(command, timeout_s=left_s))

        wish = Wish(text, timeout_s=self.within(host, question_s))
        request = request_of(self._for(caller, text), operation, host, wish, confirmed=confirmed)
        result = (await self._pipeline.dispatch(request, work)).result
        if result.outcome is Outcome.UNKNOWN and result.lost is not None:
            result.lost.is_recorded = True
            raise result.lost
        return result

    async def run(  # noqa: PLR0913  each argument is a part of the step
        self,
        caller: Caller,
        operation: Operation,
        host: str,
        wish: Wish,
        *,
        reply_within_s: float,
        confirmed: bool = False,
        tell: Teller | None = None,
    ) -> Answer:
        """A command that may take long: its end, or that it goes on."""
        return await self._commands.run(
            self._for(caller, wish.text),
            host,
            wish,
            reply_within_s=reply_within_s,
            confirmed=confirmed,
            tell=tell,
            operation=operation,
        )

    @property
    def reply_within_s(self) -> float:
        """By when a call answers."""
        return self._commands.reply_within(None)

    def within(self, host: str, seconds: float) -> float:
        """So many seconds, or as many as the host allows a command."""
        entry = self._configuration.current.inventory.hosts.get(host)
        return min(seconds, entry.limits.max_seconds or seconds) if entry is not None else seconds

    def _for(self, caller: Caller, text: str) -> Caller:
        """With what a person said, where that is about this very command: an answer is worth nothing for another."""
        answer = caller.answer
        if answer is None or self._approvals.asked(answer.approval) == text:
            return caller
        return replace(caller, answer=None)


def text_of(output: Captured) -> str:
    """What is there of an output, as text; its middle may be missing."""
    return (output.head + output.tail).decode("utf-8", "replace")
