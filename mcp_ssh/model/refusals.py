"""What policy or safety stops, and what a person's yes would help."""

from mcp_ssh.model.decision import Decision, Verdict
from mcp_ssh.model.errors import McpSshError


class DeniedError(McpSshError):
    """Policy or safety said no, and no confirmation of the caller would help."""

    code = "denied"

    def __init__(self, message: str, *, decision: Decision, verdict: Verdict | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.decision = decision
        self.verdict = verdict


class ConfirmationRequiredError(DeniedError):
    """Safety or a rule blocks the command until it is confirmed."""

    code = "confirmation_required"


class ApprovalRequiredError(ConfirmationRequiredError):
    """A person must approve the command, and the model's word does not count. `approval` is what waits for them.

    `asks_secret`: a yes is worth nothing without the secret that the question asks for.
    """

    code = "approval_required"

    def __init__(  # noqa: PLR0913  each is part of what is told
        self, message: str, *, decision: Decision, approval: str, question: str, verdict: Verdict | None, hint: str
    ) -> None:
        super().__init__(message, decision=decision, verdict=verdict, hint=hint)
        self.approval = approval
        self.question = question
        self.asks_secret = False


class ApprovalUnknownError(McpSshError):
    """Nothing waits under that name: it was answered, is too old, or never was."""

    code = "approval_unknown"
