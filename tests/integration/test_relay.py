"""The relay that stands in for a distance: it holds bytes back, keeps their order, and ends with whoever started it."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.relay import relay, round_trip_s
from tests.support.sshd import can_connect

wait_s = 20.0


@contextmanager
def echo() -> Iterator[int]:
    """A server that gives one client back what it sends, until that client sends no more."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            while data := connection.recv(65_536):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(wait_s)
        assert not thread.is_alive()


def send_all(client: socket.socket, data: bytes) -> None:
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


def test_a_round_trip_takes_no_less_than_both_ways() -> None:
    assert round_trip_s(0.01, 5) >= 0.02


def test_bytes_arrive_all_and_in_order_and_so_does_the_end() -> None:
    sent = os.urandom(3_000_000)
    with echo() as port, relay(port, 0.005) as link, socket.create_connection(("127.0.0.1", link.port)) as client:
        client.settimeout(wait_s)
        sending = threading.Thread(target=send_all, args=(client, sent))
        sending.start()
        came = b""
        while data := client.recv(65_536):
            came += data
        sending.join(wait_s)
    assert hashlib.sha256(came).digest() == hashlib.sha256(sent).digest()


def test_the_relay_ends_with_its_context() -> None:
    with relay(9, 0.001) as link:
        assert can_connect(link.port)
    assert not can_connect(link.port)
