"""The folder of transfers. A name leads nowhere but below it, whatever stands there and whoever changes it meanwhile.

Each part of a name is opened by itself, below the one before and never through a link (`openat`, O_NOFOLLOW). What is
written gets its name when it is whole. All of it blocks: call it in a thread.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_ssh.model.fileerrors import (
    DiskFullError,
    FileDeniedError,
    FileError,
    FileThereError,
    NoSuchFileError,
    NotAFileError,
    NoTransferDirError,
    PathRefusedError,
)
from mcp_ssh.model.files import named

block_bytes = 1_048_576
most_name_bytes = 1_024
_folder = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_below = _folder | os.O_NOFOLLOW
_source = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_part = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_complaints: dict[int, tuple[type[FileError], str]] = {
    errno.ENOENT: (NoSuchFileError, "is not there"),
    errno.EEXIST: (FileThereError, "is there already"),
    errno.EACCES: (FileDeniedError, "may not be touched like that by the daemon"),
    errno.EPERM: (FileDeniedError, "may not be touched like that by the daemon"),
    errno.EROFS: (FileDeniedError, "is on a file system that is read-only"),
    errno.ENOSPC: (DiskFullError, "has no room: the disk is full"),
    errno.EDQUOT: (DiskFullError, "has no room: the quota is used up"),
    errno.ELOOP: (PathRefusedError, "is a link, and links are not followed"),
    errno.EMLINK: (PathRefusedError, "is a link, and links are not followed"),  # as some BSDs say it
    errno.ENOTDIR: (NotAFileError, "is no folder, or a link to one"),
    errno.EISDIR: (NotAFileError, "is a folder"),
}
_no_links = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


class Source:
    """A file that is sent. Whoever has it closes it."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def sha256(self) -> str:
        """Of all of it, in hex."""
        digest, offset = hashlib.sha256(), 0
        while block := self.read(offset, block_bytes):
            digest.update(block)
            offset += len(block)
        return digest.hexdigest()

    def read(self, offset: int, size: int) -> bytes:
        """The bytes from there on."""
        with _told(self.name):
            return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


@dataclass(slots=True)
class Part:
    """A file that comes. It has its name once it is kept, and is gone when it is closed without that.

    `replaces`: there is a file of that name, which it takes the place of.
    """

    name: str
    last: str
    own: str
    folder: int
    descriptor: int
    replaces: bool
    is_kept: bool = False

    def write(self, block: bytes) -> None:
        """Add to it."""
        with _told(self.name):
            view = memoryview(block)
            while view:
                view = view[os.write(self.descriptor, view) :]

    def restart(self) -> None:
        """Forget what came."""
        with _told(self.name):
            os.ftruncate(self.descriptor, 0)
            os.lseek(self.descriptor, 0, os.SEEK_SET)

    def keep(self, *, overwrite: bool) -> None:
        """Put it on the disk and give it its name. Raises `FileThereError`."""
        with _told(self.name):
            os.fsync(self.descriptor)
            if overwrite:
                os.rename(self.own, self.last, src_dir_fd=self.folder, dst_dir_fd=self.folder)
            else:
                self._link()
            self.is_kept = True

    def _link(self) -> None:
        """A hard link takes no name that is taken."""
        try:
            os.link(self.own, self.last, src_dir_fd=self.folder, dst_dir_fd=self.folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _no_links:
                raise
            if _is_there(self.name, self.last, self.folder):  # the rename follows at once
                raise _there(self.name) from None
            os.rename(self.own, self.last, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        else:
            os.unlink(self.own, dir_fd=self.folder)

    def close(self) -> None:
        """Close it, and remove what was not kept."""
        os.close(self.descriptor)
        if not self.is_kept:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.own, dir_fd=self.folder)
        os.close(self.folder)


class TransferFolder:
    """`settings.transfer_dir`; None where there is none."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def source(self, name: str) -> Source:
        """The file of that name, to be sent. Raises a `FileError`."""
        with self._place(name) as (folder, last), _told(name):
            descriptor = os.open(last, _source, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise NotAFileError(f"{_here(name)} is no regular file")
        return Source(name, descriptor)

    def part(self, name: str, *, overwrite: bool) -> Part:
        """A new file that will have that name. Raises `FileThereError` where it is taken, and other `FileError`s."""
        own = f".mcp-ssh-{secrets.token_hex(8)}.part"
        with self._place(name) as (folder, last), _told(name):
            replaces = _is_there(name, last, folder)
            if replaces and not overwrite:
                raise _there(name)
            descriptor = os.open(own, _part, 0o600, dir_fd=folder)
            try:
                return Part(name, last, own, os.dup(folder), descriptor, replaces)
            except BaseException:
                os.close(descriptor)
                os.unlink(own, dir_fd=folder)
                raise

    @contextlib.contextmanager
    def _place(self, name: str) -> Iterator[tuple[int, str]]:
        """The folder that the last part of the name stands in, open, and that part."""
        *above, last = checked(name)
        with contextlib.ExitStack() as opened:
            at = self._open_root()
            opened.callback(os.close, at)
            for part in above:
                with _told(name):
                    at = os.open(part, _below, dir_fd=at)
                opened.callback(os.close, at)
            yield at, last

    def _open_root(self) -> int:
        if self._path is None:
            raise NoTransferDirError(
                "settings.transfer_dir is not set; nothing was sent",
                hint="whoever runs mcp-ssh sets settings.transfer_dir, the one folder of this machine for transfers",
            )
        try:
            return os.open(self._path, _folder)
        except OSError as error:
            raise NoTransferDirError(
                f"the folder of settings.transfer_dir cannot be opened ({error.strerror}); nothing was sent",
                hint="whoever runs mcp-ssh makes that folder, for the daemon alone (0700)",
            ) from None


def checked(name: str) -> list[str]:
    """The parts of a local name. Raises `PathRefusedError` for one that is no plain path below the folder."""
    parts = name.split("/")
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        size = most_name_bytes + 1
    if not name or "\0" in name or size > most_name_bytes or any(part in {"", ".", ".."} for part in parts):
        raise PathRefusedError(
            f"{named(name[:200])!r} is no name below settings.transfer_dir; nothing was sent",
            hint="give a plain name such as backup.tar or web/backup.tar, not absolute and without `..`",
        )
    return parts


def _is_there(name: str, last: str, folder: int) -> bool:
    """Whether the name is taken. Raises `NotAFileError` for a folder, whose place no file takes."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            raise NotAFileError(f"{_here(name)} is a folder")
        return True
    return False


def _there(name: str) -> FileThereError:
    return FileThereError(
        f"{_here(name)} is there already", hint="give another name, or `overwrite: true` if it may be replaced"
    )


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind, fact = _complaints.get(error.errno or 0, (FileError, f"could not be had ({error.strerror})"))
        raise kind(f"{_here(name)} {fact}") from error


def _here(name: str) -> str:
    return f"{named(name)} in settings.transfer_dir"
