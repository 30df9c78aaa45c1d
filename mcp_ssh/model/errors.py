"""One tree of errors, each with a stable code, an advice, and whether anything ran.

A message is a fact in lower case without a full stop. `hint` is the next step. `sent` says whether the command was
on the wire: only where it is false may anybody repeat a command.
"""

from typing import ClassVar, Self


class McpSshError(Exception):
    """The root. `code` is stable and documented in docs/errors.md; `retryable` is about the very same call.

    `is_recorded`: the audit log tells of it already. `unsent` and `maybe_sent` say in words what `sent` says.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    unsent: ClassVar[str] = "nothing was sent"
    maybe_sent: ClassVar[str] = "the command may have run"

    def __init__(self, message: str, *, hint: str = "", sent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.sent = sent
        self.is_recorded = False

    def on_the_way(self, host: str, hop: str) -> Self:
        """The same, told to somebody who wants to go on from there: to a host that is reached through a hop."""
        return type(self)(f"{host} is reached through {hop}: {self.message}", hint=self.hint, sent=self.sent)


class InvalidArgumentError(McpSshError):
    """What the caller gave does not fit: unknown argument, wrong type, over a limit."""

    code = "invalid_argument"


class UnknownHostError(McpSshError):
    """No host of this name is configured. No resolver was asked."""

    code = "unknown_host"


class HostDisabledError(McpSshError):
    """The host stands in the file with `enabled: false`."""

    code = "host_disabled"


class NeedsPtyError(McpSshError):
    """The host has no exec channel: its command line lives in a terminal."""

    code = "needs_pty"


class NotAtPromptError(McpSshError):
    """A device was not ready for the command, or did not show it as it was typed. Nothing ran."""

    code = "not_at_prompt"
    retryable = True


class NothingAsksError(McpSshError):
    """Nothing is there to be spoken to: no program runs or asks. Nothing was sent."""

    code = "nothing_asks"


class EnableFailedError(McpSshError):
    """A device did not let us into its privileged mode. The command was not sent."""

    code = "enable_failed"


class UnsupportedHostError(McpSshError):
    """The host turned out to be of a kind that is not supported, such as Windows."""

    code = "unsupported_host"


class NeedsPosixError(McpSshError):
    """The host is a device with a command line of its own, and what was asked is for POSIX hosts."""

    code = "needs_posix"


class NeedsRootError(McpSshError):
    """What was asked takes root, and the login is not root and has no sudo. It was not tried."""

    code = "needs_root"


class WouldRemoveError(McpSshError):
    """Installing would remove other packages. Nothing was installed."""

    code = "would_remove"


class UnknownSessionError(McpSshError):
    """There is no open session that the caller could mean."""

    code = "unknown_session"


class AuditUnavailableError(McpSshError):
    """A record could not be made durable. `sent` is true where the command had run before that was known."""

    code = "audit_unavailable"


class RecordingError(McpSshError):
    """A terminal that is to be recorded cannot be. It was not opened."""

    code = "recording_unavailable"


class SecretMissingError(McpSshError):
    """A secret that the file names is nowhere."""

    code = "secret_missing"


class SecretUnavailableError(SecretMissingError):
    """A secret is not taken from where it is: a file in the wrong hands, a program that did not tell it."""

    code = "secret_unavailable"


class KeyFileError(McpSshError):
    """A private key cannot be read or decrypted."""

    code = "key_unreadable"


class DeadlineExceededError(McpSshError):
    """The call's time was over before the command was sent."""

    code = "deadline_exceeded"
    retryable = True


class SessionLimitError(McpSshError):
    """Every session that may be open is open and busy."""

    code = "too_many_sessions"
    retryable = True


class TaskLimitError(McpSshError):
    """The principal has as many commands running as one may have."""

    code = "too_many_tasks"
    retryable = True


class InternalError(McpSshError):
    """A fault of mcp-ssh itself; what it was about may have happened."""

    code = "internal_error"


class ConnectionFailedError(McpSshError):
    """No TCP connection, or one that closed before SSH was spoken. Also the parent of what fails on the way in."""

    code = "connect_failed"
    retryable = True
    dialled: bool = True  # where not, it says nothing of the host itself


class ResolveError(ConnectionFailedError):
    """The host's name has no address."""

    code = "resolve_failed"
    dialled = False


class ConnectTimeoutError(ConnectionFailedError):
    """Nothing answered in time."""

    code = "connect_timeout"


class HandshakeError(ConnectionFailedError):
    """Both sides spoke and found nothing in common: versions, key exchange, ciphers."""

    code = "handshake_failed"
    retryable = False


class HostKeyUnknownError(ConnectionFailedError):
    """Under `strict`, the host's key stands in no known_hosts file."""

    code = "host_key_unknown"
    retryable = False


class HostKeyChangedError(ConnectionFailedError):
    """The host showed another key than the one that is known for it, or a revoked one."""

    code = "host_key_changed"
    retryable = False


class AuthenticationError(ConnectionFailedError):
    """The host took none of our credentials."""

    code = "auth_failed"
    retryable = False


class JumpFailedError(ConnectionFailedError):
    """A jump host let us in and does not forward to the host behind it."""

    code = "jump_failed"
    retryable = False


class SessionLostError(McpSshError):
    """The connection ended. Where `sent` is true the outcome of the command is unknown."""

    code = "session_lost"
    retryable = True


class LinkSilentError(SessionLostError):
    """The connection is open and nobody answers on it."""

    code = "link_silent"


class PermissionMissingError(McpSshError):
    """The principal may not do this at all, whatever the command is."""

    code = "permission_missing"


class RateLimitedError(McpSshError):
    """The principal has called too often; the hint says when there is room again."""

    code = "rate_limited"
    retryable = True


class StateChangedError(McpSshError):
    """A shell is not where the judgement of a command took it to be. Nothing was sent."""

    code = "state_changed"
    retryable = True


class ChannelRefusedError(McpSshError):
    """The host opens no further channel on this connection (MaxSessions). Nothing was sent."""

    code = "channel_refused"
    retryable = True
