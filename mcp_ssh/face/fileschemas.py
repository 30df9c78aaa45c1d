"""The output schemas of the file tools; the others are in schemas.py."""

from typing import Any

from pydantic import BaseModel


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


class FileDone(BaseModel):
    """A file that was written or moved. `facts`: created, bytes, sha256, mode; of a transfer local and seconds."""

    host: str
    path: str
    facts: dict[str, Any]
    notes: list[str]
