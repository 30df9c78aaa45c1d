"""One authenticated connection and its channels, as events for their receivers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TypeVar

import asyncssh
from asyncssh.constants import OPEN_CONNECT_FAILED

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError, NeedsPtyError, SessionLostError
from mcp_ssh.model.result import Peer
from mcp_ssh.ports import Connection, Pty, Receiver, Stream
from mcp_ssh.transport.filechannel import FileChannel
from mcp_ssh.transport.ground import Ground, Network, Why

# The silence of a running command is probed after two seconds and told after two more.
running_probe_s, running_probes = 2.0, 1
idle_probes = 2
calm_after_s = 2.0
"""How long a link is still probed closely after the last command: to change that takes longer than a probe."""
suspect_s = 5.0
close_wait_s = 1.0
place_tries, place_pause_s = 20, 0.05

T = TypeVar("T")
Ended = asyncio.Future[Exception | None]
Behind = tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]
"""A channel to somebody behind a host, with its session."""


class _Session(asyncssh.SSHClientSession[bytes]):
    """Hands one channel's events to its receiver."""

    def __init__(self, receiver: Receiver, why: Why) -> None:
        self._receiver = receiver
        self._why = why
        self._wanted = False
        self.stands, self.decided = asyncio.Event(), asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._wanted = self._receiver.opened(SshChannel(chan))
        if not self._wanted:
            chan.abort()
            raise _UnwantedError  # before asyncssh sends the request
        self.stands.set()
        self.decided.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._receiver.data(data, Stream.STDERR if datatype == asyncssh.EXTENDED_DATA_STDERR else Stream.STDOUT)

    def exit_status_received(self, status: int) -> None:
        self._receiver.exited(status, None)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        del core_dumped, msg, lang
        self._receiver.exited(None, signal)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._wanted:
            self._receiver.closed(None if exc is None else self._why(exc))

    def request_refused(self) -> None:
        """The host opened a channel and took no command on it."""
        self._receiver.closed(
            NeedsPtyError(
                "the host refused to run a command outside a terminal; nothing ran",
                hint="if it is a network device, write `shell: cli` under this host",
            )
        )


class _UnwantedError(Exception):
    """Nobody wants the channel that was just opened."""


class SshChannel:
    """A `Channel` on asyncssh."""

    def __init__(self, channel: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = channel

    def write(self, data: bytes) -> None:
        """Send to the program's input; what cannot be sent at once is kept by asyncssh."""
        with contextlib.suppress(OSError):
            self._channel.write(data)

    def write_eof(self) -> None:
        """End the program's input."""
        with contextlib.suppress(OSError):
            self._channel.write_eof()

    def signal(self, name: str) -> None:
        """Signal the process group. OpenSSH before 7.9 ignores it, and so does any server under ForceCommand."""
        with contextlib.suppress(OSError):
            self._channel.send_signal(name)

    def close(self) -> None:
        """Close at once, without waiting for what is still to be written."""
        self._channel.abort()


class SshConnection:
    """A `Connection` on asyncssh. `ended` is resolved by whoever hears asyncssh's `connection_lost`."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        ended: Ended,
        peer: Peer,
        idle_s: float,
        ground: Ground | None = None,
    ) -> None:
        self._connection = connection
        self._ended = ended
        self._idle_s = idle_s
        self._ground = ground or Network()
        self._closing = False
        self._is_watched = False
        self._leaning = 0
        self._is_probed = False
        self._calm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._files = FileChannel(connection, ended, self, self._spawn, self._ground.why)
        self._files_lent = 0
        self.peer = peer
        self._connection.set_keepalive(self._idle_s, idle_probes)
        ended.add_done_callback(self._leave)

    @property
    def bare(self) -> Connection:
        """Itself."""
        return self

    @property
    def has_ended(self) -> bool:
        """Whether it is over."""
        return self._ended.done()

    def reason(self) -> SessionLostError:
        """Why it is over; only where it is."""
        if self._closing:
            return SessionLostError("its session was closed", hint="the next call opens a new one")
        return self._ground.why(self._ended.result())

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        """Return when the channel of the command stands and the request has left."""
        session = _Session(receiver, self._ground.why)
        await self._stand(
            session,
            lambda: self._connection.create_session(lambda: session, command, encoding=None, request_pty=False),
        )

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        """Return when the channel of the shell stands and the request has left."""
        session = _Session(receiver, self._ground.why)
        size = (pty.width, pty.height)
        await self._stand(
            session,
            lambda: self._connection.create_session(
                lambda: session, encoding=None, request_pty="force", term_type=pty.term, term_size=size
            ),
        )

    @contextlib.asynccontextmanager
    async def open_files(self) -> AsyncIterator[Files]:
        """By the one SFTP channel of the connection; a host without one is asked by its shell."""
        self._files_lent += 1
        self._probe()
        try:
            yield await self._files.opened()
        finally:
            self._files_lent -= 1
            self._probe()

    async def _stand(self, session: "_Session", request: Callable[[], Awaitable[object]]) -> None:
        if self._closing or self.has_ended:
            raise self.reason()
        opening = self._spawn(self._open(session, request))
        opening.add_done_callback(lambda _: session.decided.set())
        await session.decided.wait()
        if opening.done() and (error := opening.result()) is not None and not session.stands.is_set():
            raise error

    async def _open(self, session: "_Session", request: Callable[[], Awaitable[object]]) -> McpSshError | None:
        """Open a channel and send the request; an error from before it stood is returned, a later one is told."""
        error = await self._tried(session, request)
        if isinstance(error, ChannelRefusedError) and self._files_lent == 0 and await self._files.gave_way():
            for _ in range(place_tries):  # the host counts a session until it has buried its program
                error = await self._tried(session, request)
                if not isinstance(error, ChannelRefusedError):
                    break
                await asyncio.sleep(place_pause_s)
        return error

    async def _tried(self, session: "_Session", request: Callable[[], Awaitable[object]]) -> McpSshError | None:
        try:
            await request()
        except _UnwantedError:
            return None
        except asyncssh.ChannelOpenError as error:
            if session.stands.is_set():
                session.request_refused()
            if self._ended.done():  # the refusal is only the connection going down
                return self.reason()
            return ChannelRefusedError(f"the host opened no channel ({error})".rstrip("."))
        except (asyncssh.Error, OSError) as error:
            return self._ground.why(error)
        return None

    def _spawn(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        # A channel that is being opened must not be forgotten half way when its caller is cancelled: the host would
        # keep it. So the opening runs to its end here, owned by the connection.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def watch(self, *, running: bool) -> None:
        """Set how soon a silent link is probed."""
        self._is_watched = running
        self._probe()

    def lean(self, change: int) -> None:
        """One more, or one less, connection through this one is probed closely: so is this one, to tell them apart."""
        self._leaning += change
        self._probe()

    def _probe(self) -> None:
        closely = bool(self._is_watched or self._files_lent or self._leaning)
        if closely is self._is_probed or self.has_ended:
            return
        if not closely and self._calm is None:  # the next command is likely to come soon
            self._calm = asyncio.get_running_loop().call_later(calm_after_s, self._calmed)
        elif closely:
            self._is_probed = True
            self._connection.set_keepalive(running_probe_s, running_probes)
            self._ground.lean(+1)

    def _calmed(self) -> None:
        self._calm = None
        if self._is_watched or self._files_lent or self._leaning or not self._is_probed or self.has_ended:
            return
        self._is_probed = False
        self._connection.set_keepalive(self._idle_s, idle_probes)
        self._ground.lean(-1)

    def _leave(self, ended: Ended) -> None:
        """What this connection rests on may be what fell silent: it is probed closely until that is known."""
        if self._calm is not None:
            self._calm.cancel()
        if self._is_probed:
            ended.get_loop().call_later(suspect_s, self._ground.lean, -1)

    async def reach(
        self, session_factory: Callable[[], asyncssh.SSHTCPSession[bytes]], address: str, port: int
    ) -> Behind:
        """A channel to somebody behind the host. Raises `asyncssh.ChannelOpenError`.

        One that stands after its caller has left is closed again.
        """
        opening = self._spawn(self._connection.create_connection(session_factory, address, port))
        try:
            await asyncio.wait({opening})
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        if opening.cancelled():
            raise asyncssh.ChannelOpenError(OPEN_CONNECT_FAILED, "the connection is closed")
        return opening.result()

    async def close(self) -> None:
        """Say goodbye, and cut the line if that takes longer than a second."""
        self._closing = True
        self._connection.close()
        try:
            async with asyncio.timeout(close_wait_s):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> McpSshError | None:
        """Return when the connection has ended."""
        error = await asyncio.shield(self._ended)
        return None if self._closing else self._ground.why(error)


def _close_late(opening: asyncio.Task[Behind]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()
