"""What is asked: a command with its limits, and the request that carries it through the pipeline."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.principal import Principal


@dataclass(frozen=True, slots=True)
class Command:
    """The text exactly as it will run, with its limits. `max_output_bytes` counts for each of the two outputs."""

    text: str
    timeout_s: float
    max_output_bytes: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A command as a caller asks for it. `None` leaves a limit to the host and the settings."""

    text: str
    timeout_s: float | None = None
    max_output_bytes: int | None = None


class Operation(StrEnum):
    """What a tool asks of a host. The value is what the audit log says under `tool`."""

    CONNECT = "ssh_connect"
    RUN = "ssh_run"
    DISCONNECT = "ssh_disconnect"
    PLAN = "ssh_plan"


@dataclass(frozen=True, slots=True)
class Request:
    """One call on one host. `id` joins its records; `confirmed` is the model's `confirm_dangerous`."""

    id: str
    principal: Principal
    operation: Operation
    host: str
    wish: Wish | None = None
    confirmed: bool = False
    client: str = ""
