"""What every transport promises, held against each: memory, the embedded host, sshd by our library and by `ssh`."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.lab.posix_host import PosixHost
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError, SessionLostError
from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.ports import Channel, Connection, Stream
from mcp_ssh.transport.openssh import OpenSshTransport
from mcp_ssh.transport.ssh import SshTransport
from tests.support.hosts import host, settings
from tests.support.memory import MemoryChannel, MemoryConnection
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

MAX_CHANNELS = 3


class Ear:
    """A receiver that remembers what it heard, in order."""

    def __init__(self, *, wants: bool = True) -> None:
        self.wants = wants
        self.channel: Channel | None = None
        self.events: list[str] = []
        self.outputs = {Stream.STDOUT: b"", Stream.STDERR: b""}
        self.exit: tuple[int | None, str | None] | None = None
        self.error: McpSshError | None = None
        self.over = asyncio.Event()

    def opened(self, channel: Channel) -> bool:
        self.channel = channel
        self.events.append("opened")
        return self.wants

    def data(self, chunk: bytes, stream: Stream) -> None:
        if self.events[-1] != "data":
            self.events.append("data")
        self.outputs[stream] += chunk

    def exited(self, code: int | None, signal: str | None) -> None:
        self.events.append("exited")
        self.exit = (code, signal)

    def closed(self, error: McpSshError | None) -> None:
        self.events.append("closed")
        self.error = error
        self.over.set()


def interpret(channel: MemoryChannel) -> None:
    """The few commands of this suite, as a memory host understands them."""
    match channel.command:
        case "echo out; echo err >&2; exit 3":
            channel.out(b"out\n")
            channel.err(b"err\n")
            channel.exits(3)
        case "kill -9 $$":
            channel.exits(signal="KILL")
        case "head -c 300000 /dev/zero":
            channel.out(bytes(300_000))
            channel.exits(0)
        case "cat; echo end":
            channel.out(b"end\n")
            asyncio.get_running_loop().call_soon(channel.exits, 0)


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[Connection]:
    del folder
    connection = MemoryConnection(interpret, max_channels=MAX_CHANNELS)
    yield connection
    await connection.close()


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Connection]:
    async with (
        PosixHost(folder / "lab", max_sessions=MAX_CHANNELS) as lab,
        connected(folder, lab.port, "demo", str(lab.client_key_path)) as connection,
    ):
        yield connection


@asynccontextmanager
async def sshd(folder: Path) -> AsyncIterator[Connection]:
    async with (
        Sshd(folder, max_sessions=MAX_CHANNELS) as server,
        connected(folder, server.port, server.user, str(server.key_path)) as connection,
    ):
        yield connection


@asynccontextmanager
async def connected(folder: Path, port: int, user: str, key: str) -> AsyncIterator[Connection]:
    transport = SshTransport(settings(state_dir=str(folder / "state")))
    where = host(address="127.0.0.1", port=port, user=user, auth=Auth(AuthMethod.KEY, key_path=key))
    connection = await transport.connect(where, ["127.0.0.1"], NoSecrets())
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def openssh(folder: Path) -> AsyncIterator[Connection]:
    async with Sshd(folder, max_sessions=MAX_CHANNELS) as server:
        transport = OpenSshTransport(settings(state_dir=str(folder / "state")), os.environ)
        auth = Auth(AuthMethod.KEY, key_path=str(server.key_path))
        where = host(address="127.0.0.1", port=server.port, user=server.user, auth=auth)
        connection = await transport.connect(where, ["127.0.0.1"], NoSecrets())
        try:
            yield connection
        finally:
            await connection.close()


Way = Callable[[Path], AbstractAsyncContextManager[Connection]]
library = (
    pytest.param(memory, id="memory"),
    pytest.param(embedded, id="embedded", marks=pytest.mark.integration),
    pytest.param(sshd, id="sshd", marks=pytest.mark.integration),
)
every = pytest.mark.parametrize("way", [*library, pytest.param(openssh, id="openssh", marks=pytest.mark.integration)])


async def hear(connection: Connection, command: str) -> Ear:
    ear = Ear()
    await connection.open_exec(command, ear)
    assert ear.channel is not None
    ear.channel.write_eof()
    async with asyncio.timeout(10):
        await ear.over.wait()
    return ear


@every
async def test_outputs_come_apart_and_the_exit_code_before_the_end(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        ear = await hear(connection, "echo out; echo err >&2; exit 3")
    assert ear.outputs == {Stream.STDOUT: b"out\n", Stream.STDERR: b"err\n"}
    assert ear.exit == (3, None)
    assert ear.events[0] == "opened"
    assert ear.events[-1] == "closed"
    assert ear.error is None


@pytest.mark.parametrize("way", library)  # the system's ssh does not tell which signal it was
async def test_a_signal_has_its_name_without_sig(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        ear = await hear(connection, "kill -9 $$")
    assert ear.exit == (None, "KILL")


@every
async def test_no_byte_is_lost(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        ear = await hear(connection, "head -c 300000 /dev/zero")
    assert len(ear.outputs[Stream.STDOUT]) == 300_000


@every
async def test_the_end_of_input_reaches_the_program(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        ear = await hear(connection, "cat; echo end")
    assert ear.outputs[Stream.STDOUT] == b"end\n"


@every
async def test_an_unwanted_channel_is_closed_without_a_request(way: Way, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    async with way(tmp_path) as connection:
        unwanted = Ear(wants=False)
        await connection.open_exec(f"touch {mark}", unwanted)
        for _ in range(MAX_CHANNELS):  # the places are free again
            await hear(connection, "echo out; echo err >&2; exit 3")
    assert unwanted.events == ["opened"]
    assert not mark.exists()


@every
async def test_a_channel_too_many_is_refused_and_nothing_is_sent(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        for _ in range(MAX_CHANNELS):
            await connection.open_exec("sleep 100", Ear())
        ear = Ear()
        with pytest.raises(ChannelRefusedError):
            await connection.open_exec("sleep 100", ear)
        assert ear.events in ([], ["opened"])  # a channel behind a master is wanted before it stands


@every
async def test_a_closed_connection_sends_nothing_more(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        await connection.close()
        assert await connection.wait_closed() is None
        with pytest.raises(SessionLostError) as caught:
            await connection.open_exec("true", Ear())
    assert not caught.value.sent


@every
async def test_closing_the_connection_ends_its_channels(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as connection:
        ear = Ear()
        await connection.open_exec("sleep 100", ear)
        await connection.close()
        async with asyncio.timeout(5):
            await ear.over.wait()
    assert ear.exit is None
