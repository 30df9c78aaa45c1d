"""What waits for a person's yes. An approval is for one request as it was judged, once, for five minutes.

It is bound to the exact command on its host, where it would run, who asked, and the configuration that was in force: a
reload ends it, and another byte, another shell or another caller is another request. A command for many hosts is asked
about once, and its approval is good for each of them, once.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_ssh.audit.record import Event
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.command import Operation
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.files import named
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Answer
from mcp_ssh.model.refusals import ApprovalRequiredError, ApprovalUnknownError, ConfirmationRequiredError, DeniedError
from mcp_ssh.ports import AuditSink, Clock
from mcp_ssh.service import records
from mcp_ssh.service.judge import Configured, Judged

valid_s = 300.0
most_waiting = 200
most_of_one = 20


Key = tuple[object, ...]
"""What an approval is for, to the byte."""


class State(StrEnum):
    """Where an approval stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Word:
    """What was said to a request: by whom, and why it does not run, if it does not."""

    approval: str
    by: str = ""
    refused: str = ""


@dataclass(slots=True, eq=False)
class Approval:
    """One question to a person: about one request, or about the same one on `others` as well.

    `place` is the shell or session that the request is for, empty for none. `left` are the keys of those that it has
    still to be used for.
    """

    judged: Judged
    place: str
    others: Sequence[Judged]
    snapshot: Snapshot
    asked_at: float
    wall: float
    id: str = field(default_factory=lambda: f"a-{secrets.token_hex(8)}")
    state: State = State.WAITING
    by: str = ""
    words: str = "said no"

    left: set[Key] = field(init=False)

    def __post_init__(self) -> None:
        self.left = {_key(judged, self.place) for judged in self.all}

    @property
    def all(self) -> Sequence[Judged]:
        """Each request that it is about."""
        return (self.judged, *self.others)

    @property
    def hosts(self) -> str:
        """The hosts that it is about."""
        return ", ".join(judged.host.name for judged in self.all)


class Approvals:
    """All that are open in this process. Holds nothing longer than it is valid."""

    def __init__(self, configuration: Configured, audit: AuditSink, clock: Clock) -> None:
        self._configuration = configuration
        self._audit = audit
        self._clock = clock
        self._open: dict[str, Approval] = {}

    def ask(self, judged: Judged, place: str, others: Sequence[Judged] = ()) -> Approval:
        """The question for this request: the one that waits already, or a new one. The oldest make room."""
        self._forget_old()
        keys = {_key(each, place) for each in (judged, *others)}
        for approval in self._open.values():
            if approval.left == keys and approval.state is State.WAITING:
                return approval
        self._make_room(judged.request.principal.name)
        approval = Approval(judged, place, others, self._configuration.current, self._clock.now(), self._clock.wall())
        self._open[approval.id] = approval
        return approval

    def _make_room(self, owner: str) -> None:
        mine = [each for each in self._open.values() if each.judged.request.principal.name == owner]
        oldest = mine if len(mine) >= most_of_one else list(self._open.values())
        if len(mine) >= most_of_one or len(self._open) >= most_waiting:
            del self._open[oldest[0].id]

    def word(self, judged: Judged, place: str) -> Word | None:
        """What a person said to exactly this, once; None if nobody did."""
        self._forget_old()
        answer = judged.request.answer
        if answer is not None:
            refused = self._take(answer, judged, place)
            if refused:
                return Word(answer.approval, refused=refused)
        key = _key(judged, place)
        for approval in list(self._open.values()):
            if key in approval.left and approval.state is not State.WAITING:
                self._use(approval, key)
                refused = f"{approval.by} {approval.words}" if approval.state is State.DENIED else ""
                return Word(approval.id, approval.by, refused)
        return None

    def is_answered(self, judged: Judged, place: str) -> bool:
        """Whether a person has said something to exactly this, which nobody has used yet."""
        self._forget_old()
        key = _key(judged, place)
        return any(key in each.left and each.state is not State.WAITING for each in self._open.values())

    def _use(self, approval: Approval, key: Key) -> None:
        approval.left.discard(key)
        if not approval.left:
            del self._open[approval.id]

    def _take(self, answer: Answer, judged: Judged, place: str) -> str:
        """Why the answer is worth nothing: it is for the question that its client was asked, and for no other."""
        approval = self._open.get(answer.approval)
        if approval is None:
            return "the approval is used, too old or unknown"
        if _key(judged, place) not in approval.left:
            return "the approval was for another request"
        if approval.state is not State.WAITING:
            return "" if approval.others else "the approval is used, too old or unknown"
        by = f"the person at {judged.request.client or 'the client'}"
        approval.state = State.APPROVED if answer.accepted else State.DENIED
        approval.by, approval.words = by, answer.words or approval.words
        self._audit.note(Event.APPROVAL.value, _fields(approval, by, accepted=answer.accepted))
        return ""

    async def decide(self, approval: str, by: str, *, accepted: bool) -> Approval:
        """An operator's answer. Raises `ApprovalUnknownError`, and `AuditUnavailableError` before it counts."""
        self._forget_old()
        found = self._open.get(approval)
        if found is None or found.state is not State.WAITING:
            raise ApprovalUnknownError(
                f"no request waits under {approval[:100]!r}", hint="mcp-ssh approvals list tells what waits"
            )
        await self._audit.append(Event.APPROVAL.value, _fields(found, by, accepted=accepted))
        found.state, found.by = State.APPROVED if accepted else State.DENIED, by
        return found

    def waiting(self) -> Sequence[Approval]:
        """What waits for an answer, the oldest first."""
        self._forget_old()
        return [each for each in self._open.values() if each.state is State.WAITING]

    def asked(self, approval: str) -> str:
        """The command that the question under this name is about; empty if there is no such question."""
        found = self._open.get(approval)
        wish = found.judged.request.wish if found is not None else None
        return wish.text if wish is not None else ""

    def left_s(self, approval: Approval) -> float:
        """Seconds until it is too old."""
        return approval.asked_at + valid_s - self._clock.now()

    def _forget_old(self) -> None:
        current = self._configuration.current
        for approval in list(self._open.values()):
            if approval.snapshot is not current or self.left_s(approval) <= 0:
                del self._open[approval.id]


def _key(judged: Judged, place: str) -> Key:
    request, verdict = judged.request, judged.verdict
    assert verdict is not None  # noqa: S101  only what a verdict blocks is asked about
    return (request.principal.name, request.operation, judged.host.name, verdict.digest, place, request.context)


def refusal(judged: Judged, approval: str | None, others: Sequence[Judged] = ()) -> DeniedError:
    """Why it does not run, there and on others, and whom to ask; never how to get round it."""
    decision, message = judged.decision, f"not run: {judged.decision.reason}"
    if decision.asks_person and approval is not None:
        where = (
            "the person at the client is asked; do not repeat the call until they agreed"
            if judged.request.can_ask
            else f"it waits for {valid_s / 60:.0f} minutes as {approval} for whoever runs mcp-ssh"
            " (mcp-ssh approvals); tell the person you work for, and call again once it is approved"
        )
        required = ApprovalRequiredError(
            message,
            decision=decision,
            verdict=judged.verdict,
            hint=where,
            approval=approval,
            question=question(judged, others),
        )
        required.asks_secret = judged.request.node is not None and judged.request.node.asks_secret
        return required
    if decision.confirmable:
        hint = "if this is really meant, ask the person you work for, then call again with confirm_dangerous: true"
        return ConfirmationRequiredError(message, decision=decision, verdict=judged.verdict, hint=hint)
    hint = "whoever runs mcp-ssh decides about this"
    return DeniedError(message, decision=decision, verdict=judged.verdict, hint=hint)


def led_elsewhere(judged: Judged, asked: str) -> DeniedError:
    """What is said of a path that leads to another one, which may not be had under the first one's name."""
    file, decision = judged.request.file, judged.decision
    assert file is not None  # noqa: S101  only a file's path leads elsewhere
    message = f"{named(asked)} leads to {named(file.path)}: {decision.reason}; no content was read or written"
    if decision.effect is Effect.CONFIRM:
        hint = f"what is said to one path counts for no other: call again with the path {named(file.path)}"
        return ConfirmationRequiredError(message, decision=decision, verdict=judged.verdict, hint=hint)
    hint = "whoever runs mcp-ssh decides about this"
    return DeniedError(message, decision=decision, verdict=judged.verdict, hint=hint)


def question(judged: Judged, others: Sequence[Judged] = ()) -> str:
    """What a person is asked: who wants what where, to the byte, and why that is asked."""
    request = judged.request
    verb = (
        "do"
        if request.file is not None or request.node is not None
        else "say"
        if request.operation is Operation.SEND
        else "run"
    )
    lines = judged.told.split("\n")
    count = f"{len(others) + 1} hosts: " if others else ""
    where = ", ".join(_named(each.host) for each in (judged, *others))
    return "\n".join(
        [
            f"{request.principal.name} wants to {verb} this on {count}{where}.",
            f"Why you are asked: {judged.decision.reason}",
            "Each line of it stands behind a bar:",  # so that no line of it can pass for one of these
            *(f"| {line}" for line in lines),
        ]
    )


def _named(host: Host) -> str:
    """A host with its address and the way there."""
    by = f" through {host.jump.name}" if host.jump is not None else ""
    return f"{host.name} ({host.address}{by})"


def _fields(approval: Approval, by: str, *, accepted: bool) -> records.Fields:
    return records.of_request(approval.judged.request, approval.judged.verdict) | {
        "host": approval.hosts,
        "approval": approval.id,
        "decision": "approved" if accepted else "denied",
        "confirmed_by": by,
        "reason": approval.judged.decision.reason,
    }
