"""One command on many hosts: each judged and recorded on its own, some at once, in batches, to the first error.

What a host answers is a row, and so is why it was not asked. Rows that are the same to the byte share their text: the
memory of a fleet grows with its different answers, not with its hosts.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import Captured, CommandResult, Outcome
from mcp_ssh.model.state import State
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Activity, Run, state_of_error

excerpt_bytes = 8_192
"""How much of each output of a host is remembered: half of it from its beginning, half from its end."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How the hosts are gone through: `parallel` at once, in batches of `batch` with a pause of `pause_s` between.

    `stops`: after the first host that did not do it no further one begins.
    """

    parallel: int
    batch: int | None = None
    pause_s: float = 0.0
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one host: a result (with excerpts of its outputs), an error, or neither: it never began.

    `handle` leads to outputs that are longer than what is remembered here.
    """

    host: str
    result: CommandResult | None = None
    error: McpSshError | None = None
    handle: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the host did it: the command ended by itself, with 0 where there are exit codes."""
        result = self.result
        return (
            result is not None
            and result.outcome is Outcome.COMPLETED
            and not result.exit_code
            and result.device_error is None
        )

    @property
    def state(self) -> State:
        """How it ended there."""
        if self.error is not None:
            return state_of_error(self.error)
        if self.result is None:
            return State.CANCELLED
        return State.UNKNOWN if self.result.outcome is Outcome.UNKNOWN else State.COMPLETED

    @property
    def answer(self) -> tuple[object, ...]:
        """Equal for hosts that answered alike."""
        if self.error is not None:
            return (self.error.code, self.error.message.replace(self.host, "HOST"))
        if self.result is None:
            return ()
        result, outputs = self.result, (self.result.stdout, self.result.stderr)
        texts = tuple((each.sha256 or each.head, each.total) for each in outputs)
        return (result.outcome, result.exit_code, result.signal, result.device_error, result.question, texts)


@dataclass(slots=True, eq=False)
class Fleet(Activity):
    """One command on its way over the hosts. `rows` are those that are over, `runs` those that are under way."""

    hosts: Sequence[Host] = ()
    rollout: Rollout = field(default_factory=lambda: Rollout(1))
    rows: dict[str, Row] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    stopped_by: str = ""
    was_cancelled: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _texts: dict[tuple[object, ...], CommandResult] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Over once every host is. Failed, where it stopped at an error."""
        if self.task is not None:
            return State.RUNNING
        if self.error is not None:
            return state_of_error(self.error)
        if self.was_cancelled:
            return State.CANCELLED
        if any(row.state is State.UNKNOWN for row in self.rows.values()):
            return State.UNKNOWN
        return State.FAILED if self.stopped_by else State.COMPLETED

    def take(self, result: object) -> None:
        """It is over."""
        self.was_cancelled = result is None and self.error is None
        self.changed.set()

    @property
    def waiting(self) -> list[str]:
        """Hosts that have not begun."""
        return [host.name for host in self.hosts if host.name not in self.rows and host.name not in self.runs]

    def may_begin(self) -> bool:
        """Whether a further host may."""
        return not (self.rollout.stops and self.stopped_by)

    def add(self, row: Row) -> None:
        """A host is over."""
        if row.result is not None:
            row = replace(row, result=self._texts.setdefault(row.answer, _excerpt(row.result)))
        self.runs.pop(row.host, None)
        self.rows[row.host] = row
        if not row.is_good and not self.stopped_by and self.rollout.stops:
            self.stopped_by = row.host
        self.kept.feed(f"{row.host}: {told(row)}\n".encode(), Stream.STDOUT)
        self.changed.set()


def told(row: Row) -> str:
    """What came of a host, in a few words."""
    if row.error is not None:
        return row.error.code
    result = row.result
    if result is None:
        return "cancelled before it was sent"
    if result.outcome is Outcome.COMPLETED and result.exit_code is not None:
        return f"exit {result.exit_code}"
    if result.signal is not None:
        return f"ended by SIG{result.signal}"
    return "done" if result.outcome is Outcome.COMPLETED else result.outcome.value


def batches(hosts: Sequence[Host], size: int | None) -> list[Sequence[Host]]:
    """The hosts in their order, so many at a time."""
    step = size or len(hosts)
    return [hosts[at : at + step] for at in range(0, len(hosts), step)]


def is_short(result: CommandResult) -> bool:
    """Whether a row remembers all of it."""
    return max(result.stdout.total, result.stderr.total) <= excerpt_bytes


def _excerpt(result: CommandResult) -> CommandResult:
    return replace(result, stdout=_cut(result.stdout), stderr=_cut(result.stderr))


def _cut(output: Captured) -> Captured:
    if output.total <= excerpt_bytes:
        return output
    half = excerpt_bytes // 2
    end = output.tail if output.omitted else output.head + output.tail
    head, tail = output.head[:half], end[-half:]
    return replace(output, head=head, tail=tail, omitted=output.total - len(head) - len(tail))
