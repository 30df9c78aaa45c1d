"""A dropbear, the SSH server of routers, with an account of its own: it looks for keys nowhere but in a home."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.parts import require
from tests.support.sshd import can_connect, descendants, free_port, make_key, send, until


class Dropbear:
    """One server and one account; both are gone when the context ends. `forced` is what runs in place of a command."""

    def __init__(self, folder: Path, forced: str = "") -> None:
        self.forced = forced
        self.folder = folder
        self.user = f"mcp-ssh-{secrets.token_hex(4)}"
        self.port = free_port()
        self.key_path = folder / "client_key"
        self.home = Path()
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        if os.geteuid() != 0:
            pytest.skip("only root can make an account")
        program, make = require("dropbear"), require("dropbearkey")
        self.folder.mkdir(parents=True)
        self.home = Path(tempfile.mkdtemp(prefix="mcp-ssh-"))
        subprocess.run(["useradd", "-M", "-d", str(self.home), "-s", "/bin/sh", self.user], check=True)
        make_key(self.key_path)
        (self.home / ".ssh").mkdir(mode=0o700)
        shutil.copy(self.folder / "client_key.pub", self.home / ".ssh" / "authorized_keys")
        self.give(self.home)
        key = str(self.folder / "host_key")
        subprocess.run([make, "-t", "ed25519", "-f", key], check=True, capture_output=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-F", "-E", "-s", "-r", key, "-p", f"127.0.0.1:{self.port}", "-P", f"{self.folder}/pid"]
                + (["-c", self.forced] if self.forced else []),
                stderr=log,
                stdout=log,
            )
        until(lambda: can_connect(self.port), "dropbear takes no connections")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            for pid in [*descendants(self._process.pid), self._process.pid]:
                send(pid, signal.SIGKILL)
            self._process.wait(timeout=10)
        subprocess.run(["userdel", self.user], check=True)
        shutil.rmtree(self.home)

    def give(self, folder: Path) -> None:
        """Make the account the owner of a folder and all that is in it."""
        owner = pwd.getpwnam(self.user)
        subprocess.run(["chown", "-Rh", f"{owner.pw_uid}:{owner.pw_gid}", str(folder)], check=True)
