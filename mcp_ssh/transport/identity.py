"""The key of mcp-ssh itself: one Ed25519 key, made when it is needed first, in the state folder.

`identity` is the key; while it is being rotated the new one lies beside it as `identity.next`, and every login offers
both, the new one first: a host takes whichever it knows. Retiring the old one is one rename, so that whoever looks sees
the old key, both, or the new one. Several processes share the files: one makes a key, under a lock, and the others find
it.
"""

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import asyncssh

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.model.nodeerrors import IdentityError
from mcp_ssh.model.nodes import PublicKey

T = TypeVar("T")
file_name = "identity"


def next_path(path: str) -> str:
    """Where the key lies that follows the one at this path."""
    return f"{path}.next"


class Identity:
    """The key files of one state folder. Every call looks at the disk: another process may have rotated the key."""

    def __init__(self, state_dir: str) -> None:
        self._path = Path(state_dir) / file_name

    def public(self) -> PublicKey:
        """The key that is installed on hosts now: the new one while it is being rotated. Made if there is none.

        Raises `IdentityError`.
        """
        return self.all_public()[0]

    def all_public(self) -> tuple[PublicKey, ...]:
        """All that hosts may know, the newest first. Raises `IdentityError`."""
        make_if_missing(str(self._path))
        return each_offered(str(self._path), lambda path: _public(_read(path)))

    def begin_rotation(self) -> PublicKey:
        """The key that is to follow: a new one, or that of a rotation that did not come to its end."""
        make_if_missing(str(self._path))
        make_if_missing(next_path(str(self._path)))
        return self.public()

    @property
    def path(self) -> str:
        """The private key."""
        return str(self._path)

    @property
    def next_path(self) -> str:
        """The private key that follows, for a login that proves it."""
        return next_path(str(self._path))

    def retire(self) -> None:
        """The new key takes the place of the old one, which is gone. Raises `IdentityError`."""
        with _told(self._path):
            os.replace(self.next_path, self._path)  # noqa: PTH105  one step, texts
            _sync(self._path.parent)


def offered(path: str) -> list[str]:
    """The key files that a login offers, the newest first."""
    return [*([next_path(path)] if Path(next_path(path)).exists() else []), path]


def each_offered(path: str, read: Callable[[str], T]) -> tuple[T, ...]:
    """What `read` makes of each key file that is offered; once more if the key was replaced in this very moment."""
    files = offered(path)
    try:
        return tuple(read(each) for each in files)
    except McpSshError:
        if offered(path) == files:
            raise
        return tuple(read(each) for each in offered(path))


def key_files(auth: Auth) -> list[str]:
    """The key files of a login, in the order in which they are tried. Raises `IdentityError`."""
    if auth.key_path is None:
        return []
    if auth.method is not AuthMethod.GATEWAY:
        return [auth.key_path]
    make_if_missing(auth.key_path)
    return offered(auth.key_path)


def make_if_missing(path: str) -> None:
    """Make the key at the path, 0600, unless it is there. Raises `IdentityError`."""
    target = Path(path)
    if target.exists():
        return
    with _told(target), _locked(target):
        if not target.exists():  # else another process made it meanwhile
            _write(target, asyncssh.generate_private_key("ssh-ed25519", comment=f"mcp-ssh@{socket.gethostname()}"))


def _write(path: Path, key: asyncssh.SSHKey) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".identity-")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key("openssh"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """The name, too, is on the disk: a key that hosts know must not be gone after a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.parent / f"{file_name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: str) -> asyncssh.SSHKey:
    with _told(Path(path)):
        return asyncssh.read_private_key(path)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IdentityError(
            f"the key {path} cannot be made, read or replaced: {error.strerror or error}",
            hint="check `settings.state_dir`, its owner and its room",
        ) from error
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise IdentityError(
            f"the key {path} is none that can be read ({error})",
            hint="put the right one back; without it, hosts that know it are to be added anew",
        ) from error


def _public(key: asyncssh.SSHKey) -> PublicKey:
    kind, blob, *comment = key.export_public_key("openssh").decode("ascii", "replace").strip().split(" ", 2)
    words = "".join(char for char in "".join(comment) if char.isprintable() and char.isascii())[:100]
    return PublicKey(f"{kind} {blob} {words or 'mcp-ssh'}", str(key.get_fingerprint("sha256")))
