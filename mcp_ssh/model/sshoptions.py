"""What the user's own SSH configuration says of a host, where its entry in hosts.yaml wants that."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identities:
    """Which keys are offered, in which order (ssh_config(5): IdentityFile, CertificateFile, IdentityAgent).

    `files` are private keys, or public ones of keys that the agent has; they need not exist. `agent` is the path of the
    agent's socket: None for that of the environment, empty for no agent. `only`: no key of the agent but those.
    """

    files: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    agent: str | None = None
    only: bool = False


@dataclass(frozen=True, slots=True)
class SshOptions:
    """How the connection is made, beside the login. What is empty or None is left to our own settings.

    `name` is the host's name in that configuration. `key_name` is the name under which its host key is known. Lists of
    algorithms have OpenSSH's form: names with commas, perhaps behind `+`, `-` or `^`. `family` is `inet` or `inet6`.
    """

    name: str = ""
    key_name: str = ""
    known_hosts: tuple[str, ...] | None = None
    kex: str = ""
    ciphers: str = ""
    macs: str = ""
    host_keys: str = ""
    key_types: str = ""
    connect_timeout_s: float | None = None
    keepalive_s: float | None = None
    family: str = ""
    bind_address: str = ""
    compressed: bool = False
    methods: tuple[str, ...] = ()
