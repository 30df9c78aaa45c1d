"""libssh2 by ssh2-python: a channel for each command on one connection, blocking, in C."""

import socket
from typing import TYPE_CHECKING

from bench.clients.client import Target, address

if TYPE_CHECKING:
    from ssh2.channel import Channel
    from ssh2.session import Session

chunk_bytes = 65_536


class Libssh2:
    """One session. Nagle's algorithm is off, as a careful user has it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.socket: socket.socket | None = None
        self.session: Session | None = None

    async def open(self) -> None:
        """Log in. The server's key is not looked at: the library leaves that to its user."""
        from ssh2.session import Session  # noqa: PLC0415  only the venv of the bench has it

        self.socket = socket.create_connection((address, self._target.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session = Session()
        self.session.handshake(self.socket)
        self.session.userauth_publickey_fromfile(self._target.user, self._target.key_path)

    async def run(self, command: str) -> bytes:
        """What it printed."""
        assert self.session is not None  # noqa: S101  open was called
        channel = self.session.open_session()
        channel.execute(command)
        output = read_to_end(channel)
        channel.close()
        channel.wait_closed()
        if channel.get_exit_status() != 0:
            raise RuntimeError(f"{command} failed")
        return output

    async def close(self) -> None:
        """Close the connection."""
        if self.session is not None:
            self.session.disconnect()
        if self.socket is not None:
            self.socket.close()


def read_to_end(channel: "Channel") -> bytes:
    """All of its output."""
    parts = list[bytes]()
    while True:
        size, data = channel.read(chunk_bytes)
        if size <= 0:
            return b"".join(parts)
        parts.append(data)
