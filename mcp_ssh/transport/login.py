"""What we offer a host to log in with, gathered late and only for the method that the host's entry names."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

import asyncssh

from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.model.loginerrors import CertificateError
from mcp_ssh.ports import Secrets
from mcp_ssh.transport import certificates
from mcp_ssh.transport.agent import agent_path, keys_of
from mcp_ssh.transport.credentials import Credentials
from mcp_ssh.transport.identities import configured
from mcp_ssh.transport.identity import each_offered, make_if_missing
from mcp_ssh.transport.keyfiles import read_key

Pair = asyncssh.SSHKeyPair


async def gather(auth: Auth, secrets: Secrets) -> Credentials:
    """Collect what the method needs, and close it after use.

    Raises `SecretMissingError`, `KeyFileError`, `CertificateError` or `AuthenticationError`: nothing was dialled.
    """
    password = secrets.get(auth.password_env) if auth.password_env else None
    match auth.method:
        case AuthMethod.KEY:
            key = await asyncio.to_thread(read_key, auth, secrets)
            return Credentials(tuple(asyncssh.load_keypairs([key])), password)
        case AuthMethod.GATEWAY:
            own = await asyncio.to_thread(_own_keys, auth, secrets)
            return Credentials(tuple(asyncssh.load_keypairs([*own])))
        case AuthMethod.AGENT:
            agent, keys = await keys_of(agent_path(secrets))
            return Credentials(keys, password, agent=agent)
        case AuthMethod.CERTIFICATE:
            return replace(await _certified(auth, secrets), password=password)
        case AuthMethod.SSH_CONFIG:
            return await configured(auth, secrets)
        case _:
            return Credentials(password=password, keyboard_only=auth.method is AuthMethod.KEYBOARD_INTERACTIVE)


def _own_keys(auth: Auth, secrets: Secrets) -> tuple[asyncssh.SSHKey, ...]:
    """The keys of mcp-ssh itself: one, or two while it is being rotated."""
    path = auth.key_path or ""
    make_if_missing(path)
    return each_offered(path, lambda each: read_key(replace(auth, key_path=each), secrets))


async def _certified(auth: Auth, secrets: Secrets) -> Credentials:
    if auth.key_path is not None:
        key = await asyncio.to_thread(read_key, auth, secrets)
        path = auth.certificate_path or f"{auth.key_path}-cert.pub"
        certificate = await asyncio.to_thread(certificates.read, path)
        certificates.check(certificate, path)
        return Credentials(
            (_joined(asyncssh.load_keypairs([key]), certificate, path),), told=certificates.told(certificate, path)
        )
    agent, keys = await keys_of(agent_path(secrets))
    try:
        if auth.certificate_path is None:
            return _agents_own(agent, keys)
        certificate = await asyncio.to_thread(certificates.read, auth.certificate_path)
        certificates.check(certificate, auth.certificate_path)
        pair = _joined([key for key in keys if not key.has_cert], certificate, auth.certificate_path)
        return Credentials((pair,), agent=agent, told=certificates.told(certificate, auth.certificate_path))
    except McpSshError:
        agent.close()
        raise


def _joined(keys: Sequence[Pair], certificate: asyncssh.SSHCertificate, path: str) -> Pair:
    """The key of these that the certificate is for, with it."""
    for key in keys:
        with contextlib.suppress(ValueError):
            key.set_certificate(certificate)
            return key
    raise CertificateError(
        f"certificate {path}: it is for another key ({certificate.key.get_fingerprint('sha256')})",
        hint="name the private key that was signed with `key_path`, or add it to the agent: ssh-add",
    )


def _agents_own(agent: asyncssh.SSHAgentClient, keys: Sequence[Pair]) -> Credentials:
    """The agent's keys that are certificates. Those whose time is over are told if there is no other."""
    problem: CertificateError | None = None
    good: list[Pair] = []
    words: list[str] = []
    for key in keys:
        certificate = certificates.of_agent(key)
        if certificate is None:
            continue
        try:
            certificates.check(certificate, "of the agent")
        except CertificateError as error:
            problem = error
        else:
            good.append(key)
            words.append(certificates.told(certificate, "of the agent"))
    if good:
        return Credentials(tuple(good), agent=agent, told="; ".join(words))
    raise problem or CertificateError(
        "the agent has no certificate", hint="ssh-add KEY adds KEY-cert.pub with it; or write `certificate_path`"
    )
