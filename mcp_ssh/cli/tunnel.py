"""`mcp-ssh tunnel key`: what a device has to know before it dials in."""

import os
import socket
import sys
from pathlib import Path

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.transport.listenerkey import ListenerKey
from mcp_ssh_drivers.registry import known

_nobodys = frozenset({"0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})  # noqa: S104  names, not a socket


def key(gateway: str | None) -> int:
    """Tell the fingerprint, and print the line for known_hosts alone on stdout. The key is made if there is none."""
    settings = load(Environment.from_environ(os.environ, Path.home()), known).settings
    where = settings.tunnel_listener
    name = gateway or (socket.gethostname() if where.host in _nobodys else where.host)
    found = ListenerKey(settings.state_dir)
    if not where.enabled:
        _say("the listener is off; switch it on in hosts.yaml: tunnel_listener: {enabled: true, host: 0.0.0.0}")
    _say(f"the listener's host key is {found.fingerprint}")
    _say(f"for known_hosts of devices that reach it as {name}, port {where.port}:")
    print(found.known_hosts_line(name, where.port))  # noqa: T201
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
