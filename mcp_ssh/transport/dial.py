"""The TCP connection to a host, whose small answers are acknowledged at once.

An SSH server writes a login and a command's end in small pieces, and its kernel holds the second piece back until the
first one is acknowledged (RFC 896). Ours would wait up to 40 ms with that, hoping to send something along (RFC 1122
4.2.3.2). Linux lets one say that it should not, TCP_QUICKACK, until it forgets it again: see tcp(7).
"""

import asyncio
import socket

from mcp_ssh.model.host import Host

small_bytes = 4_096
"""A read of less than that is an answer; a longer one is a stream, whose sender waits for nobody."""

quick_ack = getattr(socket, "TCP_QUICKACK", None)
"""None where the system has no such thing."""


class QuickSocket(socket.socket):
    """A TCP socket that acknowledges what it read, if that was little."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As a socket does."""
        data = super().recv(size, flags)
        if 0 < len(data) < small_bytes and quick_ack is not None:
            self.setsockopt(socket.IPPROTO_TCP, quick_ack, 1)
        return data


async def dialled(address: str, host: Host) -> socket.socket:
    """A connection to that address, which the caller closes. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(address, host.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    family, kind, protocol, _, target = rows[0]
    sock = (QuickSocket if host.fast and quick_ack is not None else socket.socket)(family, kind, protocol)
    try:
        sock.setblocking(False)
        if host.ssh.bind_address:
            sock.bind((host.ssh.bind_address, 0))
        await loop.sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
