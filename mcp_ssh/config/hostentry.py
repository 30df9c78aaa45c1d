"""The form of one host in hosts.yaml, and of what hosts share. Durations are in seconds, sizes in bytes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_ssh.config.fields import (
    AbsolutePath,
    Address,
    Bytes,
    CharsetName,
    Checking,
    CliLine,
    ConfirmName,
    Entry,
    EnvName,
    Fingerprint,
    PathGlob,
    PatternText,
    RegexText,
    Seconds,
    ShellName,
    Tag,
)
from mcp_ssh.config.policy import AccessName
from mcp_ssh.config.tunnels import TunnelEntry

_method_keys: dict[str, tuple[str, set[str]]] = {
    "key": ("key_path", {"key_path", "passphrase_env", "password_env"}),
    "password": ("password_env", {"password_env"}),
    "keyboard-interactive": ("", {"password_env"}),
    "agent": ("", {"password_env"}),
    "certificate": ("", {"key_path", "passphrase_env", "certificate_path", "password_env"}),
    "gateway": ("", set()),
}


class AuthEntry(Entry):
    """How to log in. Secrets are named, never written."""

    method: Literal["key", "password", "agent", "keyboard-interactive", "certificate", "gateway"] = Field(
        description="gateway: the key of mcp-ssh itself (mcp-ssh identity show)"
    )
    key_path: str | None = Field(
        None, min_length=1, description="Private key file; for a certificate, else the agent's"
    )
    certificate_path: str | None = Field(
        None, min_length=1, description="User certificate; else that beside the key (KEY-cert.pub), or the agent's"
    )
    passphrase_env: EnvName | None = Field(None, description="Environment variable with the key's passphrase")
    password_env: EnvName | None = Field(
        None, description="Environment variable with the password; beside a key, for a host that wants both"
    )

    @model_validator(mode="after")
    def _has_what_its_method_needs(self) -> Self:
        needed, taken = _method_keys[self.method]
        for name in ("key_path", "certificate_path", "passphrase_env", "password_env"):
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
    task_result_ttl: Seconds | None = Field(None, description="Seconds that the result of a task is kept")


class FilesEntry(Entry):
    """Which files of the host the file tools may touch."""

    roots: list[AbsolutePath] | None = Field(None, min_length=1, description="Folders of the host; absent: all")
    deny_paths: list[PathGlob] = Field([], description="Globs of paths that stay closed, such as **/.ssh/**")
    max_bytes: Annotated[int, Field(ge=1, le=1_099_511_627_776)] | None = Field(
        None, description="Largest file that is read, written, uploaded or downloaded"
    )


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
    fast: bool | None = Field(
        None, description="false: commands by exec requests alone, no QUICKACK, the SSH library's own order of ciphers"
    )
    transport: Literal["asyncssh", "openssh", "command"] | None = Field(
        None, description="openssh: the system's ssh client; command: a program that leads to a console"
    )
    command: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=50)] | None = Field(
        None, description="For transport command: the program and its arguments, such as [telnet, 10.0.0.1]"
    )
    jump: list[str] | None = Field(
        None,
        description="Names of the hosts that it is reached through, the first that is dialled first; []: none",
        json_schema_extra={"maxItems": 8},
    )
    host_key: Fingerprint | None = Field(None, description="The one host key that is accepted: SHA256:...")
    host_key_checking: Checking | None = None
    deny_patterns: list[PatternText] | None = Field(None, description="Added to those of settings")
    limits: LimitsEntry | None = None
    files: FilesEntry | None = None
    access: AccessName | None = Field(None, description="unrestricted: all but what is dangerous; readonly; restricted")
    mode: AccessName | None = Field(None, description="The old name of access")
    confirm: ConfirmName | None = Field(
        None, description="Who may say yes to what is dangerous; instead of that of settings"
    )
    allow_patterns: list[PatternText] | None = Field(None, description="restricted: each simple command in full")


class HostEntry(DefaultsEntry):
    """One host."""

    host: Address | None = Field(
        None, description="Host name or IP address; with ssh_config the HostName there; absent for one that dials in"
    )
    connect: Literal["direct", "tunnel"] | None = Field(
        None, description="tunnel: the host dials in to our listener with ssh -R"
    )
    tunnel: TunnelEntry | None = Field(None, description="For connect tunnel: by which key, and for which port")
    ssh_config: bool | None = Field(
        None, description="true: what ~/.ssh/config says of this name counts where nothing is said here"
    )
