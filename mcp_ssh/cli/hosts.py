"""`mcp-ssh hosts`: what can be reached, and hosts that are added by a password and removed again.

A daemon that runs hears of what is changed here when it looks at its files again. A password is read from the terminal,
or named; it is never an argument, which every user of the machine could read.
"""

import asyncio
import getpass
import json
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mcp_ssh.app import App, running
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.face.hygiene import clean, one_line
from mcp_ssh.face.nodeviews import key_words, not_known_yet
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.nodes import NodeAction
from mcp_ssh.model.principal import Answer, Caller, Principal, Via
from mcp_ssh.model.refusals import ApprovalRequiredError
from mcp_ssh.model.secret import Secret
from mcp_ssh.service.adding import AddedHost, NewHost
from mcp_ssh.service.nodes import Changed
from mcp_ssh.service.records import where
from mcp_ssh_drivers.registry import known


def hosts(options: Namespace) -> int:
    """Do what is asked: 0 if it was done."""
    match options.action:
        case "add":
            return _add(options)
        case "remove" | "enable" | "disable":
            return _change(options)
        case "status":
            return asyncio.run(_status(options.name, as_json=options.json))
        case _:
            return _list(as_json=options.json)


def operator() -> Caller:
    """Whoever sits at this terminal, and answers for himself."""
    return Caller(Principal(f"operator:{getpass.getuser()}", Via.STDIO), "mcp-ssh", can_ask=True)


# --- add


def _add(options: Namespace) -> int:
    new = NewHost(options.name, options.host, options.user, options.port, options.password_secret, options.host_key)
    added = asyncio.run(_added(new, _asked(new, is_agreed=options.yes)))
    print(f"{added.name} is added: {added.user}@{where(added.address, added.port)}")  # noqa: T201
    print(f"its host key was pinned: {added.host_key.algorithm} {added.host_key.fingerprint}")  # noqa: T201
    print("our public key stood there already" if added.was_there else "our public key is installed there")  # noqa: T201
    _say_if_unknown(is_known=added.is_known)
    return 0


def _asked(new: NewHost, *, is_agreed: bool) -> Secret | None:
    """The password, or None where it is named. Raises `InvalidArgumentError` where nobody says yes."""
    key = f"which must show {new.host_key}" if new.host_key else "whose key is pinned as it shows it now"
    line = clean(f"{new.name} is to be {new.user}@{where(new.address, new.port)}, {key}.")
    if new.password_secret is not None:
        agreed = is_agreed or (sys.stdin.isatty() and input(f"{line} Go on? [y/N] ").strip().lower() in {"y", "yes"})
        if not agreed:
            raise InvalidArgumentError("nobody said yes; nothing was sent", hint="--yes says it without a terminal")
        return None
    if not sys.stdin.isatty():
        raise InvalidArgumentError(
            "the password is asked for at a terminal, and this is none; nothing was sent",
            hint="name a secret with --password-secret and say --yes",
        )
    print(line)  # noqa: T201
    given = getpass.getpass("Password, used once and not kept: ")
    if not given:
        raise InvalidArgumentError("no password was given; nothing was sent")
    return Secret(given)


async def _added(new: NewHost, password: Secret | None) -> AddedHost:
    async with quiet_app() as app:
        caller = operator()
        try:
            return await app.nodes.adder.add(caller, new)
        except ApprovalRequiredError as needed:  # whoever typed the command has said yes to exactly this
            answer = Answer(needed.approval, accepted=True, words="said yes", values=(password,) if password else ())
        return await app.nodes.adder.add(replace(caller, answer=answer), new)


# --- remove, enable, disable


def _change(options: Namespace) -> int:
    changed = asyncio.run(_changed(options))
    words = {NodeAction.REMOVE: "is taken out", NodeAction.ENABLE: "is enabled", NodeAction.DISABLE: "is disabled"}
    print(f"{changed.host} {words[changed.action]}")  # noqa: T201
    if changed.action is NodeAction.REMOVE:
        print(key_words(changed.key_removed))  # noqa: T201
    _say_if_unknown(is_known=changed.is_known)
    return 0


async def _changed(options: Namespace) -> Changed:
    async with quiet_app() as app:
        if options.action == "remove":
            return await app.nodes.remove(operator(), options.name, remove_key=not options.keep_key)
        return await app.nodes.enable(operator(), options.name, enabled=options.action == "enable")


def _say_if_unknown(*, is_known: bool) -> None:
    if not is_known:
        print(not_known_yet, file=sys.stderr)  # noqa: T201


# --- look


async def _status(name: str, *, as_json: bool) -> int:
    """Try it: whoever asks at a terminal wants to know how it is now."""
    async with quiet_app() as app:
        try:
            peer = (await app.commands.connect(operator(), name)).session.connection.peer
        except McpSshError as error:
            if not as_json:
                raise
            print(json.dumps({"host": name, "reached": False, "code": error.code, "message": clean(error.message)}))  # noqa: T201
            return 1
    key = f"{peer.host_key.algorithm} {peer.host_key.fingerprint}" if peer.host_key is not None else ""
    told = {
        "host": name,
        "reached": True,
        "address": where(peer.address, peer.port),
        "user": peer.user,
        "server": one_line(peer.version),
        "host_key": key,
    }
    print(json.dumps(told) if as_json else _line(told))  # noqa: T201
    return 0


def _line(told: Mapping[str, object]) -> str:
    key = f", {told['host_key']}" if told["host_key"] else ""
    return f"{told['host']} was reached: {told['user']}@{told['address']}, {told['server']}{key}"


def _list(*, as_json: bool) -> int:
    snapshot = load(Environment.from_environ(os.environ, Path.home()), known)
    rows = [_row(host) for host in snapshot.inventory.hosts.values()]
    if as_json:
        for row in rows:
            print(json.dumps(row))  # noqa: T201
    elif rows:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("host", "address", "login", "by", "from", "state"):
            table.add_column(title, overflow="fold")
        for row in rows:
            cells = [str(row[key]) for key in ("host", "address", "user", "by", "from")]
            table.add_row(*cells, "enabled" if row["enabled"] else "disabled")
        Console(highlight=False, markup=False).print(table)
    else:
        print("there are no hosts; add one to hosts.yaml, or by: mcp-ssh hosts add", file=sys.stderr)  # noqa: T201
    for fault in snapshot.left_out:
        print(f"left out: {fault}", file=sys.stderr)  # noqa: T201
    return 0


def _row(host: Host) -> dict[str, object]:
    return {
        "host": host.name,
        "address": where(host.address, host.port),
        "user": host.user,
        "by": host.auth.method.value,
        "from": "added" if host.is_added else "hosts.yaml",
        "enabled": host.enabled,
    }


def quiet_app() -> AbstractAsyncContextManager[App]:
    """A daemon of our own for one command; it says what is wrong, and nothing of what it does."""
    environment = Environment.from_environ(os.environ, Path.home())
    return running(replace(environment, log_level=environment.log_level or "warning"), os.environ)
