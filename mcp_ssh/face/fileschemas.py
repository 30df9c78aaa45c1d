"""The output schemas of the files group."""

from typing import Any

from pydantic import BaseModel

from mcp_ssh.face.schemas import Sparse


class FilePart(BaseModel):
    """A part of a file. `facts`: encoding, offset, size, mode, owner, modified; sha256 if all of it is here."""

    host: str
    path: str
    content: str
    next_offset: int | None
    facts: dict[str, Any]
    notes: list[str]


class DirectoryList(BaseModel):
    """Names of a folder, or the one file: each with name, kind, size, mode, modified and target."""

    host: str
    path: str
    entries: list[dict[str, Any]]
    total: int
    next_offset: int | None
    notes: list[str]


class FileDone(Sparse):
    """A file that was written or moved. `facts`: created, bytes, sha256, mode; of a transfer local and seconds.

    One that still is on its way is a `task`; its facts are bytes and total.
    """

    host: str
    path: str
    facts: dict[str, Any]
    notes: list[str]
    task: str | None = None
