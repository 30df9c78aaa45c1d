"""The log as the settings want it: its key, its files, and where it is sent on to."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from mcp_ssh.audit.disk.forward import Forward, Stderr, Syslog, Way
from mcp_ssh.audit.disk.sink import AuditLog, Options
from mcp_ssh.audit.keys import AuditKey, KeyTextError, key_of
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Clock, Secrets

_ways: dict[str, Callable[[], Way]] = {"stderr": Stderr, "syslog": Syslog}


@asynccontextmanager
async def audit_log(
    settings: Settings, clock: Clock, secrets: Secrets, known_secrets: Callable[[], Sequence[str]]
) -> AsyncIterator[AuditLog]:
    """The open log. Raises `AuditUnavailableError`, `ConfigurationError` and `SecretMissingError` for its key."""
    kept = settings.audit
    with Forward([_ways[name]() for name in kept.also]) as sends_on:
        options = Options(
            rotate_bytes=kept.rotate_bytes,
            sync_always=kept.sync_always,
            key=audit_key(kept.key_env, secrets),
            shows_command=kept.shows_command,
            sends_on=sends_on if kept.also else None,
        )
        async with AuditLog(settings.audit_log, clock, known_secrets, options) as log:
            yield log


def audit_key(name: str | None, secrets: Secrets) -> AuditKey | None:
    """The key of that name. Raises `ConfigurationError` and `SecretMissingError`."""
    if name is None:
        return None
    text = secrets.get(name).reveal()
    try:
        key = key_of(text)
    except KeyTextError as error:
        raise ConfigurationError([Fault("environment", 0, name, str(error))]) from None
    if key.signs is None:
        raise ConfigurationError([Fault("environment", 0, name, "is a public key, which signs nothing")])
    return key
