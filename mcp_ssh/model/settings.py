"""What the `settings:` block means once it is checked. Durations in seconds, sizes in bytes."""

from dataclasses import dataclass

from mcp_ssh.model.host import HostKeyChecking
from mcp_ssh.model.policy import Confirm


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """How the audit log is kept. `key_env` names the secret that signs it; `also` are `stderr` and `syslog`."""

    shows_command: bool = True
    sync_always: bool = False
    rotate_bytes: int = 104_857_600
    key_env: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TunnelListener:
    """Where devices dial in, if they may."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = 2222


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the daemon. Paths are absolute and have `~` expanded.

    Terminals are recorded where `recording_keep_days` is set. `shortens_idle`: nobody set `idle_timeout`, so that a
    platform may. `max_parallel`: hosts at once of one call. `transfer_dir`: the one local folder of transfers.
    """

    state_dir: str
    audit_log: str
    known_hosts: tuple[str, ...]
    secrets_dir: str | None = None
    secret_command: tuple[str, ...] = ()
    audit: AuditSettings = AuditSettings()
    recording_keep_days: int | None = None
    profiles_dir: str | None = None
    idle_timeout_s: float = 600.0
    shortens_idle: bool = False
    command_timeout_s: float = 60.0
    connect_timeout_s: float = 15.0
    reply_within_s: float = 45.0
    outputs_quota_bytes: int = 268_435_456
    outputs_ttl_s: float = 3_600.0
    keepalive_interval_s: float = 15.0
    max_command_chars: int = 10_000
    max_output_bytes: int = 1_048_576
    max_sessions: int = 256
    rate_limit_enabled: bool = True
    calls_per_minute: int = 60
    calls_per_hour: int = 500
    host_key_checking: HostKeyChecking = HostKeyChecking.ACCEPT_NEW
    deny_patterns: tuple[str, ...] = ()
    builtin_deny: bool = True
    confirm: Confirm | None = None
    log_level: str = "info"
    tool_groups: tuple[str, ...] = ("core", "fleet", "tasks", "files")
    max_parallel: int = 32
    transfer_dir: str | None = None
    task_result_ttl_s: float = 300.0
    task_progress_interval_s: float = 5.0
    tunnel_listener: TunnelListener = TunnelListener()
