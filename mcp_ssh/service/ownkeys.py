"""The Protocol of the key of mcp-ssh itself. Every call looks at the disk and may wait for another process."""

from typing import Protocol

from mcp_ssh.model.nodes import PublicKey


class OwnKeys(Protocol):
    """Each raises `IdentityError`. Call them in a thread."""

    @property
    def path(self) -> str:
        """Where the private key lies."""
        ...

    @property
    def next_path(self) -> str:
        """Where the one lies that follows it, while it is being rotated."""
        ...

    def public(self) -> PublicKey:
        """The key that is installed on hosts now; made if there is none."""
        ...

    def all_public(self) -> tuple[PublicKey, ...]:
        """All that hosts may know, the newest first."""
        ...

    def begin_rotation(self) -> PublicKey:
        """The key that is to follow: a new one, or that of a rotation that did not come to its end."""
        ...

    def retire(self) -> None:
        """The new key takes the place of the old one, which is gone."""
        ...
