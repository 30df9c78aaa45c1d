"""The host key of the tunnel listener: made once, kept in the state folder, shown to whoever sets up a device."""

import contextlib
import os
import shlex
import tempfile
from pathlib import Path

import asyncssh

from mcp_ssh.model.errors import KeyFileError
from mcp_ssh.transport.hostkeys import entry_name, fingerprint

file_name = "tunnel_host_key"


class ListenerKey:
    """The key; several processes that begin at once make one."""

    def __init__(self, state_dir: str) -> None:
        """Read it, and make it before if there is none. Raises `KeyFileError`."""
        path = Path(state_dir) / file_name
        try:
            if not path.exists():
                _make(path)
            self.key = _read(path)
        except OSError as error:
            raise KeyFileError(f"key file {path}: {error.strerror}", hint="check settings.state_dir") from error

    @property
    def fingerprint(self) -> str:
        """As ssh shows it at the first connection."""
        return fingerprint(self.key)

    def known_hosts_line(self, gateway: str, port: int) -> str:
        """The line of a device's known_hosts file; `gateway` is the name by which the device reaches us."""
        kind, key = self.key.export_public_key("openssh").decode("ascii").split()[:2]
        return f"{entry_name(gateway, port)} {kind} {key}"


def _make(path: Path) -> None:
    """Put a whole key there in one step; one that another process has put there meanwhile stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519", comment="mcp-ssh tunnel listener")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tunnel-key-")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key("openssh"))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()


def _read(path: Path) -> asyncssh.SSHKey:
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        raise KeyFileError(
            f"key file {path}: others can reach it (mode {found.st_mode & 0o7777:04o}), so it is not used",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )
    try:
        return asyncssh.read_private_key(path)
    except asyncssh.KeyImportError as error:
        raise KeyFileError(
            f"key file {path}: not a private key that can be read ({error})",
            hint="restore it from a backup; without it devices have to be told a new one",
        ) from error
