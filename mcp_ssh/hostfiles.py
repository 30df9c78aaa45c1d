"""The Protocol of a host's files, beside those of ports.py: SFTP, the host's shell, and memory in tests keep it."""

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from mcp_ssh.model.files import Facts, Page


class Opening(StrEnum):
    """How a file is opened.

    `CREATE`: nothing may be there, links included, and it is the login's alone. `APPEND`: it is there.
    """

    READ = "read"
    CREATE = "create"
    APPEND = "append"


class OpenFile(Protocol):
    """One file of a host that is open. Calls come one after the other; each holds no more than its own bytes."""

    async def read(self, offset: int, size: int) -> bytes:
        """The bytes from there on: `size` of them, or as many as there are."""
        ...

    async def write(self, offset: int, data: bytes) -> None:
        """Write all of it there, or at the end of a file that is appended to; return when the host has it."""
        ...

    async def facts(self) -> Facts:
        """What is known of it now."""
        ...

    async def settle(self, *, mode: int | None = None, owner: tuple[int, int] | None = None) -> bool:
        """Give it owner and mode, and put it on the disk where the host can; whether the owner is the one asked for."""
        ...


class Files(Protocol):
    """The files of a host, by absolute paths. An error of a file is a `FileError`.

    A broken connection is a `SessionLostError` with `sent` false: what that means for the call is its caller's to say.
    """

    async def home(self) -> str:
        """The login's home."""
        ...

    async def real(self, path: str) -> str:
        """Where the path leads, all links followed. Raises `NoSuchFileError` for one that leads nowhere."""
        ...

    async def facts(self, path: str) -> Facts:
        """What stands under the name itself; a link is not followed."""
        ...

    async def target(self, path: str) -> str:
        """What a link says."""
        ...

    async def page(self, path: str, offset: int, most: int) -> Page:
        """Names of a folder."""
        ...

    async def make_folder(self, path: str) -> None:
        """Make a folder that is the login's alone. Raises `FileThereError` if something has the name."""
        ...

    def open(self, path: str, how: Opening) -> AbstractAsyncContextManager[OpenFile]:
        """The file, open for as long as the context is."""
        ...

    async def replace(self, part: str, path: str) -> None:
        """Give the file `part` the name `path` in one step; what had it is gone."""
        ...

    async def place(self, part: str, path: str) -> None:
        """Give the file `part` the name `path`. Raises `FileThereError` if something has it."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a file; one that is not there is removed already."""
        ...
