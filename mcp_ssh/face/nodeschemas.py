"""The output schemas of the node tools."""

from mcp_ssh.face.schemas import Sparse


class NodeChanged(Sparse):
    """What became of an added host. `key_removed` tells whether our key was taken off it, where that was asked."""

    host: str
    action: str
    address: str | None = None
    user: str | None = None
    host_key: str | None = None
    key_removed: bool | None = None
    notes: list[str]


class NodeStatus(Sparse):
    """How far a host is, as it is known. Times are UTC."""

    host: str
    stage: str
    origin: str
    open_sessions: int
    reached: str | None = None
    failed: str | None = None
    failures: int | None = None
    error: str | None = None
    next_try_seconds: float | None = None
    facts_as_of: str | None = None
    notes: list[str]


class OwnKey(Sparse):
    """The public key of mcp-ssh itself."""

    public_key: str
    fingerprint: str
