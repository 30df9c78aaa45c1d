"""Single commands of a call that needs several: each goes the whole way by itself, under the tool's own name."""

from dataclasses import dataclass, replace

from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Captured, CommandResult, Outcome
from mcp_ssh.service.approvals import Approvals
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.judge import Configured, Judged
from mcp_ssh.service.pipeline import Pipeline
from mcp_ssh.service.request import request_of
from mcp_ssh.service.runs import Answer, Runs, Teller
from mcp_ssh.sessions.session import Session

question_s = 30.0
"""The time of a command that only asks."""


@dataclass(slots=True)
class Call:
    """One call of a tool: for whom, where, and how many commands of it there were."""

    caller: Caller
    operation: Operation
    host: str
    confirmed: bool = False
    tell: Teller | None = None
    steps: int = 0


class Steps:
    """Carries them out."""

    def __init__(
        self, *, configuration: Configured, pipeline: Pipeline, commands: Commands, runs: Runs, approvals: Approvals
    ) -> None:
        self._configuration = configuration
        self._pipeline = pipeline
        self._commands = commands
        self._runs = runs
        self._approvals = approvals

    async def ask(self, call: Call, text: str) -> CommandResult:
        """The end of a command that only asks. What came of one whose time was over is there.

        Raises what the pipeline raises, and `SessionLostError` where the link went meanwhile.
        """

        async def work(session: Session, judged: Judged, left_s: float) -> CommandResult:
            command = judged.command
            assert command is not None  # noqa: S101  the request has one
            session.commands += 1
            return await session.driver.run(replace(command, timeout_s=left_s))

        request = self._request(call, Wish(text, timeout_s=self.within(call.host, question_s)))
        result = (await self._pipeline.dispatch(request, work)).result
        if result.outcome is Outcome.UNKNOWN and result.lost is not None:
            result.lost.is_recorded = True
            raise result.lost
        return result

    async def run(self, call: Call, wish: Wish, reply_within_s: float) -> Answer:
        """A command that may take long: its end, or that it goes on."""
        request = self._request(call, wish)
        run = self._commands.begin(call.caller, request)
        return await self._runs.first_answer(run, reply_within_s, call.tell)

    @property
    def reply_within_s(self) -> float:
        """By when a call answers."""
        return self._commands.reply_within(None)

    def within(self, host: str, seconds: float) -> float:
        """So many seconds, or as many as the host allows a command."""
        entry = self._configuration.current.inventory.hosts.get(host)
        return min(seconds, entry.limits.max_seconds or seconds) if entry is not None else seconds

    def _request(self, call: Call, wish: Wish) -> Request:
        """The next one of the call: the first counts as the call itself, each as a command."""
        is_part, caller = call.steps > 0, self._for(call.caller, wish.text)
        call.steps += 1
        return request_of(caller, call.operation, call.host, wish, confirmed=call.confirmed, is_part=is_part)

    def _for(self, caller: Caller, text: str) -> Caller:
        """With what a person said, where that is about this very command: an answer is worth nothing for another."""
        answer = caller.answer
        if answer is None or self._approvals.asked(answer.approval) == text:
            return caller
        return replace(caller, answer=None)


def text_of(output: Captured) -> str:
    """What is there of an output, as text; its middle may be missing."""
    return (output.head + output.tail).decode("utf-8", "replace")
