"""Hosts and settings for tests, with only what a test is about spelled out."""

from typing import Any

from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.model.settings import Settings


def host(name: str = "web", **changes: Any) -> Host:
    """A posix host at 192.0.2.1 that takes a key."""
    facts: dict[str, Any] = {
        "address": "192.0.2.1",
        "user": "admin",
        "auth": Auth(AuthMethod.KEY, key_path="/nowhere/key"),
    }
    return Host(name=name, **(facts | changes))


def settings(**changes: Any) -> Settings:
    """The defaults, with paths that lead nowhere."""
    facts: dict[str, Any] = {"state_dir": "/nowhere/state", "audit_log": "/nowhere/audit.log", "known_hosts": ()}
    return Settings(**(facts | changes))
