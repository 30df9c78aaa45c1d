"""The environment variables of the daemon, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_ssh.model.errors import ConfigurationError, Fault


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the table."""

    name: str
    meaning: str
    default: str


variables = (
    Variable("MCP_SSH_CONFIG", "the configuration file", "`~/.config/mcp-ssh/hosts.yaml`"),
    Variable("MCP_AUDIT_LOG", "overrides `settings.audit_log`", ""),
    Variable("LOG_LEVEL", "`debug`, `info`, `warning` or `error`, to stderr", "`settings.log_level`"),
    Variable("MCP_TRANSPORT", "`stdio` is served", "`stdio`"),
)

_levels = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the variables say. `None` leaves it to the file."""

    config: Path
    home: Path
    audit_log: str | None = None
    log_level: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], home: Path) -> "Environment":
        """Read the variables; an empty one counts as absent. Raises `ConfigurationError` with all faults."""
        faults = []
        level = environ.get("LOG_LEVEL", "").lower() or None
        if level is not None and level not in _levels:
            faults.append(Fault("environment", 0, "LOG_LEVEL", f"must be one of {', '.join(_levels)}"))
        if environ.get("MCP_TRANSPORT", "") not in {"", "stdio"}:
            faults.append(Fault("environment", 0, "MCP_TRANSPORT", "this version serves stdio only"))
        if faults:
            raise ConfigurationError(faults)
        return cls(
            config=_config(environ, home), home=home, audit_log=environ.get("MCP_AUDIT_LOG") or None, log_level=level
        )


def _config(environ: Mapping[str, str], home: Path) -> Path:
    """Never in the working directory: a folder that somebody made must not choose where commands run."""
    named = environ.get("MCP_SSH_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    folder = environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else home / ".config") / "mcp-ssh" / "hosts.yaml"
