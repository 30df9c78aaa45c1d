"""User certificates (OpenSSH's `-cert.pub`, PROTOCOL.certkeys): read, looked at before they are used, and told of."""

import base64
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncssh

from mcp_ssh.model.loginerrors import CertificateError

for_users = 1
"""The type of a user certificate; hosts have 2."""

never_ends = 0xFFFF_FFFF_FFFF_FFFF


def read(path: str) -> asyncssh.SSHCertificate:
    """The certificate of a file. Raises `CertificateError`."""
    try:
        return asyncssh.read_certificate(path)
    except OSError as error:
        raise CertificateError(f"certificate {path}: {error.strerror}", hint="check `certificate_path`") from error
    except asyncssh.KeyImportError as error:
        raise CertificateError(f"certificate {path}: not an OpenSSH certificate ({error})".rstrip(".")) from error


def of_agent(pair: asyncssh.SSHKeyPair) -> asyncssh.SSHCertificate | None:
    """The certificate that an agent's key is, if it is one."""
    if not pair.has_cert:
        return None
    try:
        return asyncssh.import_certificate(_line(pair))
    except asyncssh.KeyImportError:
        return None


def _line(pair: asyncssh.SSHKeyPair) -> str:
    return f"{pair.get_algorithm()} {base64.b64encode(pair.public_data).decode('ascii')}\n"


def check(certificate: asyncssh.SSHCertificate, where: str) -> None:
    """Raise `CertificateError` for one that no host takes: of another kind, or at another time than now."""
    try:
        validate = certificate.validate  # type: ignore[attr-defined]  # of OpenSSH's kind, not of X.509's
    except AttributeError:
        raise CertificateError(f"certificate {where}: it is an X.509 certificate, not an OpenSSH one") from None
    try:
        validate(for_users, None)
    except ValueError as error:
        raise CertificateError(
            f"certificate {where}: {_why(certificate, str(error))}", hint="have a new one signed, and write it there"
        ) from None


def _why(certificate: asyncssh.SSHCertificate, reason: str) -> str:
    first, last = _times(certificate)
    if "expired" in reason.lower():
        return f"it expired at {_stamp(last)}, and it is {_stamp(time.time())} here"
    if "not yet" in reason.lower():
        return f"it is valid from {_stamp(first)} on, and it is {_stamp(time.time())} here"
    return "it is a host's, not a user's"


def told(certificate: asyncssh.SSHCertificate, where: str) -> str:
    """What a person should know of a certificate that a host did not take."""
    names: Sequence[str] = getattr(certificate, "principals", ())
    authority = getattr(certificate, "signing_key", None)
    signed = f", signed by {authority.get_fingerprint('sha256')}" if isinstance(authority, asyncssh.SSHKey) else ""
    until = _times(certificate)[1]
    end = "for ever" if until >= never_ends else f"until {_stamp(until)}"
    return f"the certificate {where} is for {', '.join(names) or 'every principal'}{signed}, valid {end}"


def principals(certificate: asyncssh.SSHCertificate) -> tuple[str, ...]:
    """For whom it is; empty: for everybody."""
    return tuple(getattr(certificate, "principals", ()))


def _times(certificate: asyncssh.SSHCertificate) -> tuple[int, int]:
    """When it begins and ends, in seconds since the epoch; the library shows them in no other way."""
    facts = vars(certificate)
    return int(facts.get("_valid_after", 0)), int(facts.get("_valid_before", never_ends))


def _stamp(seconds: float) -> str:
    return (
        datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )


def beside(key_path: str) -> str | None:
    """The certificate that lies beside a private key, as ssh-keygen writes it."""
    path = f"{key_path}-cert.pub"
    return path if Path(path).is_file() else None
