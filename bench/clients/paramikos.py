"""paramiko: a channel for each command on one connection, in Python, with a thread that reads."""

from typing import TYPE_CHECKING

from bench.clients.client import Target, address

if TYPE_CHECKING:
    from paramiko import SSHClient


class Paramiko:
    """As its documentation shows it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._client: SSHClient | None = None

    async def open(self) -> None:
        """Log in."""
        from paramiko import SSHClient  # noqa: PLC0415  only the venv of the bench has it

        self._client = SSHClient()
        self._client.load_host_keys(self._target.known_hosts)
        where = {"port": self._target.port, "username": self._target.user, "key_filename": self._target.key_path}
        self._client.connect(address, **where, allow_agent=False, look_for_keys=False)

    async def run(self, command: str) -> bytes:
        """What it printed."""
        assert self._client is not None  # noqa: S101  open was called
        _, stdout, _ = self._client.exec_command(command)
        output = bytes(stdout.read())
        if stdout.channel.recv_exit_status() != 0:
            raise RuntimeError(f"{command} failed")
        return output

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
