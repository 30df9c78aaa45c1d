"""Which host keys are known, and what happens with one that is not.

OpenSSH's files are read, in its own format with hashed names, `[host]:port`, `@revoked` and `@cert-authority`; new keys
go into a file of our own in the same format, so that ssh-keygen mends both. As in OpenSSH, an entry without a port also
vouches for other ports of the host, but it never makes an unknown key there a changed one: several hosts share an
address behind forwarded ports.
"""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from mcp_ssh.model.errors import HostKeyChangedError, HostKeyUnknownError
from mcp_ssh.model.host import Host, HostKeyChecking

type_preference = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


def entry_name(address: str, port: int) -> str:
    """The name under which known_hosts files keep a host: `host`, or `[host]:port` off the standard port."""
    return address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004  the SSH port


def known_as(host: Host) -> tuple[str, int]:
    """Name and port that the host's key is known under; a HostKeyAlias stands alone, whatever the port."""
    return (host.ssh.key_name, 22) if host.ssh.key_name else (host.address, host.port)


def fingerprint(key: asyncssh.SSHKey) -> str:
    """SHA-256 fingerprint as OpenSSH prints it."""
    return str(key.get_fingerprint("sha256"))


@dataclass(frozen=True, slots=True)
class Known:
    """What the files say of one host.

    `keys` make any other key a changed one; `vouched` are taken as well (entries of the bare address).
    `found_in` is the file that holds the first of `keys`, for the line that mends it.
    """

    keys: tuple[asyncssh.SSHKey, ...] = ()
    vouched: tuple[asyncssh.SSHKey, ...] = ()
    authorities: tuple[asyncssh.SSHKey, ...] = ()
    revoked: tuple[asyncssh.SSHKey, ...] = ()
    found_in: str = ""

    @property
    def trusted(self) -> tuple[asyncssh.SSHKey, ...]:
        """All keys that need no further question."""
        return self.keys + self.vouched

    def algorithms(self) -> list[str]:
        """Signature algorithms to offer: those of known keys first, so that the host shows a key that we can check."""
        known = [name for key in self.trusted for name in _signatures(key)]
        return [*dict.fromkeys([*known, *type_preference])]


def _signatures(key: asyncssh.SSHKey) -> tuple[str, ...]:
    name = key.get_algorithm()
    return ("rsa-sha2-512", "rsa-sha2-256") if name == "ssh-rsa" else (name,)


def look_up(files: Sequence[str], address: str, port: int) -> Known:
    """Read the files that exist and collect what they say of the host. A line that cannot be read is passed over."""
    name = entry_name(address, port)
    keys: list[asyncssh.SSHKey] = []
    vouched: list[asyncssh.SSHKey] = []
    authorities: list[asyncssh.SSHKey] = []
    revoked: list[asyncssh.SSHKey] = []
    found_in = ""
    for file in files:
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        here = _match(text, name)
        if here[0] and not found_in:
            found_in = file
        keys += here[0]
        authorities += here[1]
        revoked += here[2]
        if name != address:
            bare = _match(text, address)
            vouched += bare[0]
            authorities += bare[1]
            revoked += bare[2]
    return Known(tuple(keys), tuple(vouched), tuple(authorities), tuple(revoked), found_in)


def _match(text: str, name: str) -> tuple[Sequence[asyncssh.SSHKey], ...]:
    try:
        known = asyncssh.import_known_hosts(text)
    except ValueError:  # one bad line must not hide the others, and above all not a revoked key
        known = asyncssh.import_known_hosts("\n".join(line for line in text.splitlines() if _readable(line)))
    return tuple(known.match(name, "", None)[:3])


def _readable(line: str) -> bool:
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True


def pin(file: str, address: str, port: int, key: asyncssh.SSHKey) -> None:
    """Add a key to our own file, durable before this returns: a password may be sent right after."""
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    public = key.export_public_key("openssh").decode("ascii").split()
    line = f"{entry_name(address, port)} {public[0]} {public[1]}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # several daemons of one user share the file
        os.write(descriptor, line.encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class HostKeyJudge:
    """Decides about the key that one host shows during one connection attempt."""

    def __init__(self, host: Host, known: Known, own_file: str) -> None:
        self._host = host
        self.known = known
        self._own_file = own_file
        self.pinned_now = False
        self.refusal: HostKeyChangedError | HostKeyUnknownError | None = None

    def trusted_keys(self) -> tuple[asyncssh.SSHKey, ...]:
        """The keys that are taken without asking `accepts`; none where a fingerprint is pinned in hosts.yaml."""
        return () if self._host.host_key else self.known.trusted

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Whether a key that is not among `trusted_keys` is taken; where not, `refusal` says why."""
        shown = fingerprint(key)
        if self._host.host_key:
            if shown == self._host.host_key:
                return True
            self.refusal = self._changed(shown, self._host.host_key, self._mends_pinned())
        elif self.known.keys:
            expected = ", ".join(fingerprint(known) for known in self.known.keys)
            name = entry_name(*known_as(self._host))
            self.refusal = self._changed(shown, expected, f"ssh-keygen -R '{name}' -f '{self.known.found_in}'")
        elif self._host.host_key_checking is HostKeyChecking.ACCEPT_NEW:
            pin(self._own_file, *known_as(self._host), key)
            self.pinned_now = True
            return True
        else:
            where = " when you add it" if self._host.is_added else " under this host in hosts.yaml"
            self.refusal = HostKeyUnknownError(
                f"the host key of {self._host.name} is unknown: {shown}",
                hint="compare it with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then "
                f"{'give' if self._host.is_added else 'write'} `host_key: {shown}`{where}",
            )
        return False

    def untrusted(self) -> HostKeyChangedError:
        """The error for a key that a known_hosts file marks as revoked, or a certificate that does not hold."""
        return HostKeyChangedError(
            f"the host key of {self._host.name} is not trusted: it is revoked, or no trusted authority signed it",
            hint="do not connect until whoever runs the host explains the key",
        )

    def _mends_pinned(self) -> str:
        if not self._host.is_added:
            return "edit `host_key` of this host in hosts.yaml"
        return f"mcp-ssh hosts remove {self._host.name} --keep-key, and mcp-ssh hosts add"

    def _changed(self, shown: str, expected: str, mend: str) -> HostKeyChangedError:
        return HostKeyChangedError(
            f"the host key of {self._host.name} has changed: it showed {shown}, known is {expected}",
            hint="somebody may be in between; only if the host was reinstalled, accept the new key with: " + mend,
        )
