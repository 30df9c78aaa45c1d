"""A transport without a network: hosts are functions, and every line of the conversation is kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError, SessionLostError
from mcp_ssh.model.fileerrors import NoFilesError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import HostKey, Peer
from mcp_ssh.ports import Connection, Pty, Receiver, Secrets, Stream, Through


@dataclass(eq=False)
class MemoryChannel:
    """One command on a memory host. The script writes; the driver closes and signals."""

    connection: "MemoryConnection"
    command: str
    receiver: Receiver
    signals: list[str] = field(default_factory=list)
    is_closed: bool = False
    has_eof: bool = False
    written: bytearray = field(default_factory=bytearray)
    typed: Callable[[bytes], None] | None = None
    typed_lines: int = 0

    def write(self, data: bytes) -> None:
        self.written += data
        if self.typed is not None:
            self.typed_lines += 1
            self.typed(data)
        if self.connection.typed is not None:
            self.connection.typed(self, data)

    def write_eof(self) -> None:
        self.has_eof = True

    def signal(self, name: str) -> None:
        self.signals.append(name)
        if name in self.connection.dies_of:
            self.exits(signal=name)

    def close(self) -> None:
        self.ends()

    def out(self, data: bytes) -> None:
        self.receiver.data(data, Stream.STDOUT)

    def err(self, data: bytes) -> None:
        self.receiver.data(data, Stream.STDERR)

    def exits(self, code: int | None = None, signal: str | None = None) -> None:
        self.receiver.exited(code, signal)
        self.ends()

    def ends(self, error: McpSshError | None = None) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.connection.channels.remove(self)
            self.receiver.closed(error)


Script = Callable[[MemoryChannel], None]


def answers(text: bytes = b"", code: int = 0) -> Script:
    """A host that answers every command alike."""

    def script(channel: MemoryChannel) -> None:
        channel.out(text)
        channel.exits(code)

    return script


def hangs(channel: MemoryChannel) -> None:
    """A command that never ends by itself."""
    del channel


def is_ready_request(command: str) -> bool:
    """Whether the request starts a shell that takes its command later."""
    return command.startswith("mcp_u=")


def shell_script(commands: Script, *, pid: int | None = 4242, left: int | None = 0) -> Script:
    """A POSIX host: it answers the probe, announces process ids, and ends what it is told to end."""

    def script(channel: MemoryChannel) -> None:
        if channel.command.startswith("read -r boot"):
            channel.out(b"mcp-ssh bash 12ab-34\n")
            channel.exits(0)
        elif "mcp-ssh left" in channel.command:
            for other in [each for each in channel.connection.channels if each is not channel]:
                if left is not None:
                    other.exits(signal="TERM")
            channel.out(b"mcp-ssh left %d\n" % left if left is not None else b"")
            channel.exits(0)
        elif is_ready_request(channel.command):
            _stand_ready(channel, commands, pid)
        else:
            if pid is not None and channel.command.startswith("echo "):
                token = channel.command.split()[1]
                channel.err(f"{token} {pid}\n".encode())
            commands(channel)

    return script


def _stand_ready(channel: MemoryChannel, commands: Script, pid: int | None) -> None:
    """What the shell does with the lines it reads: it shows what the first one holds, and runs the second."""
    token = channel.command.rsplit("echo ", 1)[1].split()[0].encode()

    def typed(data: bytes) -> None:
        held = text_of_line(data)
        if channel.typed_lines == 1:
            channel.err(b"%b %d %b%b\n" % (token, pid or 0, held, token))
        elif channel.typed_lines == 2:
            channel.command = held.decode()
            if pid is not None:
                channel.err(b"%b %d\n" % (token, pid))
            commands(channel)

    channel.typed = typed


def text_of_line(line: bytes) -> bytes:
    """What a shell reads from a line of two lengths, a program, and quoted words that stand together."""
    quoted = line.rstrip(b"\n").split(b" ", 3)[3].replace(b"'\"$mcp_n\"'", b"\n")
    assert quoted.startswith(b"'"), quoted
    assert quoted.endswith(b"'"), quoted
    return quoted[1:-1].replace(b"'\\''", b"'")


MEMORY_PEER = Peer("192.0.2.1", 22, "admin", "SSH-2.0-memory", HostKey("ssh-ed25519", "SHA256:memory"))


@dataclass(eq=False)
class MemoryConnection:
    """A `Connection` whose host is a script."""

    script: Script
    max_channels: int | None = None
    opens: bool = True
    dies_of: tuple[str, ...] = ("TERM", "KILL")
    typed: Callable[[MemoryChannel, bytes], None] | None = None
    peer: Peer = MEMORY_PEER
    channels: list[MemoryChannel] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    watches: list[bool] = field(default_factory=list)
    most_channels: int = 0
    is_closed: bool = False
    files: Files | None = None
    ready: bool = False
    """Whether there is a channel for a shell that stands ready; scripts then hear its command as any other."""

    def __post_init__(self) -> None:
        self._ended: asyncio.Future[McpSshError | None] = asyncio.get_running_loop().create_future()

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        await asyncio.sleep(0)
        if self._ended.done():
            raise self._ended.result() or SessionLostError("closed")
        if not self.opens:
            await asyncio.Event().wait()
        if is_ready_request(command) and not self.ready:
            raise ChannelRefusedError("no more sessions")
        if self.max_channels is not None and len(self.channels) >= self.max_channels:
            raise ChannelRefusedError("no more sessions")
        channel = MemoryChannel(self, command, receiver)
        if not receiver.opened(channel):
            return
        self.channels.append(channel)
        self.most_channels = max(self.most_channels, len(self.channels))
        self.commands.append(command)
        self.script(channel)

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        await self.open_exec(f"shell {pty.term} {pty.width}x{pty.height}", receiver)

    @asynccontextmanager
    async def open_files(self) -> AsyncIterator[Files]:
        await asyncio.sleep(0)
        if self._ended.done():
            raise self._ended.result() or SessionLostError("closed")
        if self.files is None:
            raise NoFilesError("the host has neither SFTP nor a POSIX shell")
        yield self.files

    @property
    def bare(self) -> Connection:
        return self

    def watch(self, *, running: bool) -> None:
        self.watches.append(running)

    async def close(self) -> None:
        self.is_closed = True
        self.breaks(None)

    async def wait_closed(self) -> McpSshError | None:
        return await asyncio.shield(self._ended)

    def breaks(self, error: McpSshError | None) -> None:
        """The line goes."""
        if not self._ended.done():
            self._ended.set_result(error)
            for channel in tuple(self.channels):
                channel.ends(error)


@dataclass(eq=False)
class MemoryTransport:
    """A `Transport` to scripted hosts. `gate` holds openings back until it is set; `raw` answers the probe as well."""

    script: Script = field(default_factory=answers)
    error: McpSshError | None = None
    gate: asyncio.Event | None = None
    raw: Script | None = None
    connections: list[MemoryConnection] = field(default_factory=list)
    attempts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    files: Files | None = None

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        del secrets
        self.attempts.append((host.name, tuple(addresses)))
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        connection = MemoryConnection(self.raw or shell_script(self.script), files=self.files)
        self.connections.append(connection)
        return connection
