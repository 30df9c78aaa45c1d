"""The format of hosts.yaml, strict: what is not here is refused, and nothing is coerced.

Run as a module it prints the JSON schema for editors. Durations are in seconds, sizes in bytes.
"""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_ssh.config.fields import (
    Address,
    BaseUrl,
    Bytes,
    CharsetName,
    Checking,
    CliLine,
    Day,
    Entry,
    EnvName,
    Fingerprint,
    PatternText,
    RegexText,
    Seconds,
    ShellName,
    Tag,
)
from mcp_ssh.config.policy import AccessName, PolicyEntry

ConfirmName = Literal["auto", "human", "model", "never"]

_method_keys: dict[str, tuple[str, set[str]]] = {
    "key": ("key_path", {"key_path", "passphrase_env"}),
    "password": ("password_env", {"password_env"}),
    "keyboard-interactive": ("password_env", {"password_env"}),
    "agent": ("", set()),
}


class AuthEntry(Entry):
    """How to log in. Secrets are named, never written."""

    method: Literal["key", "password", "agent", "keyboard-interactive"]
    key_path: str | None = Field(None, min_length=1, description="Private key file, for method key")
    passphrase_env: EnvName | None = Field(None, description="Environment variable with the key's passphrase")
    password_env: EnvName | None = Field(None, description="Environment variable with the password")

    @model_validator(mode="after")
    def _has_what_its_method_needs(self) -> Self:
        needed, taken = _method_keys[self.method]
        for name in ("key_path", "passphrase_env", "password_env"):
            given = getattr(self, name) is not None
            if name == needed and not given:
                raise PydanticCustomError(
                    "fault", "is required for method {method}", {"method": self.method, "at": name}
                )
            if given and name not in taken:
                raise PydanticCustomError(
                    "fault", "has no meaning for method {method}", {"method": self.method, "at": name}
                )
        return self


class LimitsEntry(Entry):
    """What a command on the host may use."""

    max_seconds: Seconds | None = Field(None, description="Longest time that a command may take")
    max_output_bytes: Bytes | None = Field(None, description="Bytes kept of each output")
    max_concurrent: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="Commands at once")
    idle_seconds: Seconds | None = Field(None, description="Longest silence of a command before it is ended")


class LoginStepEntry(Entry):
    """A text that a device shows before its first prompt, and what is sent for it."""

    match: RegexText
    send: str = Field(max_length=200)


class CredentialEntry(Entry):
    """A login that several hosts share."""

    user: str = Field(min_length=1, max_length=64)
    auth: AuthEntry


class DefaultsEntry(Entry):
    """What hosts have that say nothing else."""

    user: str | None = Field(None, min_length=1, max_length=64, description="Login name")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(None, description="SSH port, 22 if absent")
    auth: AuthEntry | None = None
    credentials: str | None = Field(None, description="Name of an entry under credentials, instead of user and auth")
    shell: ShellName | None = Field(None, description="posix: commands on exec channels; cli: a terminal")
    prompt_regex: PatternText | None = Field(None, description="The prompt of a cli host, matched at the line's end")
    platform: str | None = Field(
        None, description="What kind of device a cli host is, such as cisco_ios", max_length=50
    )
    commit: Literal["auto", "verified"] | None = Field(None, description="verified: look at the echo of every command")
    init_commands: list[CliLine] | None = Field(None, description="Sent after the login, beside the platform's own")
    login_dialogue: list[LoginStepEntry] | None = Field(None, description="What the device asks before its prompt")
    enable_env: EnvName | None = Field(None, description="Environment variable with a cli host's enable secret")
    sudo_env: EnvName | None = Field(None, description="Environment variable with the secret that sudo asks for")
    multiline: bool | None = Field(None, description="true: ssh_shell takes several lines in one call on a cli host")
    charset: CharsetName | None = Field(None, description="Character set of a cli host, where it is not UTF-8")
    description: str | None = Field(None, max_length=500)
    tags: list[Tag] | None = Field(None, max_length=50)
    enabled: bool | None = None
    legacy_crypto: bool | None = Field(
        None, description="true: key exchange, ciphers and signatures that are broken or weak, for this host alone"
    )
    transport: Literal["asyncssh", "openssh", "command"] | None = Field(
        None, description="openssh: the system's ssh client; command: a program that leads to a console"
    )
    command: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=50)] | None = Field(
        None, description="For transport command: the program and its arguments, such as [telnet, 10.0.0.1]"
    )
    host_key: Fingerprint | None = Field(None, description="The one host key that is accepted: SHA256:...")
    host_key_checking: Checking | None = None
    deny_patterns: list[PatternText] | None = Field(None, description="Added to those of settings")
    limits: LimitsEntry | None = None
    access: AccessName | None = Field(None, description="unrestricted: all but what is dangerous; readonly; restricted")
    mode: AccessName | None = Field(None, description="The old name of access")
    confirm: ConfirmName | None = Field(
        None, description="Who may say yes to what is dangerous; instead of that of settings"
    )
    allow_patterns: list[PatternText] | None = Field(None, description="restricted: each simple command in full")


class HostEntry(DefaultsEntry):
    """One host."""

    host: Address = Field(description="Host name or IP address")


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
    tool_groups: Annotated[list[Literal["core", "admin"]], Field(min_length=1)] = Field(
        ["core"], description="Tools that are offered; admin: ssh_reload_config, for those with the permission manage"
    )


class TokenEntry(Entry):
    """A named token of the network faces."""

    token_env: EnvName | None = Field(None, description="Environment variable with the token")
    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 of the token, in hex: printf %s TOKEN | sha256sum"
    )
    permissions: list[Literal["execute", "read", "write", "install", "manage", "override"]] = Field(
        ["execute", "read"], description="override: the model may confirm what is dangerous"
    )
    allowed_hosts: list[str] = Field(["*"], description="Globs of host names that the token sees")
    allowed_tags: list[Tag] = Field([], description="Hosts with one of these tags are seen as well")
    rate_limit_multiplier: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 1.0
    expires: Day | None = Field(None, description="The first day (UTC) on which it is not valid any more")
    enabled: bool = True

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if (self.token_env is None) == (self.token_sha256 is None):
            raise PydanticCustomError("fault", "needs token_env or token_sha256, one of them", {"at": "token_env"})
        return self


class RateLimitEntry(Entry):
    """How often a token may ask for something on a host."""

    enabled: bool = True
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    commands_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 500


class ServerEntry(Entry):
    """Where MCP is served; variables of the environment come before it."""

    transport: Literal["stdio", "sse", "http", "sse+http"] = "stdio"
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    public_base_url: BaseUrl | None = Field(None, description="How clients reach it through a proxy")
    allowed_origins: list[BaseUrl] = Field([], description="Origins of web pages that may call, beside its own")


TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]


class HostsFile(Entry):
    """hosts.yaml of mcp-ssh."""

    version: Literal[1] = 1
    defaults: DefaultsEntry | None = Field(None, description="Merged under every host")
    credentials: dict[str, CredentialEntry] = Field({}, description="Shared logins, by name")
    hosts: dict[str, HostEntry] = Field({}, description="The hosts, by name")
    tokens: dict[TokenName, TokenEntry] = Field({}, description="Named tokens, by name; for the network faces")
    rate_limit: RateLimitEntry | None = None
    settings: SettingsEntry | None = None
    server: ServerEntry | None = None
    policy: PolicyEntry | None = None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | HostsFile.model_json_schema()


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))  # noqa: T201
