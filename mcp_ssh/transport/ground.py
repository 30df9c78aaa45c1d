"""What a connection rests on: the network itself, or the connection to a jump host."""

from collections.abc import Callable
from typing import Protocol

from mcp_ssh.model.errors import SessionLostError
from mcp_ssh.transport import failure

Why = Callable[[Exception | None], SessionLostError]
"""Tells what the end of a connection means that asyncssh gives this reason for."""


class Ground(Protocol):
    """What a connection rests on."""

    def why(self, error: Exception | None) -> SessionLostError:
        """What the end of the connection means that asyncssh gives this reason for."""
        ...

    def lean(self, change: int) -> None:
        """One more, or one less, of those that rest on it is probed closely."""
        ...


class Network:
    """The `Ground` of what is dialled directly: it is probed by the connection itself."""

    def why(self, error: Exception | None) -> SessionLostError:
        """As the connection says."""
        return failure.while_open(error)

    def lean(self, change: int) -> None:
        """Nothing is to be done."""
        del change
