"""The environment variables of the daemon, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcp_ssh.config.fields import is_base_url
from mcp_ssh.model.faults import ConfigurationError, Fault


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the table."""

    name: str
    meaning: str
    default: str


variables = (
    Variable("MCP_SSH_CONFIG", "the configuration file", "`~/.config/mcp-ssh/hosts.yaml`"),
    Variable("MCP_SSH_CONFIG_DIR", "the folder that `hosts.yaml` stands in, where `MCP_SSH_CONFIG` is not set", ""),
    Variable("MCP_SSH_KEYS_DIR", "overrides `settings.keys_dir`", ""),
    Variable("MCP_SSH_SECRETS_DIR", "a folder with one file a secret, named as the variable would be", ""),
    Variable("MCP_SSH_SECRET_<NAME>", "the secret `<NAME>`, where no variable of that name is set", ""),
    Variable("MCP_AUDIT_LOG", "overrides `settings.audit_log`", ""),
    Variable("LOG_LEVEL", "`debug`, `info`, `warning` or `error`, to stderr", "`settings.log_level`"),
    Variable("MCP_TRANSPORT", "overrides `server.transport`: `stdio`, `sse`, `http` or `sse+http`", "`stdio`"),
    Variable("MCP_AUTH_TOKEN", "the bearer token of the network faces, 32 characters or more", ""),
    Variable("MCP_TOKEN", "on stdio: the token to act as; without it the user may do everything", ""),
    Variable("MCP_RELOAD_INTERVAL", "seconds between looks at hosts.yaml for changes; 0: only on SIGHUP", "`5`"),
    Variable("MCP_IDLE_EXIT", "seconds until a daemon that nobody is attached to ends, without sessions", "`300`"),
    Variable("MCP_HOST", "overrides `server.host`: the address to listen on", "`127.0.0.1`"),
    Variable("MCP_PORT", "overrides `server.port`: the port to listen on", "`8000`"),
    Variable("TOKEN_EXPIRY_HOURS", "how long tokens of `mcp-ssh tokens create` are valid without `--days`", "for ever"),
    Variable("RATE_LIMIT_ENABLED", "`true` or `false`: overrides `rate_limit.enabled`", ""),
    Variable("RATE_LIMIT_PER_MINUTE", "overrides `rate_limit.requests_per_minute`", ""),
    Variable("RATE_LIMIT_PER_HOUR", "overrides `rate_limit.commands_per_hour`", ""),
    Variable("PUBLIC_BASE_URL", "overrides `server.public_base_url`: how clients reach it through a proxy", ""),
)

_levels = ("debug", "info", "warning", "error")
transports = {
    "stdio": frozenset[str](),
    "sse": frozenset({"sse"}),
    "http": frozenset({"http"}),
    "sse+http": frozenset({"sse", "http"}),
}
token_missing = "is required for the network; make one with: export MCP_AUTH_TOKEN=$(openssl rand -hex 32)"  # noqa: S105  no token
least_token_chars = 32
longest_interval_s = 3_600
most_number = 1_000_000


@dataclass(frozen=True, slots=True)
class Network:
    """What the variables say of where MCP is served, and the bearer token of the network faces."""

    faces: frozenset[str] | None = None
    host: str | None = None
    port: int | None = None
    public_base_url: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RateOverrides:
    """What the variables say of rates; `None` leaves it to the file."""

    enabled: bool | None = None
    per_minute: int | None = None
    per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What the variables say. `None` leaves it to the file. `environ` is where named secrets of tokens stand."""

    config: Path
    home: Path
    audit_log: str | None = None
    log_level: str | None = None
    network: Network = Network()
    token: str | None = field(default=None, repr=False)
    reload_interval_s: float = 5.0
    idle_exit_s: float = 300.0
    keys_dir: str | None = None
    rates: RateOverrides = RateOverrides()
    token_hours: int | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], home: Path) -> "Environment":
        """Read the variables; an empty one counts as absent. Raises `ConfigurationError` with all faults."""
        faults: list[Fault] = []
        level = environ.get("LOG_LEVEL", "").lower() or None
        if level is not None and level not in _levels:
            faults.append(Fault("environment", 0, "LOG_LEVEL", f"must be one of {', '.join(_levels)}"))
        network = _network(environ, faults)
        interval = _seconds(environ, "MCP_RELOAD_INTERVAL", "5", faults)
        idle_exit = _seconds(environ, "MCP_IDLE_EXIT", "300", faults)
        rates = _rates(environ, faults)
        token_hours = _number(environ, "TOKEN_EXPIRY_HOURS", faults)
        if faults:
            raise ConfigurationError(faults)
        return cls(
            config=_config(environ, home),
            home=home,
            audit_log=environ.get("MCP_AUDIT_LOG") or None,
            log_level=level,
            network=network,
            token=environ.get("MCP_TOKEN") or None,
            reload_interval_s=interval,
            idle_exit_s=idle_exit,
            keys_dir=environ.get("MCP_SSH_KEYS_DIR") or None,
            rates=rates,
            token_hours=token_hours,
            environ=environ,
        )


def _rates(environ: Mapping[str, str], faults: list[Fault]) -> RateOverrides:
    enabled = environ.get("RATE_LIMIT_ENABLED", "").lower()
    if enabled not in {"", "true", "false"}:
        faults.append(Fault("environment", 0, "RATE_LIMIT_ENABLED", "must be true or false"))
    return RateOverrides(
        enabled == "true" if enabled else None,
        _number(environ, "RATE_LIMIT_PER_MINUTE", faults),
        _number(environ, "RATE_LIMIT_PER_HOUR", faults),
    )


def _number(environ: Mapping[str, str], name: str, faults: list[Fault]) -> int | None:
    text = environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) <= most_number):
        faults.append(Fault("environment", 0, name, f"must be a number, 1 to {most_number}"))
        return None
    return int(text) if text else None


def _seconds(environ: Mapping[str, str], name: str, default: str, faults: list[Fault]) -> float:
    text = environ.get(name) or default
    if text.isascii() and text.replace(".", "", 1).isdigit() and float(text) <= longest_interval_s:
        return float(text)
    faults.append(Fault("environment", 0, name, f"must be seconds, 0 to {longest_interval_s}"))
    return 0.0


def _network(environ: Mapping[str, str], faults: list[Fault]) -> Network:
    def fault(name: str, message: str) -> None:
        faults.append(Fault("environment", 0, name, message))

    transport = environ.get("MCP_TRANSPORT")
    faces = transports.get(transport) if transport else None
    if transport and faces is None:
        fault("MCP_TRANSPORT", f"must be one of {', '.join(transports)}")
    token = environ.get("MCP_AUTH_TOKEN") or None
    if faces and token is None:
        fault("MCP_AUTH_TOKEN", token_missing)
    if token is not None and (len(token) < least_token_chars or any(char.isspace() for char in token)):
        fault("MCP_AUTH_TOKEN", "must have 32 characters or more and no blanks, as openssl rand -hex 32 makes them")
    port = environ.get("MCP_PORT") or None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= 65_535):  # noqa: PLR2004  a TCP port
        fault("MCP_PORT", "must be a port, 1 to 65535")
        port = None
    public = environ.get("PUBLIC_BASE_URL") or None
    if public is not None and not is_base_url(public):
        fault("PUBLIC_BASE_URL", "must be a URL such as https://mcp.example.com")
    return Network(faces, environ.get("MCP_HOST") or None, int(port) if port else None, public, token)


def _config(environ: Mapping[str, str], home: Path) -> Path:
    """Never in the working directory: a folder that somebody made must not choose where commands run."""
    named = environ.get("MCP_SSH_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    own = environ.get("MCP_SSH_CONFIG_DIR")
    if own:
        return Path(own).expanduser().absolute() / "hosts.yaml"
    folder = environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else home / ".config") / "mcp-ssh" / "hosts.yaml"
