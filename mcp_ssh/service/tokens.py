"""Which token a secret is, asked anew for every request: what the configuration says now is what counts."""

import hashlib
import hmac
from typing import Protocol

from mcp_ssh.model.errors import PermissionMissingError
from mcp_ssh.model.principal import Principal, Token
from mcp_ssh.ports import Clock
from mcp_ssh.service.judge import Configured

max_secret_chars = 500


class TokenSource(Protocol):
    """Whoever holds the tokens that were made by command."""

    def current(self) -> tuple[Token, ...]:
        """Those that there are now."""
        ...


class Tokens:
    """The tokens that are in force."""

    def __init__(self, configuration: Configured, made: TokenSource, clock: Clock) -> None:
        self._configuration = configuration
        self._made = made
        self._clock = clock

    def find(self, secret: str) -> Token | None:
        """The valid token with this secret. Takes the same time whichever it is, or none."""
        if len(secret) > max_secret_chars:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        found: Token | None = None
        for token in self._all():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found if found is not None and found.is_valid(self._clock.wall()) else None

    def principal(self, name: str) -> Principal:
        """Whom the token of that name lets in now. Raises `PermissionMissingError` if it is not valid any more."""
        valid = (token for token in self._all() if token.is_valid(self._clock.wall()))
        token = next((token for token in valid if token.name == name), None)
        if token is None:
            raise PermissionMissingError("the token is not valid any more; nothing was sent")
        return token.principal()

    def _all(self) -> tuple[Token, ...]:
        """Those of the file before those that were made: one name is one token."""
        given = self._configuration.current.tokens
        names = {token.name for token in given}
        return (*given, *(token for token in self._made.current() if token.name not in names))
