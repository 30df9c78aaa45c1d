"""What keeps a daemon from starting, or from taking a new configuration."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_ssh.model.errors import McpSshError


class ConfigurationKeptError(McpSshError):
    """A configuration file with faults is not taken."""

    code = "config_kept"


class AlreadyServedError(McpSshError):
    """Another daemon has the socket of this configuration."""

    code = "already_served"
    exit_code = 75
    """That of a process which ends for it (sysexits EX_TEMPFAIL): whoever started it can attach."""


class AttachError(McpSshError):
    """No daemon to attach to, or one that lets nobody in."""

    code = "attach_failed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a configuration file: where it stands, which key, and what to write instead."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class ConfigurationError(McpSshError):
    """The configuration cannot be used; all of its faults at once."""

    code = "config_invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        count = len(faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the configuration")
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([f"{self.message}:", *(f"  {fault}" for fault in self.faults)])
