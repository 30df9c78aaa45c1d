"""What is sent to a host's `sh`, how paths come to it, which is as data, and what its answers mean. Pure."""

import stat
from collections.abc import Sequence
from typing import Protocol

from mcp_ssh.model.fileerrors import (
    DiskFullError,
    FileDeniedError,
    FileError,
    FileThereError,
    NoSuchFileError,
    NotAFileError,
)
from mcp_ssh.model.files import Facts, Kind, named
from mcp_ssh.ports import Receiver

_read = 'g() { read -r v; v=$(printf %b "$v"; echo x); v=${v%x}; }; '
_names = ("p", "q")
_complaints: tuple[tuple[str, type[FileError], str], ...] = (
    ("no space left", DiskFullError, "has no room: the disk is full"),
    ("disk quota exceeded", DiskFullError, "has no room: the quota is used up"),
    ("permission denied", FileDeniedError, "may not be touched like that by the login"),
    ("operation not permitted", FileDeniedError, "may not be touched like that by the login"),
    ("read-only file system", FileDeniedError, "is on a file system that is read-only"),
    ("file exists", FileThereError, "is there already"),
    ("cannot overwrite existing", FileThereError, "is there already"),
    ("is a directory", NotAFileError, "is a folder"),
    ("not a directory", NotAFileError, "is no folder"),
    ("no such file", NoSuchFileError, "is not there"),
    ("directory nonexistent", NoSuchFileError, "is not there"),
    ("nonexistent directory", NoSuchFileError, "is not there"),
    ("too many levels", NoSuchFileError, "is a link that leads nowhere"),
    ("symbolic link loop", NoSuchFileError, "is a link that leads nowhere"),
)
_types = {"-": Kind.FILE, "d": Kind.FOLDER, "l": Kind.LINK} | dict.fromkeys("bcps", Kind.OTHER)
_kinds = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}


class Exec(Protocol):
    """Whatever runs a command on a channel: a connection."""

    async def open_exec(self, command: str, receiver: Receiver) -> None:
        """As a connection does."""
        ...


def request(script: str, paths: int) -> str:
    """The line that runs a script of ours. It holds no quote, no `!` and no pair of backslashes.

    So it says the same to every login shell: within single quotes fish knows backslashes, and csh knows `!`.
    """
    taken = "".join(f"g; {name}=$v; " for name in _names[:paths])
    return f"exec sh -c 'LC_ALL=C; export LC_ALL; {_read}{taken}{script}'"


def words(paths: Sequence[str]) -> bytes:
    """The lines that the script reads first: each byte of a path as an octal escape."""
    lines = ["".join(f"\\0{byte:03o}" for byte in path.encode("utf-8", "surrogateescape")) for path in paths]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def facts_of(told: str) -> Facts:
    """What `stat -c '%f %s %u %g %Y'` or `ls -ldn` says; of a device `ls` tells two numbers and no size."""
    parts = told.split()
    if len(parts) == 5 and all(part.isdigit() for part in parts[1:]):  # noqa: PLR2004  that many `%`
        mode = int(parts[0], 16)
        return Facts(
            _kinds.get(stat.S_IFMT(mode), Kind.OTHER),
            int(parts[1]),
            stat.S_IMODE(mode),
            int(parts[2]),
            int(parts[3]),
            int(parts[4]),
        )
    if len(parts) < 5 or parts[0][:1] not in _types or not (parts[2] + parts[3]).isdigit():  # noqa: PLR2004  as above
        raise FileError("the host tells of its files in a form that is not known")
    size = int(parts[4]) if parts[4].isdigit() else 0
    return Facts(_types[parts[0][0]], size, _bits(parts[0][1:10]), int(parts[2]), int(parts[3]))


def _bits(letters: str) -> int:
    """`rwxr-x---` as a number; `s` and `t` are an `x` with something more, which is left out."""
    return sum(1 << (8 - at) for at, letter in enumerate(letters) if letter in "rwxst")


def complaint(about: str, said: bytes, code: int | None) -> FileError:
    """What the host's programs say of a path, in English because they were asked to, as an error."""
    words = said.decode("utf-8", "replace").lower()
    for text, kind, fact in _complaints:
        if text in words:
            return kind(f"{named(about)} {fact}")
    reason = " ".join(words.split())[:200].rstrip(".") or f"exit code {code}"
    return FileError(f"{named(about)} could not be had ({reason})")
