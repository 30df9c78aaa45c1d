"""Lists of connections as JSON, by the names that such programs give their fields; and tokens, which become digests."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_ssh.imports.jumps import of_fields
from mcp_ssh.imports.report import Report, host_name, variable

_names = ("name", "alias", "id", "label", "title")
_addresses = ("host", "hostname", "address", "ip")
_users = ("username", "user", "login")
_keys = (
    "privateKeyPath",
    "private_key_path",
    "keyPath",
    "key_path",
    "identityFile",
    "identity_file",
    "privateKey",
    "key",
)
_platforms = ("platform", "device_type", "deviceType", "vendor", "os")
_jumps = (
    "jump",
    "jumpHost",
    "jump_host",
    "jumpHosts",
    "jump_hosts",
    "proxyJump",
    "proxy_jump",
    "bastion",
    "bastionHost",
    "bastion_host",
    "via",
    "tunnel",
)
_secrets = ("password", "passphrase")
_tunnel_ports = ("tunnelPort", "tunnel_port", "remotePort", "remote_port", "reversePort", "reverse_port", "port")
_others = "port password passphrase tags groups description enabled disabled type"
_taken = {*_names, *_addresses, *_users, *_keys, *_platforms, *_jumps, *_others.split()}


def connections(data: Any, report: Report) -> None:
    """A list of connections, or an object with them by name or under a key such as `servers`."""
    for name, entry in _entries(data):
        own = str(_first(entry, _names) or name or _first(entry, _addresses))
        if entry.get("type") == "tunnel" or entry.get("tunnel") is True:
            _dials_in(own, entry, report)
        else:
            _connection(own, entry, report)


def _entries(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(data, Mapping):
        inner = next((data[key] for key in ("servers", "connections", "hosts") if key in data), None)
        if inner is not None:
            yield from _entries(inner)
            return
        yield from ((str(name), entry) for name, entry in data.items() if isinstance(entry, Mapping))
    elif isinstance(data, list):
        yield from (("", entry) for entry in data if isinstance(entry, Mapping))


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((entry[name] for name in names if entry.get(name)), None)


def _dials_in(name: str, entry: Mapping[str, Any], report: Report) -> None:
    """A device that calls us. Which key it calls with such lists do not say, so it is off until somebody does."""
    port = _first(entry, _tunnel_ports)
    if not isinstance(port, int) or not 0 < port <= 65_535 or not _first(entry, _users):  # noqa: PLR2004  a port
        report.left.append(f"{name}: it is a tunnel, which dials in, without the port or the user of it")
        return
    key = f"{host_name(name)}.pub"
    report.host(
        name,
        {
            "connect": "tunnel",
            "tunnel": {"port": port, "device_key_file": key},
            "user": _first(entry, _users),
            "auth": _auth(name, entry, report),
            "tags": list(entry.get("tags") or entry.get("groups") or []),
            "description": entry.get("description"),
            "enabled": False,
        },
    )
    report.changed.append(
        f"{name}: it dials in; write its public key into {key} (mcp-ssh hosts pending shows it), then switch"
        " `tunnel_listener` and the host on"
    )
    report.leave(name, entry, {*_taken, *_tunnel_ports, *_addresses})


def _auth(name: str, entry: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The login; secrets are named, never taken."""
    key = _first(entry, _keys)
    auth: dict[str, Any]
    if isinstance(key, str) and "\n" not in key:
        auth = {"method": "key", "key_path": key}
        if entry.get("passphrase"):
            auth["passphrase_env"] = variable(name, "passphrase")
    elif entry.get("password") is not None:
        auth = {"method": "password", "password_env": variable(name, "password")}
    else:
        auth = {"method": "agent"}
    for secret in ("passphrase_env", "password_env"):
        if secret in auth:
            report.changed.append(f"{name}: its secret was not taken; set it as {auth[secret]}")
    if isinstance(key, str) and "\n" in key:
        report.left.append(f"{name}: a private key that stands in the file; save it as a file of its own")
    return auth


def _connection(name: str, entry: Mapping[str, Any], report: Report) -> None:
    address = str(_first(entry, _addresses) or name).strip("[]")
    auth = _auth(name, entry, report)
    platform = _first(entry, _platforms)
    is_device = isinstance(platform, str) and platform.lower() not in {
        "linux",
        "unix",
        "posix",
        "ubuntu",
        "debian",
        "macos",
    }
    report.host(
        name,
        {
            "host": address,
            "port": entry.get("port") if entry.get("port") != 22 else None,  # noqa: PLR2004  the usual port
            "user": _first(entry, _users),
            "auth": auth,
            "shell": "cli" if is_device else None,
            "platform": platform if is_device else None,
            "tags": list(entry.get("tags") or entry.get("groups") or []),
            "description": entry.get("description"),
            "enabled": False if entry.get("enabled") is False or entry.get("disabled") else None,
        },
    )
    if jump := _first(entry, _jumps):
        report.ways[host_name(name)] = of_fields(jump, _users, _addresses)
        for each in jump if isinstance(jump, list) else [jump]:
            report.leave(
                f"{name}: of its jump host", each if isinstance(each, Mapping) else {}, _taken - {*_keys, *_secrets}
            )
    report.leave(name, entry, _taken)


def tokens(data: Any, report: Report) -> None:
    """Tokens by name or in a list; only their digests are taken."""
    rows = data.get("tokens", data) if isinstance(data, Mapping) else data
    pairs = (
        rows.items()
        if isinstance(rows, Mapping)
        else ((str(row.get("name", number)), row) for number, row in enumerate(rows) if isinstance(row, Mapping))
    )
    for name, row in pairs:
        entry = row if isinstance(row, Mapping) else {"token": row}
        secret, digest = entry.get("token") or entry.get("secret"), entry.get("sha256") or entry.get("hash")
        if secret:
            digest = hashlib.sha256(str(secret).encode()).hexdigest()
            report.changed.append(f"token {name!r} became a digest: the token itself stays valid, and stands nowhere")
        if not isinstance(digest, str) or len(digest) != 64:  # noqa: PLR2004  SHA-256 in hex
            report.left.append(f"token {name!r}: it has no secret and no SHA-256")
            continue
        made = {
            "token_sha256": digest.lower(),
            "allowed_hosts": entry.get("allowed_hosts") or entry.get("hosts"),
            "allowed_tags": entry.get("allowed_tags") or entry.get("tags"),
            "permissions": [
                each
                for each in entry.get("permissions") or []
                if each in {"execute", "read", "write", "install", "manage"}
            ],
            "expires": str(entry["expires"])[:10] if entry.get("expires") else None,
        }
        report.tokens[str(name)] = {key: value for key, value in made.items() if value}
