"""A transport whose terminals are recorded."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mcp_ssh.audit.record import Event
from mcp_ssh.audit.scrub import Known
from mcp_ssh.hostfiles import Files
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import Peer
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import AuditSink, Channel, Clock, Connection, Pty, Receiver, Secrets, Stream, Through, Transport
from mcp_ssh.recording.recorder import Recorder, Recording


@asynccontextmanager
async def recorded(
    transport: Transport, settings: Settings, clock: Clock, audit: AuditSink, known_secrets: Known
) -> AsyncIterator[Transport]:
    """The transport, its terminals recorded if the settings want that."""
    if settings.recording_keep_days is None:
        yield transport
        return
    recorder = Recorder(settings.state_dir, clock, known_secrets, settings.recording_keep_days)
    async with recorder.keeping():
        yield RecordingTransport(transport, recorder, audit)


class RecordingTransport:
    """A `Transport`."""

    def __init__(self, transport: Transport, recorder: Recorder, audit: AuditSink) -> None:
        self._transport = transport
        self._recorder = recorder
        self._audit = audit

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """As the transport does."""
        connection = await self._transport.connect(host, addresses, secrets, through)
        return _RecordingConnection(connection, host, self._recorder, self._audit)


class _RecordingConnection:
    """A `Connection`. Only what a terminal shows is recorded: a secret that is typed has no echo."""

    def __init__(self, connection: Connection, host: Host, recorder: Recorder, audit: AuditSink) -> None:
        self._connection = connection
        self._host = host
        self._recorder = recorder
        self._audit = audit

    @property
    def peer(self) -> Peer:
        return self._connection.peer

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        await self._connection.open_exec(command, receiver)

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        recording = self._recorder.begin(self._host, pty)
        self._audit.note(Event.RECORDING.value, {"host": self._host.name, "recording": recording.path.name})
        try:
            await self._connection.open_shell(pty, _Recorded(receiver, recording))
        except BaseException:
            recording.end()
            recording.path.unlink(missing_ok=True)  # nothing was shown
            raise

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        return self._connection.open_files()

    @property
    def bare(self) -> Connection:
        return self._connection.bare

    def watch(self, *, running: bool) -> None:
        self._connection.watch(running=running)

    async def close(self) -> None:
        await self._connection.close()

    async def wait_closed(self) -> McpSshError | None:
        return await self._connection.wait_closed()


class _Recorded:
    """A `Receiver` that hears it all before the one that it is for."""

    def __init__(self, receiver: Receiver, recording: Recording) -> None:
        self._receiver = receiver
        self._recording = recording

    def opened(self, channel: Channel) -> bool:
        return self._receiver.opened(channel)

    def data(self, chunk: bytes, stream: Stream) -> None:
        self._recording.output(chunk)
        self._receiver.data(chunk, stream)

    def exited(self, code: int | None, signal: str | None) -> None:
        self._receiver.exited(code, signal)

    def closed(self, error: McpSshError | None) -> None:
        self._recording.end()
        self._receiver.closed(error)
