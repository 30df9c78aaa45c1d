"""Who calls."""

from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    """The door that a principal came in by."""

    STDIO = "stdio"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request is for. `name` is what the audit log says, such as `stdio:alice`."""

    name: str
    via: Via
