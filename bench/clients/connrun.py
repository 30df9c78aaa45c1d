"""asyncssh's own `conn.run`: the library that the product stands on, used as its documentation shows it."""

import asyncssh

from bench.clients.client import Target, address


class ConnRun:
    """One connection with the library's defaults."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: asyncssh.SSHClientConnection | None = None

    async def open(self) -> None:
        """Log in."""
        target = self._target
        self._connection = await asyncssh.connect(
            address,
            target.port,
            username=target.user,
            client_keys=[target.key_path],
            known_hosts=target.known_hosts,
            agent_path=None,
            config=None,
        )

    async def run(self, command: str) -> bytes:
        """What it printed."""
        assert self._connection is not None  # noqa: S101  open was called
        result = await self._connection.run(command, check=True)
        return str(result.stdout or "").encode()

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()
