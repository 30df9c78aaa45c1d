"""What came back. A non-zero exit code, a signal and a truncated output are results, not errors."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.errors import McpSshError


@dataclass(frozen=True, slots=True)
class Captured:
    """The head and the tail of one output stream, and how many bytes between them were dropped.

    `sha256` (hex) is over all bytes that the host sent, dropped ones included; `received` is how many these were, where
    secrets were taken out of them.
    """

    head: bytes = b""
    tail: bytes = b""
    omitted: int = 0
    sha256: str = ""
    received: int | None = None

    @property
    def sent(self) -> int:
        """Bytes that the host sent, those included that stand here in another form."""
        return self.total if self.received is None else self.received

    @property
    def total(self) -> int:
        """Bytes that are here, with those that were dropped."""
        return len(self.head) + self.omitted + len(self.tail)


inline_chars = 30_000
inline_stderr_chars = 10_000
"""How much of an output an answer shows; of stderr at most a third of it."""


class Outcome(StrEnum):
    """How a command ended. `UNKNOWN` is said whenever it is true: the link went while the command ran."""

    RUNNING = "running"
    COMPLETED = "completed"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"
    """It asked something that a stateless command cannot answer, or somebody interrupted it."""
    WAITING_INPUT = "waiting_input"
    """It asked something and waits for the answer."""


class Ended(StrEnum):
    """Whether what a command had started on the host is gone.

    `CERTAIN`: its process session was searched and nothing of it is left. `SURVIVED`: some processes would not end,
    such as those of another user. `SIGNALLED`: the program was told to end and did, and nobody could look at the rest.
    `UNKNOWN`: the host could not be reached, or did not do what it was told.
    """

    CERTAIN = "certain"
    SURVIVED = "survived"
    SIGNALLED = "signalled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of one command.

    `exit_code` is set for COMPLETED (None where the host told none), `signal` (a name without SIG, such as `KILL`) for
    SIGNALLED, `ended` where the command did not end by itself, `lost` (why) for UNKNOWN. `left_running`: the program
    ended, and a background process of it still holds the outputs; it was left alone.

    Of a terminal: `question` is what was asked, for INTERRUPTED and WAITING_INPUT, and `asks_secret` whether the
    answer is one; `device_error` is the device's own line such as `% Invalid input`; `unsolicited` are lines that came
    while no command ran, such as syslog; `mode` and `directory` are where the shell is now; `has_ended` says that the
    command ended the shell, `renewed` that this one took the place of one that was lost; `remark` is
    what else a person should know. `scrubbed` counts known secrets that were taken out of the outputs.
    """

    outcome: Outcome
    stdout: Captured
    stderr: Captured
    duration_s: float
    exit_code: int | None = None
    signal: str | None = None
    ended: Ended | None = None
    left_running: bool = False
    lost: McpSshError | None = None
    question: str | None = None
    device_error: str | None = None
    unsolicited: tuple[str, ...] = ()
    asks_secret: bool = False
    mode: str = ""
    directory: str = ""
    has_ended: bool = False
    renewed: bool = False
    remark: str = ""
    scrubbed: int = 0


def fits_inline(result: CommandResult) -> bool:
    """Whether an answer surely shows all of it."""
    stderr = result.stderr.total
    return stderr <= inline_stderr_chars and result.stdout.total + stderr <= inline_chars


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a host showed. `newly_pinned` is true for the connection that pinned it."""

    algorithm: str
    fingerprint: str
    newly_pinned: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection. `host_key` is None only where checking is off."""

    address: str
    port: int
    user: str
    version: str
    host_key: HostKey | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session as `ssh_list_sessions` shows it. `idle_s` is 0 while a command runs.

    `shell` is the handle of the shell that it carries, empty for the one that all stateless commands share.
    `platform` is what its driver takes the host for, `login_shell` what its commands meet there and `sent_by`
    how they get there, where that is known.
    """

    id: str
    host: str
    peer: Peer
    age_s: float
    idle_s: float
    running: int
    commands: int
    closes_in_s: float | None
    shell: str = ""
    platform: str = ""
    login_shell: str = ""
    sent_by: str = ""
