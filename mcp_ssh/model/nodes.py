"""Hosts that are added while the daemon runs, and the key that it logs in to them with."""

from dataclasses import dataclass
from enum import StrEnum

from mcp_ssh.model.host import Host

bootstrap_prefix = "BOOTSTRAP_"
"""What the name of a one-time password begins with. Whoever names host and secret must not be able to send another
secret of ours to a machine of his choice."""


class NodeAction(StrEnum):
    """What becomes of a host, or of our key on it."""

    ADD = "add"
    REMOVE = "remove"
    ENABLE = "enable"
    DISABLE = "disable"
    ROTATE = "rotate"


@dataclass(frozen=True, slots=True)
class NodeWish:
    """What is asked of a host that is none of the operator's own, or of our key there.

    For `ADD` the host is the one to be, with the login that its password is for. `secret` names that password; without
    a name a person is asked for it.
    """

    action: NodeAction
    host: Host
    secret: str | None = None

    @property
    def asks_secret(self) -> bool:
        """Whether whoever is asked for a yes is asked for the password as well."""
        return self.action is NodeAction.ADD and self.secret is None

    @property
    def told(self) -> str:
        """What would be done, to the byte, for whoever decides about it and for what his word is bound to."""
        host = self.host
        where = f"[{host.address}]" if ":" in host.address else host.address
        if self.action is not NodeAction.ADD:
            return f"{self.action}: our key on host {host.name}, {host.user}@{where}:{host.port}"
        key = host.host_key or "the one that it shows is pinned"
        password = f"the secret {self.secret}" if self.secret is not None else "asked for with this question"
        return (
            f"add host {host.name}: {host.user}@{where}:{host.port}\n"
            f"host key: {key}\n"
            f"password, used once: {password}\n"
            "there, the public key of mcp-ssh is put into ~/.ssh/authorized_keys"
        )


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of ours: the whole line for an authorized_keys file, without its end, and the fingerprint."""

    line: str
    fingerprint: str

    @property
    def blob(self) -> tuple[str, str]:
        """The type and the key itself, by which a line is found whatever its options and comment are."""
        kind, key, *_ = self.line.split(" ")
        return kind, key
