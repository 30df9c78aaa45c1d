"""Keys of an audit log: who holds one can show that a chain is the one that was written, and others cannot write it.

A text of 32 characters or more is a key for HMAC-SHA-256: the same one makes and checks. A private Ed25519 key in PEM
or OpenSSH's form makes what its public key checks. The key is kept outside of the log; a chain without one can be
computed anew by whoever can write the file.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_ssh.audit.chain import Link

least_chars = 32
_purpose = b"mcp-ssh audit checkpoint 1"
_command_purpose = b"mcp-ssh audit command 1"


class KeyTextError(ValueError):
    """A text that is no key; it is not repeated in the message."""


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key. `id` tells keys apart and nothing of them. `sign` and `command_hmac` are None for a public key."""

    id: str
    checks: Callable[[bytes, str], bool]
    signs: Callable[[bytes], str] | None = None
    digests: Callable[[bytes], str] | None = None

    def sign(self, link: Link) -> str:
        """The mark for a chain up to here."""
        assert self.signs is not None  # noqa: S101  only who checks has a public key
        return self.signs(_text(link))

    def is_of(self, link: Link, mark: str) -> bool:
        """Whether the mark was made with this key for this chain."""
        return self.checks(_text(link), mark)

    def command_hmac(self, command: str) -> str:
        """What tells whether a command is the one that was given, to the key's holder alone."""
        assert self.digests is not None  # noqa: S101  as above
        return self.digests(command.encode("utf-8", "surrogateescape"))


def key_of(text: str) -> AuditKey:
    """The key that a text is. Raises `KeyTextError`."""
    text = text.strip()
    if text.startswith("-----BEGIN ") and "PRIVATE KEY" in text.splitlines()[0]:
        return _private(text.encode())
    if text.startswith(("-----BEGIN ", "ssh-ed25519 ")):
        return _public(text.encode())
    if len(text) < least_chars:
        raise KeyTextError(f"an HMAC key has {least_chars} characters or more: openssl rand -hex 32 makes one")
    secret = text.encode("utf-8", "surrogateescape")

    def signs(data: bytes) -> str:
        return hmac.digest(secret, data, "sha256").hex()

    return AuditKey(
        id=f"hmac:{hmac.digest(secret, b'mcp-ssh audit key id', 'sha256').hex()[:16]}",
        checks=lambda data, mark: hmac.compare_digest(signs(data).encode(), mark.encode("utf-8", "replace")),
        signs=signs,
        digests=lambda data: signs(_command_purpose + b"\0" + data),
    )


def _private(text: bytes) -> AuditKey:
    load = (
        serialization.load_ssh_private_key if b"OPENSSH" in text.split(b"\n")[0] else serialization.load_pem_private_key
    )
    try:
        private = load(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyTextError("the private key cannot be read; it must have no passphrase") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyTextError("the private key is not an Ed25519 key: ssh-keygen -t ed25519 makes one")
    secret = hashlib.sha256(_command_purpose + private.private_bytes_raw()).digest()
    public = _of_public(private.public_key())
    return AuditKey(
        public.id,
        public.checks,
        lambda data: base64.b64encode(private.sign(data)).decode(),
        lambda data: hmac.digest(secret, data, "sha256").hex(),
    )


def _public(text: bytes) -> AuditKey:
    load = serialization.load_ssh_public_key if text.startswith(b"ssh-") else serialization.load_pem_public_key
    try:
        public = load(text)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyTextError("the public key cannot be read") from None
    if not isinstance(public, Ed25519PublicKey):
        raise KeyTextError("the public key is not an Ed25519 key")
    return _of_public(public)


def _of_public(public: Ed25519PublicKey) -> AuditKey:
    def checks(data: bytes, mark: str) -> bool:
        try:
            public.verify(base64.b64decode(mark, validate=True), data)
        except (InvalidSignature, ValueError):
            return False
        return True

    return AuditKey(f"ed25519:{hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]}", checks)


def _text(link: Link) -> bytes:
    return _purpose + f"\0{link.seq}\0{link.hash}".encode()
