"""Errors of logins that take more than a key or a secret: certificates, and a person who is asked."""

from mcp_ssh.model.errors import AuthenticationError
from mcp_ssh.model.question import Question


class NothingToOfferError(AuthenticationError):
    """There is nothing to log in with: no agent, no key in it, none that can be used. The host was not spoken to."""

    dialled = False


class CertificateError(AuthenticationError):
    """A user certificate cannot be used: its time, its key, its kind. The host was not spoken to."""

    code = "certificate_invalid"
    dialled = False


class NeedsLoginError(AuthenticationError):
    """The host asks for more than its secret, such as a one-time code, and nobody was asked. Nothing was answered."""

    code = "needs_login"


class LoginQuestionError(NeedsLoginError):
    """The host waits for a person's answer. `login` is the name of what waits, `question` what it asks."""

    def __init__(self, message: str, *, host: str, login: str, question: Question, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.host = host
        self.login = login
        self.question = question


class LoginDeclinedError(AuthenticationError):
    """The person who was asked for what the host wants said no. Nothing was answered."""

    code = "login_declined"
    dialled = False


class LoginUnansweredError(AuthenticationError):
    """Nobody answered what the host asks in time, or the answer was for a login that is over. Nothing was answered."""

    code = "login_unanswered"
    dialled = False
