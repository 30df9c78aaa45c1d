"""What a client of ssh's master tells of its channel in a log of its own (mux.c, at -vv), and when it stands."""

import asyncio
from pathlib import Path

from mcp_ssh.model.errors import ChannelRefusedError, SessionLostError

look_s = 0.01
_met = "master version"
_stands = "master session id"
_refused = "session request failed"


async def stood(process: asyncio.subprocess.Process, log: Path) -> None:
    """Return when the host has opened the channel and the request has left.

    Raises `ChannelRefusedError`, or `SessionLostError` with whether anything may have left: a master can tell the host
    and die before it tells its client, so from when the two had met on nobody knows.
    """
    while _stands not in (told := await asyncio.to_thread(_text, log)):
        if _refused in told:
            raise ChannelRefusedError("the host opened no channel: session open refused by peer")
        if process.returncode is not None:
            hint = "the next call opens a new one"
            raise SessionLostError("the connection was lost", hint=hint, sent=_met in told)
        await asyncio.sleep(look_s)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
