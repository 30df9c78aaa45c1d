"""asyncssh's and the system's errors, translated once."""

import errno

import asyncssh
from asyncssh.constants import OPEN_CONNECT_FAILED

from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ConnectTimeoutError,
    HandshakeError,
    JumpFailedError,
    LinkSilentError,
    McpSshError,
    SessionLostError,
)
from mcp_ssh.model.host import AuthMethod, Host

_reasons = {
    errno.ECONNREFUSED: ("refused the connection", "check `port`, and that an SSH server runs there"),
    errno.EHOSTUNREACH: ("is unreachable", "check the network between here and the host"),
    errno.ENETUNREACH: ("is in a network that is unreachable from here", "check the network between here and the host"),
    errno.ETIMEDOUT: ("did not answer", "check `host`, `port` and firewalls"),
    errno.ECONNRESET: ("reset the connection", "the host may limit connections or block this address"),
}


def while_connecting(error: Exception, host: Host, where: str) -> McpSshError:  # noqa: PLR0911  a table of errors
    """What an error on the way in means; `where` is address and port for people."""
    match error:
        case McpSshError():
            return error
        case asyncssh.PermissionDenied():
            return _authentication(host)
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported() | asyncssh.MACError():
            return HandshakeError(
                f"{host.name} ({where}): {_text(error)}",
                hint="if the host speaks only old algorithms, write `legacy_crypto: true` under it",
            )
        case asyncssh.ConnectionLost():
            return ConnectionFailedError(
                f"{host.name} ({where}) closed the connection before the login was done",
                hint="the host may limit connections (MaxStartups) or block this address",
            )
        case asyncssh.ProtocolError() if "version" in str(error).lower() or "banner" in str(error).lower():
            return HandshakeError(f"{host.name} ({where}) does not speak SSH: {_text(error)}", hint="check `port`")
        case asyncssh.Error():
            return HandshakeError(f"{host.name} ({where}): {_text(error)}")
        case OSError():
            return _system(error, host, where)
        case _:
            return ConnectionFailedError(f"{host.name} ({where}): {_text(error)}")


def timed_out(host: Host, where: str, seconds: float) -> ConnectTimeoutError:
    """Nothing answered."""
    by = f" through {host.jump.name}" if host.jump is not None else ""
    return ConnectTimeoutError(
        f"{host.name} ({where}) did not answer{by} within {seconds:g} s", hint="check `host`, `port` and firewalls"
    )


def while_open(error: Exception | None, hop: str = "") -> SessionLostError:
    """Why an open connection ended that we did not close; `hop` is the jump host that it goes through."""
    if isinstance(error, asyncssh.ConnectionLost) and "keepalive" in str(error):
        by, check = (f" through {hop}", f"the host, {hop} and") if hop else ("", "the host and")
        return LinkSilentError(f"nobody answers on the connection{by} any more", hint=f"check {check} the network")
    reason = _text(error) if error else "the host closed it"
    return SessionLostError(f"the connection was lost ({reason})", hint="the next call opens a new one")


def hop_gone(hop: str, reason: SessionLostError) -> SessionLostError:
    """Why all connections through a jump host ended at once."""
    return type(reason)(f"the jump host {hop} is gone: {reason.message}", hint="the next call opens the way anew")


def while_reaching(error: asyncssh.ChannelOpenError, host: Host, where: str, hop: str) -> McpSshError:
    """Why a jump host opened no channel to the host behind it (RFC 4254 5.1)."""
    if error.code == OPEN_CONNECT_FAILED:
        return ConnectionFailedError(
            f"{host.name} ({where}) cannot be reached from its jump host {hop}: {_text(error)}",
            hint=f"check `host` and `port`, and the network between {hop} and {host.name}",
        )
    return JumpFailedError(
        f"the jump host {hop} does not forward to {host.name} ({where}): {_text(error)}",
        hint=f"the SSH server of {hop} has to allow it: AllowTcpForwarding, PermitOpen and DisableForwarding in its "
        "sshd_config, and the options of our key there",
    )


def where(address: str, port: int) -> str:
    """An address and a port, for people; without a port the host has dialled in from there."""
    if not port:
        return f"by its tunnel from {address}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _text(error: BaseException) -> str:
    """An error's words as a fact: one line, no full stop, bounded."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:300].rstrip(".")


def _system(error: OSError, host: Host, where: str) -> ConnectionFailedError:
    fact, hint = _reasons.get(
        error.errno or 0, (f"cannot be reached ({error.strerror or error})", "check `host` and `port`")
    )
    return ConnectionFailedError(f"{host.name} ({where}) {fact}", hint=hint)


def _authentication(host: Host) -> AuthenticationError:
    advice = {
        AuthMethod.KEY: f"install the public key: ssh-copy-id -i {host.auth.key_path}.pub {host.user}@{host.address}",
        AuthMethod.GATEWAY: "`mcp-ssh identity show` tells the public key; install it there, or add the host anew",
        AuthMethod.AGENT: "list what the agent offers with ssh-add -l",
        AuthMethod.PASSWORD: f"check the value of {host.auth.password_env}",
        AuthMethod.KEYBOARD_INTERACTIVE: f"check {host.auth.password_env}; one-time codes are not answered",
    }
    return AuthenticationError(
        f"{host.name} did not accept the {host.auth.method} login of user {host.user!r}", hint=advice[host.auth.method]
    )
