"""OpenSSH's own client: a new connection for each command, or all of them through one that stands (ControlMaster)."""

import subprocess
from pathlib import Path

from bench.clients.client import Target, address, answer_wait_s
from tests.support.parts import require


class OpenSsh:
    """`ssh` anew for each command: login included."""

    def __init__(self, target: Target, *options: str) -> None:
        self._target = target
        self._options = options

    async def open(self) -> None:
        """Nothing stands between two commands."""

    async def run(self, command: str) -> bytes:
        """What it printed."""
        return finished([*words_of(self._target, *self._options), command])

    async def close(self) -> None:
        """Nothing is left."""


class Mux:
    """`ssh -S`: a process for each command, and one connection behind all of them."""

    def __init__(self, target: Target, *options: str) -> None:
        self._target = target
        self._options = options
        self._socket = str(Path(target.folder) / f"mux-{target.port}{len(options)}")

    async def open(self) -> None:
        """Start the master, which goes to the background once it is logged in."""
        finished(
            [*words_of(self._target, *self._options, "-M", "-S", self._socket, "-o", "ControlPersist=600"), "true"]
        )

    async def run(self, command: str) -> bytes:
        """What it printed."""
        return finished([*self.words, command])

    @property
    def words(self) -> list[str]:
        """The command line before the command."""
        return words_of(self._target, "-S", self._socket)

    async def close(self) -> None:
        """End the master."""
        finished(words_of(self._target, "-S", self._socket, "-O", "exit"))


def words_of(target: Target, *options: str) -> list[str]:
    """The command line up to the command; no configuration of the machine or the user is read."""
    trust = ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={target.known_hosts}"]
    login = ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-i", target.key_path]
    where = ["-p", str(target.port), f"{target.user}@{address}"]
    return [require("ssh"), "-F", "none", "-T", *trust, *login, *options, *where]


def finished(words: list[str]) -> bytes:
    """What the program printed; it has to end well."""
    program = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=answer_wait_s,
    )
    return program.stdout
