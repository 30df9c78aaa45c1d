"""A link with a round trip: a TCP relay, a process of its own, that holds every byte back for a while each way.

Threads, and not an event loop: `time.sleep` wakes within a tenth of a millisecond, the timers of asyncio within one.
The order is kept, and so are the gaps. Bytes are acknowledged at once on both sides, by this machine's own TCP: a
client that waits for acknowledgements (Nagle's algorithm) fares better here than on a real link.
"""

import argparse
import queue
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

address = "127.0.0.1"
chunk_bytes = 65_536
most_chunks = 4_096
accept_wait_s = 10.0


@dataclass(frozen=True, slots=True)
class Relay:
    """Where it listens."""

    port: int


@contextmanager
def relay(to_port: int, delay_s: float) -> Iterator[Relay]:
    """A relay to a port of loopback. It ends with the context, or with this process."""
    words = [sys.executable, "-m", "bench.relay", "--to", str(to_port), "--delay", str(delay_s)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101  as asked for
        assert process.stdout is not None  # noqa: S101  as asked for
        try:
            yield Relay(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(timeout=accept_wait_s)


def round_trip_s(delay_s: float, count: int) -> float:
    """What a ping and its answer take through a relay: the median, in seconds."""
    with _listening() as echo:
        threading.Thread(target=_echo, args=(echo,), daemon=True).start()
        with relay(echo.getsockname()[1], delay_s) as way, socket.create_connection((address, way.port)) as ping:
            _at_once(ping)
            return statistics.median(_pinged(ping) for _ in range(count))


def _pinged(ping: socket.socket) -> float:
    began = time.perf_counter()
    ping.sendall(b"?")
    ping.recv(1)
    return time.perf_counter() - began


def _echo(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        _at_once(connection)
        while data := connection.recv(chunk_bytes):
            connection.sendall(data)


def _listening() -> socket.socket:
    return socket.create_server((address, 0))


def _at_once(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


# --- the process


def _serve(to_port: int, delay_s: float) -> None:
    with _listening() as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        threading.Thread(target=_accept, args=(listening, to_port, delay_s), daemon=True).start()
        sys.stdin.read()  # until whoever started it closes it, or is gone


def _accept(listening: socket.socket, to_port: int, delay_s: float) -> None:
    while True:
        near, _ = listening.accept()
        far = socket.create_connection((address, to_port))
        for end in (near, far):
            _at_once(end)
        _start(near, far, delay_s)
        _start(far, near, delay_s)


def _start(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    held: queue.Queue[tuple[float, bytes]] = queue.Queue(most_chunks)
    threading.Thread(target=_take, args=(source, held, delay_s), daemon=True).start()
    threading.Thread(target=_give, args=(target, held), daemon=True).start()


def _take(source: socket.socket, held: "queue.Queue[tuple[float, bytes]]", delay_s: float) -> None:
    data = b"-"
    while data:
        try:
            data = source.recv(chunk_bytes)
        except OSError:
            data = b""
        held.put((time.monotonic() + delay_s, data))


def _give(target: socket.socket, held: "queue.Queue[tuple[float, bytes]]") -> None:
    while True:
        due, data = held.get()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
        except OSError:
            with closing(target):  # the other direction ends with it
                return


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True)
    options = parser.parse_args()
    _serve(options.to, options.delay)


if __name__ == "__main__":
    main()
