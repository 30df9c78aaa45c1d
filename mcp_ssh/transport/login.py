"""What we offer a host to log in with, gathered late and only for the method that the host's entry names."""

import asyncio
import os
import shlex
from dataclasses import dataclass, replace

import asyncssh

from mcp_ssh.model.errors import AuthenticationError, KeyFileError, SecretMissingError
from mcp_ssh.model.host import Auth, AuthMethod, agent_variable
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Secrets
from mcp_ssh.transport.identity import each_offered, make_if_missing


@dataclass(frozen=True, slots=True)
class Credentials:
    """One way in. Exactly one of the three is set. Several `keys` are tried in their order."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    password: Secret | None = None
    agent_path: str | None = None
    keyboard_only: bool = False

    def methods(self) -> str:
        """The SSH authentication methods to try, in order."""
        if self.password is None:
            return "publickey"
        return "keyboard-interactive" if self.keyboard_only else "password,keyboard-interactive"


async def gather(auth: Auth, secrets: Secrets) -> Credentials:
    """Collect what the method needs. Raises `SecretMissingError`, `KeyFileError` or `AuthenticationError`."""
    if auth.method is AuthMethod.KEY:
        return Credentials(keys=(await asyncio.to_thread(_read_key, auth, secrets),))
    if auth.method is AuthMethod.GATEWAY:
        return Credentials(keys=await asyncio.to_thread(_own_keys, auth, secrets))
    if auth.method is AuthMethod.AGENT:
        return Credentials(agent_path=_agent(secrets))
    return Credentials(
        password=secrets.get(auth.password_env or ""),
        keyboard_only=auth.method is AuthMethod.KEYBOARD_INTERACTIVE,
    )


def _own_keys(auth: Auth, secrets: Secrets) -> tuple[asyncssh.SSHKey, ...]:
    """The keys of mcp-ssh itself: one, or two while it is being rotated."""
    path = auth.key_path or ""
    make_if_missing(path)
    return each_offered(path, lambda each: _read_key(replace(auth, key_path=each), secrets))


def _agent(secrets: Secrets) -> str:
    try:
        path = secrets.get(agent_variable).reveal()
    except SecretMissingError:
        raise _no_agent(f": {agent_variable} is not set") from None
    if not os.path.exists(path):  # noqa: PTH110  a socket's path, not a file of ours
        raise _no_agent(f" at {path}")
    return path


def _no_agent(where: str) -> AuthenticationError:
    error = AuthenticationError(f"no ssh-agent{where}", hint='eval "$(ssh-agent)"; ssh-add')
    error.dialled = False
    return error


def _read_key(auth: Auth, secrets: Secrets) -> asyncssh.SSHKey:
    path = auth.key_path or ""
    _check_mode(path)
    passphrase = secrets.get(auth.passphrase_env) if auth.passphrase_env else None
    try:
        return asyncssh.read_private_key(path, passphrase.reveal() if passphrase else None)
    except OSError as error:
        raise KeyFileError(f"key file {path}: {error.strerror}", hint="check `key_path`") from error
    except asyncssh.KeyEncryptionError as error:
        raise KeyFileError(f"key file {path}: the passphrase does not open it", hint=_passphrase_hint(auth)) from error
    except asyncssh.KeyImportError as error:
        if "passphrase" in str(error).lower():
            raise KeyFileError(f"key file {path}: it needs a passphrase", hint=_passphrase_hint(auth)) from error
        raise KeyFileError(f"key file {path}: not a private key that can be read ({error})") from error


def _check_mode(path: str) -> None:
    """As OpenSSH: a key of our own that others can read is not used (sshkey_perm_ok in authfile.c)."""
    try:
        found = os.stat(path)  # noqa: PTH116  a text, as the host has it
    except OSError:
        return  # reading it tells why
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        raise KeyFileError(
            f"key file {path}: others can reach it (mode {found.st_mode & 0o7777:04o}), so it is not used",
            hint=f"chmod 600 {shlex.quote(path)}",
        )


def _passphrase_hint(auth: Auth) -> str:
    if auth.passphrase_env:
        return f"check the value of {auth.passphrase_env}"
    return "name the variable that holds it with `passphrase_env`, or use `method: agent`"
