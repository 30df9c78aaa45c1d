"""Who calls, and what they may do."""

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.host import Host
from mcp_ssh.model.secret import Secret


class Via(StrEnum):
    """The door that a principal came in by."""

    STDIO = "stdio"
    NETWORK = "network"


class Permission(StrEnum):
    """What a principal may do. `OVERRIDE`: say in a person's place that something dangerous is meant."""

    EXECUTE = "execute"
    READ = "read"
    WRITE = "write"
    INSTALL = "install"
    MANAGE = "manage"
    OVERRIDE = "override"


everything = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request is for. `name` is what the audit log says, such as `stdio:alice` or `token:cursor`.

    It sees the hosts whose name fits one of the globs of `hosts`, or that carry one of `tags`; no other host exists
    for it. `keyring` names the secrets that are used for it: the daemon's own, or an attached client's.
    """

    name: str
    via: Via
    permissions: frozenset[Permission] = everything
    hosts: tuple[str, ...] = ("*",)
    tags: frozenset[str] = frozenset()
    rate_multiplier: float = 1.0
    keyring: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether it holds the permission."""
        return permission in self.permissions

    @property
    def sees_all(self) -> bool:
        """Whether every host exists for it."""
        return "*" in self.hosts

    def sees(self, host: Host) -> bool:
        """Whether the host exists for it."""
        return bool(self.tags & host.tags) or any(fnmatch.fnmatchcase(host.name, glob) for glob in self.hosts)


@dataclass(frozen=True, slots=True)
class Token:
    """A named token: the SHA-256 of its secret (hex), never the secret. `expires_at`: seconds since the epoch, UTC."""

    name: str
    sha256: str
    permissions: frozenset[Permission]
    hosts: tuple[str, ...] = ("*",)
    tags: frozenset[str] = frozenset()
    expires_at: float | None = None
    enabled: bool = True
    rate_multiplier: float = 1.0

    def is_valid(self, now: float) -> bool:
        """Whether it lets anybody in now."""
        return self.enabled and (self.expires_at is None or now < self.expires_at)

    def principal(self) -> Principal:
        """Whom it lets in."""
        return Principal(
            f"token:{self.name}", Via.NETWORK, self.permissions, self.hosts, self.tags, self.rate_multiplier
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to the question of that approval or login, by way of the client.

    `values` are what was filled in beside a yes: the one thing that an approval asks for, or one for each thing that a
    host asks during a login.
    """

    approval: str
    accepted: bool
    words: str = ""
    values: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and by which program. `client` is what the program says of itself: recorded, never believed.

    `conversation` tells the connections of one principal apart; it is empty where a client has none that lasts.
    `can_ask`: its client can put a question to a person; `answer` is the answer that came with this call.
    """

    principal: Principal
    client: str = ""
    conversation: str = ""
    can_ask: bool = False
    answer: Answer | None = None
