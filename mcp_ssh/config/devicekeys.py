"""The public keys of devices that dial in: one file a device, read again when it has changed.

A key is known by its SHA-256 fingerprint alone, which is over all that it is (RFC 4253 6.6): two keys never share one.
What cannot be read, may be written by others, or stands in two files, lets nobody in.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from mcp_ssh.config.modes import fault_of
from mcp_ssh.config.snapshot import Configuration
from mcp_ssh.model.host import Host

most_file_bytes = 16_384
least_rsa_bits = 2_048
kinds = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ssh-rsa",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)


class DeviceKeyError(ValueError):
    """The file holds no key that lets a device in."""


def fingerprint_of(line: str) -> str:
    """The fingerprint of a public key as ssh-keygen writes it: kind, base64, and a comment perhaps.

    Raises `DeviceKeyError`, with what is wrong.
    """
    words = line.split()
    if len(words) < 2 or words[0] not in kinds:  # noqa: PLR2004  the kind and the key
        raise DeviceKeyError("is no public key such as `ssh-ed25519 AAAA… name`")
    try:
        blob = base64.b64decode(words[1], validate=True)
        parts = _parts(blob)
    except (binascii.Error, ValueError):
        raise DeviceKeyError("holds a public key that is cut or damaged") from None
    if not parts or parts[0] != words[0].encode("ascii"):
        raise DeviceKeyError("holds a public key that is cut or damaged")
    if words[0] == "ssh-rsa" and int.from_bytes(parts[-1], "big").bit_length() < least_rsa_bits:
        raise DeviceKeyError(f"holds an RSA key of less than {least_rsa_bits} bits; make an ed25519 one")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def _parts(blob: bytes) -> list[bytes]:
    """The strings that a key is made of (RFC 4251 5)."""
    parts, at = list[bytes](), 0
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4], "big")
        if at + 4 + size > len(blob):
            raise ValueError
        parts.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return parts


@dataclass(frozen=True, slots=True)
class _File:
    """What was read; `stamp` is None for a file that is not there."""

    stamp: tuple[int, int, int] | None
    fingerprint: str


class DeviceKeys:
    """Whose key is whose, as configuration and files have it now."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._files: dict[str, _File] = {}
        self._owners: dict[str, Host] = {}
        self._held = frozenset[str]()
        self._shared = frozenset[str]()
        self._log = structlog.get_logger("mcp_ssh.tunnels")

    def owner(self, fingerprint: str) -> Host | None:
        """The enabled host whose device has this key, as of the last look."""
        return self._owners.get(fingerprint)

    def has(self, fingerprint: str) -> bool:
        """Whether it is the key of some host, let in or not: one that is disabled, or two that share it."""
        return fingerprint in self._held

    def look(self) -> None:
        """Read what has changed. Touches the disk; may run in a thread, one look at a time."""
        hosts = self._configuration.current.inventory.hosts.values()
        files = [(host, host.tunnel.device_key_file) for host in hosts if host.tunnel is not None]
        self._files = {path: self._read(path) for _, path in files}
        owners: dict[str, list[Host]] = {}
        for host, path in files:
            owners.setdefault(self._files[path].fingerprint, []).append(host)
        owners.pop("", None)
        self._tell_shared({key: sorted(host.name for host in those) for key, those in owners.items() if len(those) > 1})
        self._held = frozenset(owners)
        self._owners = {key: those[0] for key, those in owners.items() if len(those) == 1 and those[0].enabled}

    def _tell_shared(self, shared: Mapping[str, Sequence[str]]) -> None:
        for key in shared.keys() - self._shared:
            self._log.warning("device_key_shared", key=key, hosts=shared[key])
        self._shared = frozenset(shared)

    def _read(self, path: str) -> _File:
        """The key of a file, read only if the file is another than at the last look."""
        known = self._files.get(path)
        try:
            with Path(path).open("rb") as file:
                found = os.fstat(file.fileno())
                stamp = (found.st_ctime_ns, found.st_size, found.st_ino)
                if known is not None and known.stamp == stamp:
                    return known
                return _File(
                    stamp, self._key_in(file.read(most_file_bytes + 1), fault_of(found, path, is_secret=False))
                )
        except OSError as error:
            return self._refused(path, None, f"cannot be read: {error.strerror}", known)
        except DeviceKeyError as error:
            return self._refused(path, stamp, str(error), known)

    @staticmethod
    def _key_in(raw: bytes, fault: str) -> str:
        if fault:
            raise DeviceKeyError(fault)
        lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip() and line[0] != "#"]
        if len(raw) > most_file_bytes or len(lines) != 1:
            raise DeviceKeyError(f"holds {len(lines)} lines where one public key belongs")
        return fingerprint_of(lines[0])

    def _refused(self, path: str, stamp: tuple[int, int, int] | None, reason: str, known: _File | None) -> _File:
        if known is None or known.fingerprint or known.stamp != stamp:
            self._log.warning("device_key_refused", file=path, reason=reason)
        return _File(stamp, "")
