"""The format of hosts.yaml, strict: what is not here is refused, and nothing is coerced.

Run as a module it prints the JSON schema for editors. Durations are in seconds, sizes in bytes.
"""

import codecs
import datetime as dt
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_ssh.safety.patterns import PatternError, compile_pattern

_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}\Z")
_address = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:%-]{0,254}\Z")
_fingerprint = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_unsupported = {"powershell", "pwsh", "windows", "cmd", "cmd.exe"}


def _is_variable(value: str) -> str:
    if not _variable.match(value):
        # The value is not repeated: it may be the secret itself.
        raise PydanticCustomError("fault", "the NAME of an environment variable belongs here, never the secret itself")
    return value


def _is_pattern(value: str) -> str:
    try:
        compile_pattern(value)
    except PatternError as error:
        raise PydanticCustomError("fault", "{reason}", {"reason": str(error)}) from None
    return value


def _is_address(value: str) -> str:
    if value.startswith("["):
        raise PydanticCustomError("fault", "an IPv6 address stands here without brackets; the port has its own key")
    if not _address.match(value):
        raise PydanticCustomError("fault", "not a host name or IP address; user and port have keys of their own")
    return value


def _is_fingerprint(value: str) -> str:
    if not _fingerprint.match(value):
        raise PydanticCustomError(
            "fault", "a fingerprint looks like SHA256: and 43 characters, as ssh-keygen -l prints"
        )
    return value


def _is_shell(value: str) -> str:
    if value.lower() in _unsupported:
        raise PydanticCustomError(
            "fault", "Windows and PowerShell hosts are not supported; mcp-ssh works on POSIX hosts and network devices"
        )
    if value not in {"posix", "cli"}:
        raise PydanticCustomError("fault", "must be posix or cli")
    return value


def _is_regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise PydanticCustomError("fault", "not a regular expression: {reason}", {"reason": str(error)}) from None
    return value


def _is_charset(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise PydanticCustomError("fault", "is no character set that Python knows, such as latin-1") from None
    return value


def _day(value: object) -> object:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("fault", "is no day such as 2027-01-31") from None
    return value


EnvName = Annotated[str, AfterValidator(_is_variable)]
PatternText = Annotated[str, AfterValidator(_is_pattern)]
RegexText = Annotated[str, AfterValidator(_is_regex)]
Day = Annotated[dt.date, BeforeValidator(_day)]
CliLine = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
CharsetName = Annotated[str, AfterValidator(_is_charset), Field(max_length=50)]
Address = Annotated[str, AfterValidator(_is_address)]
Fingerprint = Annotated[str, AfterValidator(_is_fingerprint)]
ShellName = Annotated[str, AfterValidator(_is_shell), Field(json_schema_extra={"enum": ["posix", "cli"]})]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Bytes = Annotated[int, Field(ge=1_024, le=1_073_741_824)]
Checking = Literal["strict", "accept-new", "off"] | bool
Tag = Annotated[str, Field(min_length=1, max_length=50)]


_method_keys: dict[str, tuple[str, set[str]]] = {
    "key": ("key_path", {"key_path", "passphrase_env"}),
    "password": ("password_env", {"password_env"}),
    "keyboard-interactive": ("password_env", {"password_env"}),
    "agent": ("", set()),
}


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AuthEntry(_Entry):
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


class LimitsEntry(_Entry):
    """What a command on the host may use."""

    max_seconds: Seconds | None = Field(None, description="Longest time that a command may take")
    max_output_bytes: Bytes | None = Field(None, description="Bytes kept of each output")
    max_concurrent: Annotated[int, Field(ge=1, le=1_000)] | None = Field(None, description="Commands at once")
    idle_seconds: Seconds | None = Field(None, description="Longest silence of a command before it is ended")


class LoginStepEntry(_Entry):
    """A text that a device shows before its first prompt, and what is sent for it."""

    match: RegexText
    send: str = Field(max_length=200)


class CredentialEntry(_Entry):
    """A login that several hosts share."""

    user: str = Field(min_length=1, max_length=64)
    auth: AuthEntry


class DefaultsEntry(_Entry):
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
    host_key: Fingerprint | None = Field(None, description="The one host key that is accepted: SHA256:...")
    host_key_checking: Checking | None = None
    deny_patterns: list[PatternText] | None = Field(None, description="Added to those of settings")
    limits: LimitsEntry | None = None


class HostEntry(DefaultsEntry):
    """One host."""

    host: Address = Field(description="Host name or IP address")


class OutputsEntry(_Entry):
    """What is kept of outputs that are too long for an answer, or whose command still runs."""

    quota_bytes: Annotated[int, Field(ge=65_536, le=1_099_511_627_776)] = Field(
        268_435_456, description="Bytes kept for one caller; the oldest make room"
    )
    ttl: Seconds = Field(3_600, description="Seconds that an output is kept after its command ended")


class SettingsEntry(_Entry):
    """Settings of the daemon."""

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
    keys_dir: str | None = Field(None, description="Folder of relative key paths; absent: the folder of this file")
    profiles_dir: str | None = Field(None, min_length=1, description="Folder of your own platform profiles")
    audit_log: str = Field("~/.mcp_ssh/audit.log", min_length=1)
    deny_patterns: list[PatternText] = Field([], description="Added to the built-in deny list")
    builtin_deny: bool = Field(True, description="false switches the built-in deny list off")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tool_groups: Annotated[list[Literal["core", "admin"]], Field(min_length=1)] = Field(
        ["core"], description="Tools that are offered; admin: ssh_reload_config, for those with the permission manage"
    )


class TokenEntry(_Entry):
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


class RateLimitEntry(_Entry):
    """How often a token may ask for something on a host."""

    enabled: bool = True
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    commands_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 500


TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")]


class HostsFile(_Entry):
    """hosts.yaml of mcp-ssh."""

    version: Literal[1] = 1
    defaults: DefaultsEntry | None = Field(None, description="Merged under every host")
    credentials: dict[str, CredentialEntry] = Field({}, description="Shared logins, by name")
    hosts: dict[str, HostEntry] = Field({}, description="The hosts, by name")
    tokens: dict[TokenName, TokenEntry] = Field({}, description="Named tokens, by name; for the network faces")
    rate_limit: RateLimitEntry | None = None
    settings: SettingsEntry | None = None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | HostsFile.model_json_schema()


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))  # noqa: T201
