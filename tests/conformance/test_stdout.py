"""What is written to the client arrives whole, at its pace, and never keeps the server from its end."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from mcp_ssh.face.pipes import PipeLines, has_pace, lines_to
from tests.support.sshd import until
from tests.support.stdio import command, environment

pytestmark = pytest.mark.integration

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text(f"settings: {{state_dir: {tmp_path}/state, audit_log: {tmp_path}/audit.log}}\n")
    return path


@contextlib.contextmanager
def server(config: Path, stdin: int, stdout: int, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command(), stdin=stdin, stdout=stdout, stderr=stderr, env=environment(config), bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with contextlib.suppress(OSError):
                os.close(end)


def requests(count: int) -> bytes:
    """The handshake, and so many requests whose answers have tens of thousands of bytes each."""
    first: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
    ]
    lists = [{"id": number, "method": "tools/list"} for number in range(1, count + 1)]
    return b"".join(json.dumps({"jsonrpc": "2.0"} | each).encode() + b"\n" for each in (*first, *lists))


def answered(lines: bytes) -> list[int]:
    """Who was answered; each line must be a whole message."""
    return sorted(json.loads(line)["id"] for line in lines.splitlines())


def is_stuck(descriptor: int) -> bool:
    """Whether the pipe that is read here takes no further answer."""
    waits = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(waits, sys.byteorder) > 40_000


def stderr_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stderr is not None
    return process.stderr.read()


def test_big_answers_to_a_slow_reader_arrive_whole(config: Path) -> None:
    with server(config, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(requests(60))
        until(lambda: is_stuck(process.stdout.fileno()), "nothing is answered")  # type: ignore[union-attr]
        read = b"".join(pieces(process.stdout, answers=61))
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stdout.read() == b""
    assert answered(read) == [*range(61)]


def pieces(stdout: IO[bytes], answers: int) -> Iterator[bytes]:
    while answers:
        piece = stdout.read(1_000)
        assert piece
        answers -= piece.count(b"\n")
        yield piece


@pytest.mark.parametrize("way", ["stdin", "SIGTERM"])
def test_a_client_that_does_not_read_does_not_keep_the_server_from_its_end(config: Path, way: str) -> None:
    with server(config, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(requests(20))
        until(lambda: is_stuck(process.stdout.fileno()), "nothing is answered")  # type: ignore[union-attr]
        if way == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        code, told = process.wait(30), stderr_of(process)
        assert (code, told.count(b"client_lost")) == (0, way == "stdin"), told
        assert b"Traceback" not in told


def test_a_client_that_closes_its_end_is_told_as_gone(config: Path) -> None:
    with server(config, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(requests(20))
        until(lambda: is_stuck(process.stdout.fileno()), "nothing is answered")  # type: ignore[union-attr]
        process.stdout.close()
        assert process.wait(30) == 0
        told = stderr_of(process)
    assert b"client_lost" in told
    assert b"Traceback" not in told


def test_what_others_hold_blocks_again_in_the_end(config: Path) -> None:
    with pipe() as (reads, writes), pipe() as (asks, stdin), server(config, asks, writes) as process:
        os.write(stdin, requests(0))
        until(lambda: b"\n" in os.read(reads, 65_536), "nothing is answered")
        assert not os.get_blocking(writes)
        os.close(stdin)
        assert process.wait(30) == 0
        assert os.get_blocking(writes)
        assert os.get_blocking(asks)


def test_one_socket_may_be_both_ways_and_the_log_as_well(config: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, server(config, theirs.fileno(), theirs.fileno(), theirs.fileno()) as process:
        theirs.close()
        ours.sendall(requests(30))
        read = b""
        while read.count(b'{"jsonrpc"') < 31 or not read.endswith(b"\n"):
            read += ours.recv(1_000)
        ours.sendall(requests(0).splitlines(keepends=True)[1])
        assert process.poll() is None
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(30) == 0
    assert answered(b"".join(line for line in read.splitlines(keepends=True) if b"jsonrpc" in line)) == [*range(31)]


def test_a_file_takes_the_answers_as_well(config: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(requests(3))
    with (
        (tmp_path / "in").open("rb") as stdin,
        (tmp_path / "out").open("wb") as stdout,
        server(config, stdin.fileno(), stdout.fileno()) as process,
    ):
        assert process.wait(30) == 0
    assert 0 in answered((tmp_path / "out").read_bytes())


def test_a_pipe_that_the_log_goes_to_as_well_is_left_as_it_is() -> None:
    with pipe() as (_, writes):
        assert has_pace(writes)
    before = os.dup(2)
    try:
        with pipe() as (_, writes):
            os.dup2(writes, 2)
            shared = has_pace(writes)
            os.set_blocking(writes, False)
            assert (shared, has_pace(writes)) == (False, True)
    finally:
        os.dup2(before, 2)
        os.close(before)


@contextlib.asynccontextmanager
async def stuck(last_wait_s: float) -> AsyncIterator[tuple[int, PipeLines, asyncio.Task[None]]]:
    """The reading end of a pipe that is full, and who has begun to write a line to it that is longer."""
    with pipe() as (reads, writes):
        async with lines_to(writes, last_wait_s) as out:
            writing = asyncio.create_task(out.write("x" * 300_000 + "\n"))
            await asyncio.sleep(0)
            yield reads, out, writing


async def test_a_line_whose_writer_was_cancelled_is_ended_for_whoever_reads() -> None:
    async with stuck(5) as (reads, _, writing):
        writing.cancel()
        await asyncio.wait([writing])
        rest = asyncio.create_task(asyncio.to_thread(all_of, os.dup(reads)))
    assert await rest == b"x" * 300_000 + b"\n"


def all_of(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.readline()


async def test_only_who_asks_nothing_more_must_read_soon() -> None:
    async with stuck(0) as (_, out, writing):
        await asyncio.sleep(0)
        assert not writing.done()
        out.hasten()
        with pytest.raises(TimeoutError):
            await writing
