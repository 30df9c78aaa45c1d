"""Hosts behind a program of this machine: telnet, a serial console, whatever shows a command line."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.environ import plain
from mcp_ssh.model.errors import ConnectionFailedError, McpSshError, NeedsPtyError, SessionLostError
from mcp_ssh.model.fileerrors import NoFilesError
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import Peer
from mcp_ssh.ports import Connection, Pty, Receiver, Secrets, Through
from mcp_ssh.transport.terminals import TerminalChannel


class CommandTransport:
    """A `Transport` by a program with a terminal. It dials by itself: no address is judged, and none is checked."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = plain(environ)

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """Nothing is started before somebody wants a terminal."""
        del addresses, secrets, through
        return _Console(host, self._environ)


class _Console:
    """A `Connection` whose terminals are each a program of its own."""

    def __init__(self, host: Host, environ: Mapping[str, str]) -> None:
        self._host = host
        self._environ = environ
        self._channels: set[TerminalChannel] = set()
        self._closed = asyncio.Event()

    @property
    def peer(self) -> Peer:
        return Peer(" ".join(self._host.command)[:200], 0, self._host.user, "", None)

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        del command
        if receiver.opened(_Nothing()):
            receiver.closed(
                NeedsPtyError(
                    f"{self._host.name} is a console, which runs no command outside of its terminal; nothing ran",
                    hint="write `shell: cli` under this host",
                )
            )

    async def open_shell(self, pty: Pty, receiver: Receiver) -> None:
        if self._closed.is_set():
            raise SessionLostError("the connection is closed", hint="the next call opens a new one")
        channel = TerminalChannel(receiver, self._ended)
        if not receiver.opened(channel):
            return
        self._channels = {each for each in self._channels if not each.is_over} | {channel}
        try:
            await channel.start(self._host.command, pty, self._environ)
        except OSError as error:
            raise ConnectionFailedError(
                f"{self._host.name}: {self._host.command[0]} cannot be started: {error.strerror or error}",
                hint="check `command` under this host",
            ) from None

    def _ended(self, code: int | None) -> McpSshError | None:
        del code
        return None if self._closed.is_set() else SessionLostError(f"{self._host.command[0]} has ended")

    def open_files(self) -> AbstractAsyncContextManager[Files]:
        raise NoFilesError(f"{self._host.name} is a console, which has no files; nothing was sent")

    @property
    def bare(self) -> Connection:
        return self

    def watch(self, *, running: bool) -> None:
        del running  # nobody knows how a console says that it is well

    async def close(self) -> None:
        self._closed.set()
        for channel in self._channels:
            channel.close()

    async def wait_closed(self) -> McpSshError | None:
        await self._closed.wait()
        return None


class _Nothing:
    """A `Channel` that leads nowhere."""

    def write(self, data: bytes) -> None: ...

    def write_eof(self) -> None: ...

    def signal(self, name: str) -> None: ...

    def close(self) -> None: ...
