"""The form of the `settings:` block of hosts.yaml. Durations are in seconds, sizes in bytes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_ssh.config.fields import Bytes, Checking, ConfirmName, Entry, EnvName, PatternText, Seconds

ToolGroup = Literal["core", "fleet", "tasks", "files", "system", "nodes", "admin"]


class OutputsEntry(Entry):
    """What is kept of outputs that are too long for an answer, or whose command still runs."""

    quota_bytes: Annotated[int, Field(ge=65_536, le=1_099_511_627_776)] = Field(
        268_435_456, description="Bytes kept for one caller; the oldest make room"
    )
    ttl: Seconds = Field(3_600, description="Seconds that an output is kept after its command ended")


class AuditEntry(Entry):
    """How the audit log is kept."""

    log_command: Literal["redacted", "hmac"] = Field(
        "redacted", description="hmac: the HMAC of a command instead of its text; needs key_env"
    )
    sync: Literal["command", "always"] = Field(
        "command", description="always: endings, too, are on the disk before they are told"
    )
    rotate_bytes: Annotated[int, Field(ge=65_536, le=1_099_511_627_776)] = Field(
        104_857_600, description="From this size on the log goes on in a new file; nothing is deleted"
    )
    key_env: EnvName | None = Field(
        None, description="Name of the secret that signs checkpoints: 32 characters or more, or a private Ed25519 key"
    )
    also: list[Literal["stderr", "syslog"]] = Field([], description="Where each record is sent as well")

    @model_validator(mode="after")
    def _has_a_key_for_its_hmac(self) -> Self:
        if self.log_command == "hmac" and self.key_env is None:
            raise PydanticCustomError("fault", "is required for log_command hmac", {"at": "key_env"})
        return self


class RecordingEntry(Entry):
    """Recordings of terminals, in state_dir/recordings."""

    enabled: bool = False
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = Field(30, description="Days until one is removed")


class SettingsEntry(Entry):
    """Settings of the daemon."""

    @model_validator(mode="after")
    def _command_says_which(self) -> Self:
        if self.secret_command is not None and not any("{name}" in part for part in self.secret_command[1:]):
            raise PydanticCustomError(
                "fault", "must hold {placeholder} behind the program", {"placeholder": "{name}", "at": "secret_command"}
            )
        return self

    idle_timeout: Seconds = Field(600, description="Idle sessions close after this many seconds")
    command_timeout: Seconds = Field(60, description="A command's time, where the call gives none")
    reply_within: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = Field(
        45, description="A call answers by then; a command that still runs goes on, and ssh_read tells of it"
    )
    connect_timeout: Seconds = Field(15, description="Seconds for connecting and logging in")
    keepalive_interval: Seconds = Field(15, description="How often an idle connection is probed")
    max_command_chars: Annotated[int, Field(ge=1, le=65_536)] = Field(10_000, description="Longest command")
    max_output_bytes: Bytes = Field(1_048_576, description="Bytes kept of each output: head and tail")
    outputs: OutputsEntry = OutputsEntry()
    max_parallel: Annotated[int, Field(ge=1, le=1_000)] = Field(32, description="Hosts at once of one ssh_run_many")
    max_sessions: Annotated[int, Field(ge=1, le=10_000)] = Field(256, description="Sessions open at once")
    host_key_checking: Checking = Field("accept-new", description="strict, accept-new or off")
    known_hosts: list[str] = Field(["~/.ssh/known_hosts"], description="Files that are read; new keys go to state_dir")
    state_dir: str = Field("~/.mcp_ssh", min_length=1, description="What the daemon writes")
    secrets_dir: str | None = Field(
        None, min_length=1, description="Folder with one file a secret, named as the variable would be, and a .env"
    )
    secret_command: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=50)] | None = Field(
        None, description="Program and arguments that print the secret {name}, where nothing else has it"
    )
    keys_dir: str | None = Field(None, description="Folder of relative key paths; absent: the folder of this file")
    profiles_dir: str | None = Field(None, min_length=1, description="Folder of your own platform profiles")
    audit_log: str = Field("~/.mcp_ssh/audit.log", min_length=1)
    audit: AuditEntry = AuditEntry()
    recording: RecordingEntry = RecordingEntry()
    deny_patterns: list[PatternText] = Field([], description="Added to the built-in deny list")
    confirm: ConfirmName | None = Field(
        None, description="absent: auto on stdio and for tokens with override, else human"
    )
    builtin_deny: bool = Field(True, description="false switches the built-in deny list off")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tool_groups: Annotated[list[ToolGroup], Field(min_length=1)] = Field(
        ["core", "fleet", "tasks", "files"],
        description="Tools that are offered; system: facts, services, packages; nodes: hosts that "
        "are added; admin: ssh_reload_config",
    )
    transfer_dir: str | None = Field(
        None, min_length=1, description="The one local folder of ssh_transfer; absent: nothing is transferred"
    )
    task_result_ttl: Seconds = Field(300, description="Seconds that the result of a task is kept after its end")
    task_progress_interval: Annotated[float, Field(ge=0.1, le=3_600, allow_inf_nan=False)] = Field(
        5, description="How often a client hears that a command goes on"
    )
