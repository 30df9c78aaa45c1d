"""What a bench must know of a server: how it is installed, started, asked, and told of its one host."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from mcp import ClientSession

from tests.support.sshd import Sshd

host = "web"
"""The one host, by the name that each server has for it."""

venvs = Path(__file__).parents[2] / ".venv-bench-peers"
requirements = Path(__file__).parent


class Kind(StrEnum):
    """What a command runs in."""

    EXEC = "exec"
    """A channel of its own."""
    SHELL = "shell"
    """A shell that stays open from one call to the next."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server lives while it is measured: its own home folder, and the sshd that it talks to."""

    home: Path
    server: Sshd


@dataclass(frozen=True, slots=True)
class Start:
    """How a server is started; `environ` stands beside PATH and HOME."""

    words: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)


Arguments = Mapping[str, Any]


async def nothing(session: ClientSession) -> Arguments:
    """For a tool that needs no call before its first command."""
    del session
    return {}


@dataclass(frozen=True, slots=True)
class Way:
    """A tool that runs a command. `begun` makes what its calls need beforehand, and gives arguments of all of them."""

    kind: Kind
    tool: str
    arguments: Callable[[str], Arguments]
    begun: Callable[[ClientSession], Awaitable[Arguments]] = nothing


@dataclass(frozen=True, slots=True)
class Peer:
    """A server. `configured` writes its configuration and says how it is started by the program of that path.

    `program` is below the peer's folder of `make peers`; empty for our own, which is always there. One that
    `is_slow` takes seconds to connect: a quick run leaves it out.
    """

    name: str
    program: str
    configured: Callable[[Place, str], Start]
    ways: Sequence[Way]
    is_slow: bool = False

    @property
    def path(self) -> Path:
        """Its program."""
        return venvs / self.name / self.program

    @property
    def is_installed(self) -> bool:
        """Whether it can be measured here."""
        return not self.program or self.path.exists()


def ssh_folder(place: Place) -> Path:
    """A `.ssh` with the host in `config` and its key in `known_hosts`, for servers that read these."""
    folder, server = place.home / ".ssh", place.server
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "known_hosts").write_text(server.host_key_line)
    (folder / "config").write_text(
        f"Host {host}\n  HostName {server.address}\n  Port {server.port}\n  User {server.user}\n"
        f"  IdentityFile {server.key_path}\n  UserKnownHostsFile {folder}/known_hosts\n"
    )
    (folder / "config").chmod(0o600)
    return folder
