"""What an SFTP server says, in our words: why it did not do something, and what it knows of a name."""

import stat

import asyncssh

from mcp_ssh.hostfiles import Opening
from mcp_ssh.model.fileerrors import (
    DiskFullError,
    FileDeniedError,
    FileError,
    FileThereError,
    NoSuchFileError,
    NotAFileError,
)
from mcp_ssh.model.files import Facts, Kind, named

_kinds = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}
_lost = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
_facts = {
    asyncssh.SFTPNoSuchFile: (NoSuchFileError, "is not there"),
    asyncssh.SFTPNoSuchPath: (NoSuchFileError, "is not there"),
    asyncssh.SFTPLinkLoop: (NoSuchFileError, "is a link that leads nowhere"),
    asyncssh.SFTPPermissionDenied: (FileDeniedError, "may not be touched like that by the login"),
    asyncssh.SFTPWriteProtect: (FileDeniedError, "is on a file system that is read-only"),
    asyncssh.SFTPFileAlreadyExists: (FileThereError, "is there already"),
    asyncssh.SFTPNoSpaceOnFilesystem: (DiskFullError, "has no room: the disk is full"),
    asyncssh.SFTPQuotaExceeded: (DiskFullError, "has no room: the quota is used up"),
    asyncssh.SFTPNotADirectory: (NotAFileError, "is no folder"),
    asyncssh.SFTPFileIsADirectory: (NotAFileError, "is a folder"),
}


def is_lost(error: asyncssh.SFTPError) -> bool:
    """Whether it tells that the channel has ended."""
    return isinstance(error, _lost)


def of_file(error: asyncssh.SFTPError, path: str, how: Opening | None = None) -> FileError:
    """What it means for the path; `how` where that was to be opened."""
    kind, fact = _facts.get(type(error), (FileError, f"could not be had ({_reason(error)})"))
    if kind is FileDeniedError and how is Opening.CREATE:
        fact = "is in a folder that the login may not write to"
    return kind(f"{named(path)} {fact}")


def _reason(error: asyncssh.SFTPError) -> str:
    return " ".join(error.reason.split())[:200].rstrip(".").lower() or "no reason was told"


def facts_of(attrs: asyncssh.SFTPAttrs) -> Facts:
    """What is known of a name."""
    mode = attrs.permissions
    kind = Kind.OTHER if mode is None else _kinds.get(stat.S_IFMT(mode), Kind.OTHER)
    bits = None if mode is None else stat.S_IMODE(mode)
    return Facts(kind, attrs.size or 0, bits, attrs.uid, attrs.gid, attrs.mtime)
