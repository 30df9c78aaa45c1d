"""Making an interactive shell a quiet one, whichever shell the login has."""

import asyncio
import contextlib
import secrets

from mcp_ssh.ports import Connection, Pty
from mcp_ssh_drivers import posixtalk as talk
from mcp_ssh_drivers.posixcompare import Shell
from mcp_ssh_drivers.posixline import PosixLine
from mcp_ssh_drivers.profile import Terminal

first_quiet_s = 0.3
prepare_wait_s = 2.0
_sh_family = frozenset({"sh", "bash", "rbash", "dash", "ash", "busybox", "ksh", "ksh93", "mksh", "oksh", "yash", "zsh"})


async def opened(connection: Connection, pty: Terminal, line: PosixLine) -> Shell:
    """Start the login's shell and prepare it; another one than of the sh family is replaced by `sh`.

    Waits without an end where nothing answers: the caller has the deadline.
    """
    token = secrets.token_hex(8)
    await connection.open_shell(Pty(pty.term, pty.width, pty.height), line)
    await line.quiet(first_quiet_s)
    line.write(talk.find_shell(token))
    await line.until(lambda: talk.shell_name(token, bytes(line.login)) is not None)
    name = talk.shell_name(token, bytes(line.login))
    found = await _prepared(line, token, prepare_wait_s) if name in _sh_family else None
    while found is None:
        # What $SHELL says may be wrong: another shell can have taken the login shell's place.
        line.write("\x03")
        await line.quiet(first_quiet_s)
        line.write(" exec sh\n")
        await line.quiet(first_quiet_s)
        found = await _prepared(line, token, None)
    return found


async def _prepared(line: PosixLine, token: str, seconds: float | None) -> Shell | None:
    """What the shell tells of itself when it is prepared; None if it did not answer in that time."""
    line.write(talk.prepare(line.prompt_token, token))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await line.until(lambda: talk.prepared(token, bytes(line.login)) is not None and line.prompts > 0)
    return talk.prepared(token, bytes(line.login))
