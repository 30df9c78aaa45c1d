"""`tokens.yaml` in the state folder: the tokens that the command line makes. Digests only; 0600; written whole.

A running daemon looks at the file for every request, so that what is made or revoked counts at once.
"""

import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
import yaml

from mcp_ssh.config.check import Checker
from mcp_ssh.config.lines import YamlError, read
from mcp_ssh.config.modes import fault_of
from mcp_ssh.config.tokens import digest, tokens_of
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.principal import Token

file_name = "tokens.yaml"
_header = "# Made by `mcp-ssh tokens`. Digests only: a token is shown once, when it is made.\n"


class TokenFile:
    """The file. What it holds is read again when the file has changed."""

    def __init__(self, state_dir: str) -> None:
        self._path = Path(state_dir) / file_name
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def current(self) -> tuple[Token, ...]:
        """The tokens. A file that is not right holds none: nobody comes in by what cannot be read."""
        stamp = self._stamp_now()
        if stamp != self._stamp:
            try:
                self._tokens = self._parsed(self._read())
            except ConfigurationError as error:
                structlog.get_logger("mcp_ssh.tokens").error(
                    "tokens_refused", faults=[str(each) for each in error.faults]
                )
                self._tokens = ()
            self._stamp = stamp
        return self._tokens

    def tokens(self) -> tuple[Token, ...]:
        """The tokens, for showing. Raises `ConfigurationError`."""
        return self._parsed(self._read())

    def create(self, name: str, entry: dict[str, Any]) -> str:
        """Make a token and give its secret, which is written nowhere. Raises `InvalidArgumentError`."""
        secret = f"mcpssh_{secrets.token_urlsafe(32)}"
        with self._changing() as entries:
            if name in entries:
                raise InvalidArgumentError(
                    f"there is a token {name!r}", hint="revoke or rotate it, or take another name"
                )
            entries[name] = {"token_sha256": digest(secret), **entry}
        return secret

    def rotate(self, name: str) -> str:
        """A new secret for a token; the old one is out at once."""
        secret = f"mcpssh_{secrets.token_urlsafe(32)}"
        with self._changing() as entries:
            self._known(entries, name)["token_sha256"] = digest(secret)
        return secret

    def revoke(self, name: str) -> None:
        """The token is no more."""
        with self._changing() as entries:
            self._known(entries, name)
            del entries[name]

    # --- inside

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The entries, to be changed by one process at a time; written whole, or not at all."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = self._read()
            self._parsed(text)
            entries = dict((yaml.safe_load(text) or {}).get("tokens") or {})
            yield entries
            changed = _header + yaml.safe_dump({"tokens": entries}, sort_keys=False)
            self._parsed(changed)
            self._write(changed)
        finally:
            os.close(lock)

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                fault = fault_of(os.fstat(file.fileno()), self._path, is_secret=True)
                if fault:
                    raise ConfigurationError([Fault(str(self._path), 1, "(file)", fault)])
                return file.read().decode("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError([Fault(str(self._path), 1, "(file)", f"cannot be read: {error}")]) from None

    def _parsed(self, text: str) -> tuple[Token, ...]:
        try:
            document = read(text)
        except YamlError as error:
            raise ConfigurationError([Fault(str(self._path), error.line, "(file)", error.message)]) from None
        checker = Checker(str(self._path), document)
        top = checker.mapping(document.data, ()) if document.data is not None else {}
        found = tokens_of(checker, checker.mapping(top.get("tokens", {}), ("tokens",)), {})
        if checker.faults:
            raise ConfigurationError(checker.faults)
        return found

    def _write(self, text: str) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".tokens-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp makes it 0600
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ctime_ns, found.st_size, found.st_ino  # ctime: a changed mode counts, too

    @staticmethod
    def _known(entries: dict[str, Any], name: str) -> dict[str, Any]:
        if name not in entries:
            raise InvalidArgumentError(
                f"tokens.yaml has no token {name!r}",
                hint="`mcp-ssh tokens list` tells them; those of hosts.yaml stand there",
            )
        entry: dict[str, Any] = entries[name]
        return entry
