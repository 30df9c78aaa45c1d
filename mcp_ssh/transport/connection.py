"""One authenticated connection and its channels, as events for their receivers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TypeVar

import asyncssh

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError, NeedsPtyError
from mcp_ssh.model.result import Peer
from mcp_ssh.ports import Pty, Receiver, Stream
from mcp_ssh.transport import failure
from mcp_ssh.transport.filechannel import FileChannel

# The silence of a running command is probed after two seconds and told after two more.
running_probe_s, running_probes = 2.0, 1
idle_probes = 2
close_wait_s = 1.0
place_tries, place_pause_s = 20, 0.05

T = TypeVar("T")
Ended = asyncio.Future[Exception | None]


class _Session(asyncssh.SSHClientSession[bytes]):
    """Hands one channel's events to its receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._wanted = False
        self.stands = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._wanted = self._receiver.opened(SshChannel(chan))
        if not self._wanted:
            chan.abort()
            raise _UnwantedError  # before asyncssh sends the request
        self.stands.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._receiver.data(data, Stream.STDERR if datatype == asyncssh.EXTENDED_DATA_STDERR else Stream.STDOUT)

    def exit_status_received(self, status: int) -> None:
        self._receiver.exited(status, None)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        del core_dumped, msg, lang
        self._receiver.exited(None, signal)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._wanted:
            self._receiver.closed(None if exc is None else failure.while_open(exc))

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

    def __init__(self, connection: asyncssh.SSHClientConnection, ended: Ended, peer: Peer, idle_s: float) -> None:
        self._connection = connection
        self._ended = ended
        self._idle_s = idle_s
        self._closing = False
        self._is_watched = False
        self._tasks: set[asyncio.Task[object]] = set()
        self._files = FileChannel(connection, ended, self, self._spawn)
        self._files_lent = 0
        self.peer = peer
        self.watch(running=False)

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        """Return when the channel of the command stands and the request has left."""
        session = _Session(receiver)
        await self._stand(
            session,
            lambda: self._connection.create_session(lambda: session, command, encoding=None, request_pty=False),
        )

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        """Return when the channel of the shell stands and the request has left."""
        session = _Session(receiver)
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
        opening = self._spawn(self._open(session, request))
        standing = self._spawn(session.stands.wait())
        try:
            await asyncio.wait({opening, standing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            standing.cancel()
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
                return failure.while_open(self._ended.result())
            return ChannelRefusedError(f"the host opened no channel ({error})".rstrip("."))
        except (asyncssh.Error, OSError) as error:
            return failure.while_open(error)
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

    def _probe(self) -> None:
        if self._is_watched or self._files_lent:
            self._connection.set_keepalive(running_probe_s, running_probes)
        else:
            self._connection.set_keepalive(self._idle_s, idle_probes)

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
        return None if self._closing else failure.while_open(error)
