"""The keys that the user's own SSH configuration names, in the order in which ssh offers them."""

import asyncio
import contextlib
import os
from collections.abc import Sequence

import asyncssh

from mcp_ssh.model.errors import AuthenticationError, McpSshError
from mcp_ssh.model.host import Auth
from mcp_ssh.model.loginerrors import CertificateError, NothingToOfferError
from mcp_ssh.ports import Secrets
from mcp_ssh.transport import certificates
from mcp_ssh.transport.agent import agent_path, keys_of
from mcp_ssh.transport.credentials import Credentials
from mcp_ssh.transport.keyfiles import check_mode

Pair = asyncssh.SSHKeyPair


async def configured(auth: Auth, secrets: Secrets) -> Credentials:
    """As ssh does: the named keys that the agent has, its others unless only those are wanted, then key files."""
    named, notes = auth.identities, list[str]()
    agent, held = None, tuple[Pair, ...]()
    if named.agent != "":
        try:
            agent, held = await keys_of(named.agent or agent_path(secrets))
        except AuthenticationError as error:
            notes.append(error.message)
    files = await asyncio.to_thread(lambda: [_identity(path, notes) for path in named.files])
    certs = await asyncio.to_thread(lambda: [*_extra(named.certificates, notes)])
    by_blob = {key.public_data: key for key in held}
    blobs = [blob for blob, _ in files if blob is not None]
    first = [by_blob[blob] for blob in blobs if blob in by_blob]
    rest = [] if named.only else [key for key in held if key.public_data not in blobs]
    own = [pair for blob, pairs in files if blob not in by_blob for pair in pairs]
    keys = [*_with_certificates([*first, *rest, *own], certs)]
    if not keys:
        if agent is not None:
            agent.close()
        raise NothingToOfferError(
            f"no key of its SSH configuration can be used ({'; '.join(notes) or 'none is named'})"[:1000],
            hint="ssh-add the key, or write `auth` under this host",
        )
    return Credentials(tuple(keys), agent=agent, told="; ".join(notes))


def _identity(path: str, notes: list[str]) -> tuple[bytes | None, list[Pair]]:
    """The public half of a named key, and the key itself where it can be read without a passphrase."""
    if not os.path.exists(path):  # noqa: PTH110  a text, as the configuration has it
        return None, []
    public = _public(path)
    try:
        check_mode(path)
        pairs = [*asyncssh.load_keypairs([path], ignore_encrypted=True)]
    except McpSshError as error:
        notes.append(error.message)
        return public, []
    except (OSError, ValueError, asyncssh.KeyImportError, asyncssh.KeyExportError) as error:
        if public is None:
            notes.append(f"{path}: {error}")
        return public, []
    if not pairs:
        notes.append(f"{path} needs a passphrase")
        return public, []
    return public or pairs[-1].key_public_data, pairs


def _public(path: str) -> bytes | None:
    for name in (f"{path}.pub", path):
        with contextlib.suppress(OSError, ValueError, asyncssh.KeyImportError):
            return asyncssh.read_public_key(name).public_data
    return None


def _extra(paths: Sequence[str], notes: list[str]) -> Sequence[asyncssh.SSHCertificate]:
    found = []
    for path in paths:
        try:
            certificate = certificates.read(path)
            certificates.check(certificate, path)
            found.append(certificate)
        except CertificateError as error:
            notes.append(error.message)
    return found


def _with_certificates(keys: Sequence[Pair], extra: Sequence[asyncssh.SSHCertificate]) -> Sequence[Pair]:
    """Each key by the certificate that is named for it, if there is one."""
    for key in keys:
        for certificate in extra:
            with contextlib.suppress(ValueError):
                key.set_certificate(certificate)
    return keys
