"""Files of a host: what is asked, what is known of one, and what came of it.

A path is text in which bytes that are no UTF-8 stand as PEP 383 has them; it begins with `/` or with `~`, the login's
home. A mode is the nine permission bits.
"""

import hashlib
import shlex
from dataclasses import dataclass, field
from enum import StrEnum

most_inline_bytes = 30_000
"""Of a file in one answer; as base64 less, so that it is as many characters."""
most_content_chars = 100_000
"""Of a file in one call: all of it is judged. Larger ones are transferred."""
most_entries = 200
"""Of a folder in one answer."""

_ignorable = (
    (0x34F, 0x34F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
)
"""Letters and marks that are drawn as nothing (Unicode, Default_Ignorable_Code_Point); all others are not printable."""


class FileAction(StrEnum):
    """What is done with a file or folder."""

    READ = "read"
    LIST = "list"
    WRITE = "write"
    APPEND = "append"
    UPLOAD = "upload"
    DOWNLOAD = "download"

    @property
    def writes(self) -> bool:
        """Whether it changes the host."""
        return self in {FileAction.WRITE, FileAction.APPEND, FileAction.UPLOAD}

    @property
    def moves(self) -> bool:
        """Whether it goes between the host and our own folder, past the model."""
        return self in {FileAction.UPLOAD, FileAction.DOWNLOAD}


_commands = {FileAction.READ: "cat", FileAction.DOWNLOAD: "cat", FileAction.LIST: "ls -la"}


@dataclass(frozen=True, slots=True)
class FileWish:
    """What is asked of one file. `content` is what is written; `size` and `sha256` (hex) are those of what is written.

    `mode`: the permissions that it gets. `local`: the name in our own folder. `timeout_s`: None leaves it to the host.
    """

    action: FileAction
    path: str
    content: bytes | None = field(default=None, repr=False)
    size: int | None = None
    sha256: str = ""
    mode: int | None = None
    local: str = ""
    timeout_s: float | None = None

    @property
    def line(self) -> str:
        """The command that would do the same on that path: what is judged, and what rules of the policy are about."""
        path = quoted(self.path)
        if not self.action.writes:
            return f"{_commands[self.action]} {path}"
        redirection = f"{'>>' if self.action is FileAction.APPEND else '>'} {path}"
        return redirection if self.mode is None else f"{redirection} && chmod {self.mode:04o} {path}"

    @property
    def script(self) -> str | None:
        """The same with what is written, where that is known: what it leaves in a file that is run is judged, too."""
        if self.content is None:
            return None
        text = self.content.decode("utf-8", "replace").replace("\0", "\ufffd")
        word = f"END_{hashlib.sha256(self.content).hexdigest()[:16]}"  # no text can hold its own
        arrow = ">>" if self.action is FileAction.APPEND else ">"
        return f"cat {arrow} {quoted(self.path)} <<'{word}'\n{text}\n{word}"

    @property
    def told(self) -> str:
        """What is really done, in words."""
        path, size = named(self.path), f"{self.size} bytes"
        match self.action:
            case FileAction.READ:
                return f"read {path}"
            case FileAction.LIST:
                return f"list {path}"
            case FileAction.DOWNLOAD:
                return f"download {path} to {named(self.local)}"
            case FileAction.APPEND:
                words = f"append {size} to {path}"
            case FileAction.WRITE:
                words = f"write {size} to {path}"
            case FileAction.UPLOAD:
                words = f"upload {named(self.local)}, {size}, to {path}"
        return words if self.mode is None else f"{words} with mode {self.mode:04o}"

    @property
    def binding(self) -> str:
        """All that a yes to it is for: another content, mode or place is another request."""
        return "\0".join((self.action, self.path, str(self.size), self.sha256, str(self.mode), self.local))


def quoted(path: str) -> str:
    """The path as one word of a shell's line, whatever is in it; `~` in front stays the home."""
    if path == "~" or path.startswith("~/"):
        return f"~/{shlex.quote(path[2:])}" if path[2:] else "~"
    return shlex.quote(path)


def named(path: str) -> str:
    """A name for people, on one line, and no two names alike: what cannot be seen in it is written as `$'…'` has it."""
    if path and path == path.strip(" ") and not path.startswith("$'") and all(map(_is_plain, path)):
        return path
    return "$'" + "".join(map(_escaped, path)) + "'"


def _is_plain(char: str) -> bool:
    return char.isprintable() and not any(low <= ord(char) <= high for low, high in _ignorable)


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if _is_plain(char):
        return char
    if "\ud800" <= char < "\udc80" or (char > "\udcff" and char <= "\udfff"):  # half of a character, and no byte
        return f"\\u{ord(char):04x}"
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


class Kind(StrEnum):
    """What stands under a name. `OTHER` is a device, a pipe or a socket."""

    FILE = "file"
    FOLDER = "directory"
    LINK = "symlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a host tells of one name, links not followed. `mtime`: seconds since the epoch. None: it is not told."""

    kind: Kind
    size: int
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None

    @property
    def owner(self) -> str:
        """Owner and group as numbers, empty where they are not told."""
        return "" if self.uid is None else f"{self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a folder. `target` is where a link leads."""

    name: str
    facts: Facts
    target: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the names of a folder, in the order of their bytes, and how many there are.

    `is_cut`: the host has more of them than were counted.
    """

    entries: tuple[Entry, ...]
    total: int
    is_cut: bool = False


@dataclass(slots=True, eq=False)
class Progress:
    """How far a transfer is, in bytes; `total` as it was when it began."""

    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What came of it. `path` is the real one; `size` how many bytes were read, written or moved.

    `sha256` (hex) is that of the whole file and empty where it is not known. `notes`: what a person should know.
    """

    path: str
    size: int = 0
    sha256: str = ""
    notes: tuple[str, ...] = ()
    facts: Facts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult(FileResult):
    """A part of a file, without our secrets. `next_offset`: where it goes on; None at its end."""

    data: bytes
    offset: int
    next_offset: int | None
    is_text: bool
    scrubbed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult(FileResult):
    """Names of a folder from `offset` on, or the one file that stands there."""

    page: Page
    offset: int
    is_folder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult(FileResult):
    """A file that was written. `created`: there was none before."""

    created: bool
    mode: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult(WriteResult):
    """A file that went from one side to the other."""

    local: str
    seconds: float
