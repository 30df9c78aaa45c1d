"""What the user's SSH configuration says of a host, in our library's words."""

import ipaddress
from collections.abc import Sequence

from mcp_ssh.model.errors import AuthenticationError, ConnectionFailedError, HandshakeError
from mcp_ssh.model.host import Host
from mcp_ssh.transport.algorithms import chosen, supported, usual
from mcp_ssh.transport.credentials import Credentials

_names = {
    "kexalgorithms": "kex_algs",
    "ciphers": "encryption_algs",
    "macs": "mac_algs",
    "pubkeyacceptedalgorithms": "signature_algs",
}


def configured(host: Host) -> dict[str, object]:
    """Options of a connection. Raises `HandshakeError` where none of the algorithms is known here."""
    ssh = host.ssh
    specs = {
        "kexalgorithms": ssh.kex,
        "ciphers": ssh.ciphers,
        "macs": ssh.macs,
        "pubkeyacceptedalgorithms": ssh.key_types,
    }
    options: dict[str, object] = {
        _names[keyword]: _some(host, keyword, spec, usual()[keyword]) for keyword, spec in specs.items() if spec
    }
    if ssh.compressed:
        options["compression_algs"] = ["zlib@openssh.com", "zlib", "none"]
    return options


def host_key_algorithms(host: Host, own: Sequence[str]) -> list[str]:
    """What the host may sign with: of `own`, those of keys that can be checked first, what its configuration lets."""
    return _some(host, "hostkeyalgorithms", host.ssh.host_keys, own) if host.ssh.host_keys else [*own]


def _some(host: Host, keyword: str, spec: str, defaults: Sequence[str]) -> list[str]:
    names = chosen(spec, defaults, supported()[keyword])
    if not names:
        raise HandshakeError(
            f"{host.name}: nothing of {keyword} {spec[:200]!r} in its SSH configuration is known here",
            hint="`transport: openssh` under this host connects by the system's ssh",
        )
    return names


def preferred(host: Host, credentials: Credentials) -> str:
    """The methods to try, those that its configuration lets. Raises `AuthenticationError` where none is left."""
    offered = credentials.methods()
    if not host.ssh.methods:
        return offered
    left = [method for method in host.ssh.methods if method in offered.split(",")]
    if not left:
        raise AuthenticationError(
            f"{host.name}: its SSH configuration lets only {', '.join(host.ssh.methods)}, and there is {offered}",
            hint="write another `auth` under this host, or mend PreferredAuthentications",
        )
    return ",".join(left)


def in_family(host: Host, addresses: Sequence[str]) -> Sequence[str]:
    """The addresses of the family that the host is reached by. Raises `ConnectionFailedError` where there is none."""
    if not host.ssh.family:
        return addresses
    wanted = 4 if host.ssh.family == "inet" else 6
    left = [each for each in addresses if ipaddress.ip_address(each.partition("%")[0]).version == wanted]
    if not left:
        raise ConnectionFailedError(
            f"{host.name} has no address of IPv{wanted}, which its SSH configuration wants (AddressFamily)",
            hint="mend AddressFamily, or write the address as `host:`",
        )
    return left
