"""What only saves time: on by itself, off with `fast: false`, and the same result either way."""

import socket
from pathlib import Path
from typing import Any, cast

import pytest

from mcp_ssh.transport.connection import SshConnection
from mcp_ssh.transport.dial import QuickSocket, dialled, quick_ack
from tests.support.hosts import host
from tests.support.posix import host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("fast", "cipher"), [(True, "aes128-gcm@openssh.com"), (False, "chacha20-poly1305@openssh.com")]
)
async def test_the_cheapest_cipher_comes_first_unless_it_is_switched_off(
    sshd: Sshd, tmp_path: Path, fast: bool, cipher: str
) -> None:
    connection = await transport_in(tmp_path).connect(host_of(sshd, fast=fast), ["127.0.0.1"], NoSecrets())
    try:
        info = cast("Any", connection)._connection.get_extra_info
        assert (info("send_cipher"), info("recv_cipher")) == (cipher, cipher)
        assert isinstance(connection, SshConnection)
    finally:
        await connection.close()


async def test_a_server_without_that_cipher_is_reached_as_well(tmp_path: Path) -> None:
    async with Sshd(tmp_path / "sshd", extra=["Ciphers aes256-ctr"]) as server:
        connection = await transport_in(tmp_path).connect(host_of(server), ["127.0.0.1"], NoSecrets())
        await connection.close()


@pytest.mark.skipif(quick_ack is None, reason="Linux alone can acknowledge at once")
async def test_little_is_acknowledged_at_once_and_much_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = await dialled("127.0.0.1", host(port=server.getsockname()[1]))
        peer, _ = server.accept()
        sock.setblocking(True)
        asked: list[int] = []
        assert isinstance(sock, QuickSocket)
        sock.setsockopt = lambda *words: asked.append(words[1])  # type: ignore[method-assign]
        with sock, peer:
            peer.sendall(b"little")
            assert sock.recv(100) == b"little"
            assert asked == [quick_ack]
            peer.sendall(b"x" * 8_192)
            assert len(sock.recv(8_192, socket.MSG_WAITALL)) == 8_192
            assert asked == [quick_ack]
            peer.shutdown(socket.SHUT_WR)
            assert sock.recv(100) == b""
            assert asked == [quick_ack]


async def test_a_host_that_is_not_fast_gets_a_plain_socket() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, await dialled("127.0.0.1", host(port=server.getsockname()[1], fast=False)) as sock:
        assert type(sock) is socket.socket
