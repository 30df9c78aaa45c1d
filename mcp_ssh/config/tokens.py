"""Named tokens: from hosts.yaml, and the one that `MCP_AUTH_TOKEN` is."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from mcp_ssh.config.check import Checker
from mcp_ssh.config.environment import least_token_chars
from mcp_ssh.config.schema import TokenEntry
from mcp_ssh.model.principal import Permission, Token, everything

default_name = "default"
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


def digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def is_long_enough(secret: str) -> bool:
    """Whether nobody guesses it: 32 characters or more, and no blanks."""
    return len(secret) >= least_token_chars and not re.search(r"\s", secret)


def default_token(secret: str) -> Token:
    """The one token of `MCP_AUTH_TOKEN`: all rights but to speak for a person."""
    return Token(default_name, digest(secret), everything - {Permission.OVERRIDE})


def tokens_of(checker: Checker, entries: Mapping[str, Any], environ: Mapping[str, str] | None) -> tuple[Token, ...]:
    """All tokens of the file. A variable that is not set, or too short, is a fault: nobody could come in by it.

    Without an environment no variable is looked at, and tokens that stand in one are left out.
    """
    found = []
    for name, data in entries.items():
        path = ("tokens", name)
        if not _name.fullmatch(name) or name == default_name:
            checker.add(path, f"is no name of a token: letters, digits, . _ - and not {default_name!r}")
        entry = checker.validate(TokenEntry, data, path)
        sha256 = _sha256(checker, entry, path, environ) if entry is not None else None
        if entry is None or sha256 is None:
            continue
        found.append(
            Token(
                name=name,
                sha256=sha256,
                permissions=frozenset(Permission(each) for each in entry.permissions),
                hosts=tuple(entry.allowed_hosts),
                tags=frozenset(entry.allowed_tags),
                expires_at=_midnight(entry.expires),
                enabled=entry.enabled,
                rate_multiplier=entry.rate_limit_multiplier,
            )
        )
    return tuple(found)


def _sha256(
    checker: Checker, entry: TokenEntry, path: tuple[str, str], environ: Mapping[str, str] | None
) -> str | None:
    if entry.token_env is None or environ is None:
        return entry.token_sha256
    secret = environ.get(entry.token_env, "")
    if not is_long_enough(secret):
        state = "has fewer than 32 characters, or blanks" if secret else "is not set"
        checker.add((*path, "token_env"), f"{entry.token_env} {state}")
        return None
    return digest(secret)


def _midnight(day: dt.date | None) -> float | None:
    if day is None:
        return None
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()
