"""The Protocols between the floors. Nobody on floor 3 knows a neighbour; app.py hands each what it needs."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.command import Command, Speech
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import CommandResult, Peer
from mcp_ssh.model.secret import Secret


class Clock(Protocol):
    """Time, so that two hours pass in a test at once."""

    def now(self) -> float:
        """Monotonic seconds: for deadlines and idle times."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, UTC: for records."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        ...


class Secrets(Protocol):
    """Where secrets come from. Asked late: when a connection is opened, not when a file is read."""

    def get(self, name: str) -> Secret:
        """The secret of that name. Raises `SecretMissingError` with the line that sets it."""
        ...


class Resolver(Protocol):
    """Names to addresses; bounded and cached. Sends no packet to the host itself."""

    async def resolve(self, name: str, port: int) -> Sequence[str]:
        """All addresses, in the order to try. An IP address resolves to itself. Raises `ResolveError`."""
        ...


class AuditSink(Protocol):
    """The audit log."""

    async def append(self, event: str, fields: Mapping[str, object]) -> None:
        """Return when the record is written, on the disk where it must be. Raises `AuditUnavailableError`.

        Then nothing may run.
        """
        ...

    def note(self, event: str, fields: Mapping[str, object]) -> None:
        """Write a record in its turn, without waiting and without raising."""
        ...


@dataclass(frozen=True, slots=True)
class Pty:
    """The pseudo-terminal that is asked for (RFC 4254 6.2); sizes in characters."""

    term: str
    width: int
    height: int


class Stream(StrEnum):
    """The two outputs of an exec channel."""

    STDOUT = "stdout"
    STDERR = "stderr"


class Receiver(Protocol):
    """Hears one channel, on the event loop, in order: opened, data…, exited, closed. It must not block."""

    def opened(self, channel: "Channel") -> bool:
        """The channel stands. On True the request leaves at once: it counts as sent. On False nothing is sent."""
        ...

    def data(self, chunk: bytes, stream: Stream) -> None:
        """Some output."""
        ...

    def exited(self, code: int | None, signal: str | None) -> None:
        """The program ended with an exit code or by a signal (a name without SIG)."""
        ...

    def closed(self, error: McpSshError | None) -> None:
        """Nothing more will come. `error` is set if the connection ended under the channel."""
        ...


class Channel(Protocol):
    """One stream of a connection (RFC 4254). None of these calls raises when the channel is already closed."""

    def write(self, data: bytes) -> None:
        """Send to the program's input."""
        ...

    def write_eof(self) -> None:
        """End the program's input."""
        ...

    def signal(self, name: str) -> None:
        """Ask the server to signal the program's process group (RFC 4254 6.9). Servers may ignore it."""
        ...

    def close(self) -> None:
        """Close the channel. The program on the host is not ended by that."""
        ...


class Connection(Protocol):
    """One authenticated connection; whoever opened it closes it."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        ...

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        """Return when the channel of the command stands and the request has left.

        Raises `ChannelRefusedError` or `SessionLostError`: nothing was sent. If the caller is cancelled meanwhile and
        the host answers late, `receiver.opened` still decides. That the host takes no command at all is told by
        `receiver.closed` with `NeedsPtyError`.
        """
        ...

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        """Start the login's shell in a pseudo-terminal. Returns and raises as `open_exec` does."""
        ...

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        """The host's files, for as long as the context is.

        Raises `NoFilesError` where there are none to be had, `ChannelRefusedError` or `SessionLostError`: nothing was
        sent.
        """
        ...

    @property
    def bare(self) -> "Connection":
        """The connection itself, without whatever listens in: what another one goes through."""
        ...

    def watch(self, *, running: bool) -> None:
        """Probe the link for a running command (silence is told within 5 s) or at the idle interval."""
        ...

    async def close(self) -> None:
        """Close at once; never raises, never waits longer than a second."""
        ...

    async def wait_closed(self) -> McpSshError | None:
        """Return when the connection has ended, with the reason if it was not closed by us."""
        ...


@dataclass(frozen=True, slots=True)
class Through:
    """The open connection to a jump host, lent by whoever holds it until the one through it has ended.

    `since` is when the way began, in seconds of the event loop: the connect timeout is that of the whole way.
    """

    connection: Connection
    since: float


class Transport(Protocol):
    """Carries bytes to a host."""

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """Open a connection to exactly one of the addresses, tried in order, within the connect timeout.

        `secrets` are those of whoever wants it: what the host's login needs is asked from them. A host with a jump host
        is dialled `through` that and never directly.

        Raises `ConnectionFailedError` or one of its children, `SecretMissingError`, `KeyFileError`; `SessionLostError`
        where the jump host went meanwhile, so that another try may find it again.
        """
        ...


class Output(Protocol):
    """Hears all that a command puts out, on the event loop, as it comes. It must not block and must not raise."""

    def feed(self, chunk: bytes, stream: Stream) -> None:
        """Some output."""
        ...


class Driver(Protocol):
    """Knows how to talk to one kind of host over one connection; several commands may run at once."""

    @property
    def platform(self) -> str:
        """What kind of device it takes the host for; empty for POSIX hosts."""
        ...

    @property
    def is_experimental(self) -> bool:
        """Whether its facts come from papers alone: nobody has seen it work on that kind of device."""
        ...

    @property
    def login_shell(self) -> str:
        """What exec requests meet on the host, such as `bash`; empty where that is not known, or is no matter."""
        ...

    @property
    def sent_by(self) -> str:
        """How commands get to a POSIX host, and why not faster; empty where that is not known, or is no matter."""
        ...

    def changed(self) -> None:
        """Something else than a command may change the host, or wants a channel: what stands ready is let go."""
        ...

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command; `command.timeout_s` counts from the call.

        Returns TIMED_OUT with what came so far. A cancellation is answered, not raised: the command is ended on the
        host and CANCELLED is returned, so that the record of it can be written; call it in a task of its own.
        Raises `SessionLostError` with `sent` false if it never left, `DeadlineExceededError` if its turn did not
        come in time.
        """
        ...


class ShellDriver(Driver, Protocol):
    """One stateful shell: what a command changes is there for the next. One command at a time.

    `run` goes to `command.mode` first and back after it. It returns WAITING_INPUT with the question where a program
    asks, and leaves it to `say`; at the deadline what runs is interrupted. A shell that cannot be trusted any more
    raises `SessionLostError` (not sent) from then on: its maker opens another.
    """

    @property
    def mode(self) -> str:
        """Where a device's command line is, such as `config`; empty where there are no modes."""
        ...

    @property
    def directory(self) -> str:
        """The working directory, where it is known."""
        ...

    @property
    def question(self) -> str | None:
        """What is asked now, if a program waits for an answer."""
        ...

    @property
    def asks_secret(self) -> bool:
        """Whether what is asked now is a secret."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether a command can be sent."""
        ...

    @property
    def is_usable(self) -> bool:
        """Whether anything can be sent: a command, or words to what runs or asks."""
        ...

    async def open(self, timeout_s: float, directory: str = "") -> None:
        """Wait for the first prompt and make ready, in that directory if one is given. Opening twice does nothing.

        Raises `SessionLostError` with what the host showed.
        """
        ...

    def answers(self, text: str) -> bool:
        """Whether the profile lists this text as an answer to the question that is asked now."""
        ...

    async def say(self, speech: Speech, command: Command, output: Output | None = None) -> CommandResult:
        """Answer what asks and wait for what comes of it, as `run` does. The limits are those of `command`."""
        ...

    def type(self, speech: Speech) -> None:
        """Say something to a program that runs; whoever waits for its command goes on waiting."""
        ...
