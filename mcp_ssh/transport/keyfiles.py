"""Private keys in files: as OpenSSH takes them, and in words where one is not taken."""

import os
import shlex

import asyncssh

from mcp_ssh.model.errors import KeyFileError
from mcp_ssh.model.host import Auth
from mcp_ssh.ports import Secrets


def read_key(auth: Auth, secrets: Secrets) -> asyncssh.SSHKey:
    """The private key of a file, opened by its passphrase. Raises `KeyFileError` or `SecretMissingError`."""
    path = auth.key_path or ""
    check_mode(path)
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


def check_mode(path: str) -> None:
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
