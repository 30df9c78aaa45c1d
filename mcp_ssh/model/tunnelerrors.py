"""What goes wrong with hosts that dial in."""

from mcp_ssh.model.errors import ConnectionFailedError


class TunnelAwayError(ConnectionFailedError):
    """The host dials in by itself, and has no tunnel now. It cannot be called; nothing was sent."""

    code = "tunnel_away"
    dialled = False
