"""Who calls."""

from dataclasses import dataclass
from enum import StrEnum


class Via(StrEnum):
    """The door that a principal came in by."""

    STDIO = "stdio"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request is for. `name` is what the audit log says, such as `stdio:alice`."""

    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and by which program. `client` is what the program says of itself: recorded, never believed.

    `conversation` tells the connections of one principal apart; it is empty where a client has none that lasts.
    """

    principal: Principal
    client: str = ""
    conversation: str = ""
