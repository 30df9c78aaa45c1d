"""What is asked of a client, and where it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.sshd import Sshd

address = "127.0.0.1"
answer_wait_s = 120.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server on loopback, and a folder with what a client needs to log in there and to trust it."""

    port: int
    user: str
    key_path: str
    known_hosts: str
    folder: str


class Client(Protocol):
    """One way to run commands. Those that have no event loop of their own block it; nothing else runs meanwhile."""

    async def open(self) -> None:
        """Log in, where that is done once for many commands."""

    async def run(self, command: str) -> bytes:
        """What the command printed."""

    async def close(self) -> None:
        """Leave nothing behind."""


def target_of(server: Sshd, folder: Path, port: int | None = None) -> Target:
    """The server itself, or what stands on another port before it; its key is written down for the clients."""
    port = port or server.port
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / f"known_hosts_{port}"
    _, kind, key = server.host_key_line.split()
    known.write_text(f"[{address}]:{port} {kind} {key}\n")
    return Target(port, server.user, str(server.key_path), str(known), str(folder))
