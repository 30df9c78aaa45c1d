"""`mcp-ssh tokens`: named tokens for the network faces. They count at once, also in a daemon that runs."""

import datetime as dt
import os
import sys
from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.tokenfile import TokenFile
from mcp_ssh.model.principal import Token
from mcp_ssh_drivers.registry import known


def tokens(options: Namespace) -> int:
    """Do what is asked. A secret is printed alone on stdout, so that it can be piped."""
    environment = Environment.from_environ(os.environ, Path.home())
    snapshot = load(environment, known)
    file = TokenFile(snapshot.settings.state_dir)
    match options.action:
        case "create":
            _show_secret(file.create(options.name, _entry(options, environment.token_hours)), options.name)
        case "rotate":
            _show_secret(file.rotate(options.name), options.name)
        case "revoke":
            file.revoke(options.name)
            _say(f"{options.name} is revoked; open sessions of it end with their next request")
        case _:
            _list(file.tokens(), snapshot.tokens)
    return 0


def _entry(options: Namespace, hours: int | None) -> dict[str, object]:
    entry: dict[str, object] = {"permissions": options.permissions.split(",")}
    if options.hosts:
        entry["allowed_hosts"] = options.hosts.split(",")
    if options.tags:
        entry["allowed_tags"] = options.tags.split(",")
        entry.setdefault("allowed_hosts", [])
    if options.days is not None:
        hours = options.days * 24
    if hours is not None:
        # Days are whole: it is valid until the end of the one on which its time is over.
        last = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
        entry["expires"] = (last.date() + dt.timedelta(days=1)).isoformat()
    return entry


def _list(own: tuple[Token, ...], others: tuple[Token, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("token", "permissions", "hosts", "until", "from"):
        table.add_column(title)
    for rows, where in ((own, "tokens.yaml"), (others, "hosts.yaml or environment")):
        for token in rows:
            table.add_row(token.name, ", ".join(sorted(token.permissions)), _hosts(token), _until(token), where)
    if table.row_count:
        Console(highlight=False).print(table)
    else:
        _say("there are no tokens; make one: mcp-ssh tokens create NAME")


def _hosts(token: Token) -> str:
    return ", ".join([*token.hosts, *(f"tag {tag}" for tag in sorted(token.tags))]) or "none"


def _until(token: Token) -> str:
    if not token.enabled:
        return "disabled"
    if token.expires_at is None:
        return "for ever"
    return dt.datetime.fromtimestamp(token.expires_at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _show_secret(secret: str, name: str) -> None:
    _say(f"the token {name}; it is shown this once and kept nowhere:")
    print(secret)  # noqa: T201


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201
