"""The output schemas of the system tools."""

from typing import Any

from pydantic import BaseModel


class FactRow(BaseModel):
    """One fact, and the file or command that tells it."""

    value: Any
    source: str


class SystemInfo(BaseModel):
    """What is known of a host, and since when."""

    host: str
    as_of: str
    age_seconds: float
    fresh: bool
    facts: dict[str, FactRow]
    notes: list[str]


class ServiceStatus(BaseModel):
    """One service; None where nobody can tell."""

    host: str
    service: str
    init: str
    exists: bool | None
    active: bool | None
    state: str
    enabled: str
    pid: int | None
    since: str
    description: str
    notes: list[str]


class ChangeRow(BaseModel):
    """A package with its versions; None where it was or is not installed."""

    package: str
    before: str | None
    after: str | None


class Installed(BaseModel):
    """What became of an installation. Without `outcome` nothing had to be done; `after` is None where nobody knows."""

    host: str
    manager: str
    changes: list[ChangeRow]
    before: dict[str, str]
    after: dict[str, str] | None
    outcome: str | None
    exit_code: int | None
    handle: str | None
    stdout: str
    stderr: str
    notes: list[str]
