"""A login of this machine with a password and a home of its own, made for a test and removed after it."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.parts import require


@dataclass(frozen=True)
class Account:
    """The login. Its password is a canary: it must turn up nowhere."""

    name: str
    password: str
    home: Path

    @property
    def keys(self) -> Path:
        """Its authorized_keys file."""
        return self.home / ".ssh" / "authorized_keys"

    def put_keys(self, text: bytes, mode: int = 0o600) -> None:
        """Give it such a file, as its own."""
        self.keys.parent.mkdir(mode=0o700, exist_ok=True)
        self.keys.write_bytes(text)
        self.keys.chmod(mode)
        self.own(self.keys.parent, self.keys)

    def own(self, *paths: Path) -> None:
        """Make these its own; of a link, the link."""
        found = pwd.getpwnam(self.name)
        for path in paths:
            os.chown(path, found.pw_uid, found.pw_gid, follow_symlinks=False)

    @property
    def sshd_lines(self) -> tuple[str, ...]:
        """What lets it in with its password at an sshd, and by its own key file."""
        return (
            "Subsystem sftp internal-sftp",
            f"Match User {self.name}",
            "PasswordAuthentication yes",
            "AuthorizedKeysFile .ssh/authorized_keys",
        )


@contextmanager
def account() -> Iterator[Account]:
    """An account for as long as the context lasts. Without root there is none."""
    if os.getuid() != 0:
        pytest.skip("making an account takes root")
    for program in ("useradd", "chpasswd", "userdel"):
        require(program)
    name = f"mcpssh{secrets.token_hex(4)}"
    home = Path(tempfile.mkdtemp(prefix="mcp-ssh-home-"))
    subprocess.run(["useradd", "--no-create-home", "--home-dir", str(home), "--shell", "/bin/sh", name], check=True)
    try:
        made = Account(name, f"canary-{secrets.token_hex(12)}", home)
        subprocess.run(["chpasswd"], input=f"{name}:{made.password}\n".encode(), check=True)
        home.chmod(0o755)
        made.own(home)
        yield made
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)
