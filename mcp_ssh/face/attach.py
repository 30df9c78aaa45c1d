"""MCP for clients that attach by a Unix socket: sessions stay with the daemon when an assistant leaves.

The socket is the user's alone twice: by its mode, and by the user that the kernel names at the other end.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import anyio
import structlog
from mcp.server.mcpserver import MCPServer

from mcp_ssh.config.secrets import EnvSecrets
from mcp_ssh.face.rendezvous import Answer, environ_of, peer_uid
from mcp_ssh.face.stdio import decoded, line_bytes, serve_lines
from mcp_ssh.model.errors import McpSshError, SessionLimitError
from mcp_ssh.model.faults import AlreadyServedError
from mcp_ssh.model.principal import Principal
from mcp_ssh.service.keyrings import Keyrings

hello_wait_s = 5.0
most_clients = 100
look_every_s = 1.0
Who = Callable[[], Principal]
Open = Callable[[Mapping[str, str]], Who]
"""Whom a client with this environment acts for. Raises an error for one that is not let in."""


class Attachments:
    """Those who are attached. `who` of `principal` is theirs in every call that they make."""

    def __init__(self, keyrings: Keyrings, let_in: Open) -> None:
        self._keyrings = keyrings
        self._let_in = let_in
        self._who: ContextVar[Who] = ContextVar("who")
        self._clients: set[asyncio.Task[object]] = set()
        self._log = structlog.get_logger("mcp_ssh.attach")

    def principal(self) -> Principal:
        """For whom the call is that is answered now."""
        return self._who.get()()

    async def serve(
        self, listener: socket.socket, server: MCPServer[str], on_hangup: Callable[[], object], is_over: "IsOver"
    ) -> None:
        """Serve whoever comes, until a signal ends it or `is_over` says so; SIGHUP calls `on_hangup`."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        handlers = {signal.SIGTERM: stop.set, signal.SIGINT: stop.set, signal.SIGHUP: on_hangup}
        for name, handler in handlers.items():
            loop.add_signal_handler(name, handler)

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._client(server, reader, writer)

        listening = await asyncio.start_unix_server(client, sock=listener, limit=line_bytes)
        try:
            await _until(stop, lambda: is_over(len(self._clients)))
        finally:
            listening.close()
            for task in self._clients:
                task.cancel()
            if self._clients:
                await asyncio.wait(self._clients)
            for name in handlers:
                loop.remove_signal_handler(name)

    async def _client(self, server: MCPServer[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        self._clients.add(task)
        try:
            async with self._let(reader, writer) as is_in:
                if is_in:
                    await serve_lines(server, decoded(reader), _Lines(writer))
        except (OSError, ValueError, anyio.BrokenResourceError) as error:  # it left, or a line was longer than any
            self._log.warning("client_lost", reason=str(error))
        finally:
            self._clients.discard(task)
            writer.close()

    @contextlib.asynccontextmanager
    async def _let(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bool]:
        """Whether the client is let in; while it is, its calls are for whom it acts, with its secrets."""
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid != os.getuid():
            self._log.warning("client_refused", uid=uid)
            yield False
            return
        try:
            async with asyncio.timeout(hello_wait_s):
                environ = environ_of(await reader.readline())
            if len(self._clients) > most_clients:
                raise SessionLimitError(f"{most_clients} clients are attached already", hint="end some of them")
            who = self._let_in(environ)
        except (TimeoutError, ValueError):
            self._log.warning("client_refused", reason="its first line was none")
            yield False
            return
        except McpSshError as error:
            writer.write(Answer(os.getpid(), str(error), error.hint).line())
            yield False
            return
        writer.write(Answer(os.getpid()).line())
        with self._keyrings.attached(EnvSecrets(environ)) as keyring:
            self._who.set(lambda: replace(who(), keyring=keyring))
            yield True


IsOver = Callable[[int], bool]
"""Whether the daemon has nothing to do any more, with so many clients."""


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """The socket at the path, for one daemon at a time. Raises `AlreadyServedError` if there is one."""
    lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServedError(f"another daemon serves {path}", hint="mcp-ssh attach uses it") from None
        path.unlink(missing_ok=True)  # of one that was killed: the lock is ours
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            before = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(before)
            listener.listen(most_clients)
            try:
                yield listener
            finally:
                path.unlink(missing_ok=True)
    finally:
        os.close(lock)


class Linger:
    """Says when a daemon that was started on demand ends: nobody there and nothing open for `idle_s` seconds."""

    def __init__(self, idle_s: float, now: Callable[[], float], is_quiet: Callable[[], bool]) -> None:
        self._idle_s = idle_s
        self._now = now
        self._is_quiet = is_quiet
        self._busy_at = now()

    def __call__(self, clients: int) -> bool:
        """Whether that is so now."""
        if clients or not self._is_quiet():
            self._busy_at = self._now()
        return self._now() - self._busy_at >= self._idle_s


class _Lines:
    """A writer as the SDK wants its output: text in, one flush a message."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        self._writer.write(text.encode())

    async def flush(self) -> None:
        await self._writer.drain()


async def _until(stop: asyncio.Event, is_over: Callable[[], bool]) -> None:
    while not stop.is_set() and not is_over():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(look_every_s):
                await stop.wait()
