"""`mcp-ssh identity`: the key that mcp-ssh itself logs in with, shown and replaced."""

import asyncio
import os
import sys
from argparse import Namespace
from pathlib import Path

from mcp_ssh.cli.hosts import operator, quiet_app
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.face.hygiene import clean
from mcp_ssh.service.rotation import Rotated, Turned
from mcp_ssh.transport.identity import Identity
from mcp_ssh_drivers.registry import known


def identity(options: Namespace) -> int:
    """Do what is asked: 0 if it was done, 1 if a host still needs the old key."""
    if options.action != "rotate":
        return _show()
    rotated = asyncio.run(_rotated(force=options.force))
    for each in rotated.hosts:
        print(_line(each))  # noqa: T201
    print(_ending(rotated), file=sys.stdout if rotated.is_retired else sys.stderr)
    return 0 if rotated.is_retired else 1


def _show() -> int:
    settings = load(Environment.from_environ(os.environ, Path.home()), known).settings
    for key in Identity(settings.state_dir).all_public():
        print(key.line)  # noqa: T201
        print(key.fingerprint, file=sys.stderr)  # noqa: T201
    return 0


async def _rotated(*, force: bool) -> Rotated:
    async with quiet_app() as app:
        return await app.nodes.rotation.rotate(operator(), force=force)


def _line(turned: Turned) -> str:
    if turned.error is None:
        return f"{turned.host}: the new key is proved, the old one is off it"
    hint = f" (hint: {turned.error.hint})" if turned.error.hint else ""
    return clean(f"{turned.host}: not done, {turned.error.code}: {turned.error.message}{hint}")


def _ending(rotated: Rotated) -> str:
    left = ", ".join(each.host for each in rotated.left)
    if not rotated.is_retired:
        return (
            f"the old key is kept, because these hosts still need it: {left}\n"
            "hint: mend them and rotate again, which goes on here; --force lets the old key go"
        )
    ends = f"the key of mcp-ssh is now {rotated.key.fingerprint}; the old one is gone"
    return f"{ends}\nto be added anew: {left}" if left else ends
