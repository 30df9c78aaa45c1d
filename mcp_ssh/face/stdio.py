"""MCP over stdin and stdout, with an end that is clean: when stdin ends, on SIGTERM and SIGINT, when the parent dies.

stdin is read by the event loop, not by a thread that nobody can cancel. While serving, descriptor 0 is the null device
and descriptor 1 is stderr, so that neither a child process nor a stray print can touch the protocol. stdout is written
by the event loop as well, where it is a pipe or a socket. Both block again in the end: others may hold them, too.
"""

import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol, cast

import anyio
import structlog
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

from mcp_ssh.face.pipes import PipeLines, has_pace, lines_to

line_bytes = 16 * 1024 * 1024
parent_look_s = 1.0


async def serve(server: MCPServer[Any], parent: int, on_hangup: Callable[[], object]) -> None:
    """Serve until stdin ends, a signal comes or the parent is gone; then return, so that the caller can clean up.

    SIGHUP does not end it: it calls `on_hangup`, as daemons do.

    `parent` is the process id of the parent as it was when this process started: later it may be dead already.
    """
    stop = asyncio.Event()
    with _signals(stop, on_hangup), _wire() as (wire_in, wire_out):
        async with _lines(wire_in) as lines, _sink(wire_out) as out:
            ways = [_serve(server, lines, out), stop.wait(), _parent_gone(parent)]
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result


class LineSink(Protocol):
    """Takes messages as lines of text."""

    async def write(self, text: str, /) -> object:
        """One line, with its end."""
        ...

    async def flush(self) -> object:
        """On its way."""
        ...


async def serve_lines(server: MCPServer[Any], lines: AsyncIterator[str], out: LineSink) -> None:
    """Serve one client, message by message a line, until its lines end.

    Raises `OSError` when it is gone, `ValueError` for a line that is too long, and `BrokenResourceError` if it is
    cancelled while calls have answers.
    """
    # Of a file stdio_server needs no more than iteration, and write and flush.
    files = cast("anyio.AsyncFile[str]", lines), cast("anyio.AsyncFile[str]", out)
    try:
        async with stdio_server(*files) as (read_stream, write_stream):
            lowlevel = server._lowlevel_server  # noqa: SLF001  the SDK's own run_stdio_async takes no streams
            await lowlevel.run(read_stream, write_stream, lowlevel.create_initialization_options())
    except ExceptionGroup as group:
        raise _cause(group) from group


def _cause(error: ExceptionGroup) -> Exception:
    """What the others came of: when a stream breaks, each call that would answer on it fails by that."""
    lost, others = error.split((OSError, ValueError))
    first: Exception | None = lost or others
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first or error


async def _serve(server: MCPServer[Any], lines: AsyncIterator[str], out: LineSink) -> None:
    try:
        await serve_lines(server, _last_hastened(lines, out), out)
    except (ConnectionError, TimeoutError) as error:
        structlog.get_logger("mcp_ssh.stdio").warning("client_lost", reason=str(error))
    except anyio.BrokenResourceError:
        pass  # calls had answers in the very moment of a stop


async def _last_hastened(lines: AsyncIterator[str], out: LineSink) -> AsyncIterator[str]:
    async for line in lines:
        yield line
    if isinstance(out, PipeLines):
        out.hasten()


@contextlib.contextmanager
def _signals(stop: asyncio.Event, on_hangup: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: stop.set, signal.SIGINT: stop.set, signal.SIGHUP: on_hangup}
    for name, handler in handlers.items():
        loop.add_signal_handler(name, handler)
    try:
        yield
    finally:
        for name in handlers:
            loop.remove_signal_handler(name)


@contextlib.contextmanager
def _wire() -> Iterator[tuple[int, int]]:
    """Private copies of stdin and stdout; the well-known descriptors lead elsewhere meanwhile."""
    sys.stdout.flush()
    wire = os.dup(0), os.dup(1)
    blocked = [os.get_blocking(descriptor) for descriptor in wire]
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(null, 0)
        os.dup2(2, 1)
        yield wire
    finally:
        for descriptor, did_block in zip(wire, blocked, strict=True):
            os.set_blocking(descriptor, did_block)
        os.dup2(wire[0], 0)
        os.dup2(wire[1], 1)
        for descriptor in (null, *wire):
            os.close(descriptor)


@contextlib.asynccontextmanager
async def _lines(descriptor: int) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a pipe, socket or terminal as the event loop reads them; of a plain file, all at once."""
    reader = asyncio.StreamReader(limit=line_bytes)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(descriptor)):  # epoll takes neither
        reader.feed_data(await asyncio.to_thread(_read_all, descriptor))
        reader.feed_eof()
        yield decoded(reader)
        return
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(os.dup(descriptor), "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        yield decoded(reader)
    finally:
        transport.close()


@contextlib.asynccontextmanager
async def _sink(descriptor: int) -> AsyncIterator[LineSink]:
    """Where lines are written to; a file or a terminal by threads, since those are never waited for."""
    if has_pace(descriptor):
        async with lines_to(descriptor) as out:
            yield out
    else:
        yield anyio.wrap_file(os.fdopen(descriptor, "w", encoding="utf-8", closefd=False))


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read()


async def decoded(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream as text."""
    while line := await reader.readline():
        yield line.decode("utf-8", "replace")


async def _parent_gone(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  nothing tells of a parent's death but looking
        await asyncio.sleep(parent_look_s)
