"""Hosts: what one entry of hosts.yaml means once it is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_ssh.model.policy import Access, Confirm, LinePattern
from mcp_ssh.model.sshoptions import Identities, SshOptions


class Shell(StrEnum):
    """How a host is spoken to: `posix` by exec channels, `cli` in a terminal."""

    POSIX = "posix"
    CLI = "cli"


class AuthMethod(StrEnum):
    """How we log in."""

    KEY = "key"
    PASSWORD = "password"  # noqa: S105  the name of a method, not a password
    AGENT = "agent"
    GATEWAY = "gateway"
    KEYBOARD_INTERACTIVE = "keyboard-interactive"
    CERTIFICATE = "certificate"
    SSH_CONFIG = "ssh_config"
    """By the keys and the agent that the user's own SSH configuration names; no word of hosts.yaml."""


agent_variable = "SSH_AUTH_SOCK"
"""The variable that holds the path of the user's ssh-agent."""


class Way(StrEnum):
    """How a host is reached: SSH in process, by the system's `ssh`, by a program that leads to its console.

    Or, with SSH in process, through the tunnel that the host itself dials in with.
    """

    ASYNCSSH = "asyncssh"
    OPENSSH = "openssh"
    COMMAND = "command"
    TUNNEL = "tunnel"


class HostKeyChecking(StrEnum):
    """What happens with a host key that stands in no known_hosts file."""

    STRICT = "strict"
    ACCEPT_NEW = "accept-new"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Auth:
    """Login of a host. Holds names of environment variables, never a secret.

    For `GATEWAY` the `key_path` is that of the key of mcp-ssh itself, which is made when it is needed first.
    `password_env` beside a key is for a host that asks for a password after it. A certificate without `key_path` is for
    a key that the agent has, and without a path the agent has it, too.
    """

    method: AuthMethod
    key_path: str | None = None
    passphrase_env: str | None = None
    password_env: str | None = None
    certificate_path: str | None = None
    identities: Identities = field(default_factory=Identities)

    @property
    def asks_agent(self) -> bool:
        """Whether the user's ssh-agent is asked."""
        by_agent = self.method is AuthMethod.AGENT or (self.method is AuthMethod.CERTIFICATE and not self.key_path)
        return by_agent or (self.method is AuthMethod.SSH_CONFIG and self.identities.agent is None)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of all that a login needs from the environment."""
        agent = agent_variable if self.asks_agent else None
        return tuple(name for name in (self.password_env, self.passphrase_env, agent) if name is not None)


@dataclass(frozen=True, slots=True)
class TunnelTerms:
    """What a device has to show and to ask for when it dials in: its key, and one port (`ssh -R PORT:…`)."""

    port: int
    device_key_file: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command on a host may use. `None` means that the settings decide.

    `max_concurrent` counts commands that run at once on the host, over all callers; `idle_seconds` is the longest
    silence of a command before it is ended; `task_result_ttl` how long the result of a task is kept.
    """

    max_seconds: float | None = None
    max_output_bytes: int | None = None
    max_concurrent: int | None = None
    idle_seconds: float | None = None
    task_result_ttl: float | None = None


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files of a host may be touched at all: below one of the roots, none that fits a glob of `deny_paths`.

    `max_bytes` is the largest file that is read, written or transferred; without it none is too large.
    """

    roots: tuple[str, ...] = ("/",)
    deny_paths: tuple[str, ...] = ()
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the inventory. `address` is what stands under `host:`, a name or an IP address.

    A cli host has a `platform` (the name of a profile), a `prompt_regex`, or both: then the prompt is the host's own.
    `enable_env` names the secret of its privileged mode, in which commands then run; `sudo_env` the one that sudo asks
    for. `multiline`: its shells take several lines at once, one after the other.
    `allow_patterns` are those of a restricted host. Without `confirm` it depends on who asks. `always_verified`: no
    command goes to it without a look at its echo. `legacy_crypto`: old algorithms are offered, for this host alone.
    `fast`: whether what only saves time is done: shells that stand ready, quick acknowledgements, the cheapest cipher.
    `command` is the program of `Way.COMMAND` with its arguments. `login_dialogue` are (pattern, answer) pairs. `ssh` is
    what the user's own SSH configuration says of it, where its entry wants that.
    `tunnel` are the terms of `Way.TUNNEL`: such a host has no address, its host key is known under its own name.
    `jump` is the host that it is reached through, itself with its way: whatever changes there, this host changes.
    `is_added`: it stands in no file of the operator, but was added while a daemon ran.
    """

    name: str
    address: str
    user: str
    auth: Auth
    port: int = 22
    shell: Shell = Shell.POSIX
    prompt_regex: str | None = None
    platform: str | None = None
    charset: str | None = None
    enable_env: str | None = None
    sudo_env: str | None = None
    multiline: bool = False
    always_verified: bool = False
    init_commands: tuple[str, ...] = ()
    login_dialogue: tuple[tuple[str, str], ...] = ()
    description: str = ""
    tags: frozenset[str] = frozenset()
    enabled: bool = True
    host_key: str | None = None
    host_key_checking: HostKeyChecking = HostKeyChecking.ACCEPT_NEW
    deny_patterns: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    access: Access = Access.UNRESTRICTED
    allow_patterns: tuple[LinePattern, ...] = ()
    confirm: Confirm | None = None
    legacy_crypto: bool = False
    fast: bool = True
    way: Way = Way.ASYNCSSH
    command: tuple[str, ...] = ()
    tunnel: TunnelTerms | None = None
    files: FileRules = field(default_factory=FileRules)
    is_added: bool = False
    ssh: SshOptions = field(default_factory=SshOptions)
    jump: "Host | None" = None

    @property
    def hops(self) -> tuple["Host", ...]:
        """The hosts on the way to it, the first that is dialled first."""
        return () if self.jump is None else (*self.jump.hops, self.jump)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All hosts of the current configuration, by name, in the order of the file."""

    hosts: Mapping[str, Host]

    def tagged(self, tag: str) -> tuple[Host, ...]:
        """The hosts that carry the tag."""
        return tuple(host for host in self.hosts.values() if tag in host.tags)
