"""Outputs of network devices as rows, where the extra `parse` is installed and has a template for the command."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from mcp_ssh.safety.network.grammar import platform_of

deadline_s = 5.0
max_text_bytes = 1_000_000
at_once = 2

_theirs = {
    "": "linux",
    "aruba_cx": "aruba_aoscx",
    "busybox": "linux",
    "dlink": "dlink_ds",
    "fortinet_fortios": "fortinet",
    "ubiquiti_edgeos": "ubiquiti_edgerouter",
    "zyxel": "zyxel_os",
}
"""How ntc-templates calls platforms that it calls otherwise than we do. POSIX hosts have no platform with us."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an output by a template; or None and `why`, in words.

    A template that finds nothing gives no rows, as for a table that is empty.
    """

    template: str = ""
    rows: tuple[dict[str, str | list[str]], ...] | None = None
    why: str = ""


class RowReader:
    """Reads outputs in processes of their own, a few at once; they know nothing of the daemon and have a deadline."""

    def __init__(self, deadline_s: float = deadline_s) -> None:
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(at_once)

    async def rows_of(self, platform: str, command: str, text: str) -> Rows:
        """The rows of a command's output; `platform` is the driver's. Always gives an answer, within the deadline."""
        folder = templates_folder()
        if folder is None:
            return Rows(why="the extra `parse` is not installed with mcp-ssh")
        if len(text.encode("utf-8", "replace")) > max_text_bytes:
            return Rows(why=f"the output has more than {max_text_bytes} bytes")
        asked = {"folder": folder, "platforms": platform_names(platform), "command": command, "text": text}
        try:
            async with asyncio.timeout(self._deadline_s), self._turns:
                return _rows(await _said(json.dumps(asked).encode("ascii")))
        except TimeoutError:
            return Rows(why=f"it took longer than {self._deadline_s:g} s")
        except OSError as error:
            return Rows(why=f"the reader could not be started: {error.strerror}")


def templates_folder() -> str | None:
    """Where the templates lie. They are found without being imported: that costs nothing where nobody asks."""
    found = importlib.util.find_spec("ntc_templates")
    if found is None or importlib.util.find_spec("textfsm") is None:
        return None
    return next((f"{place}/templates" for place in found.submodule_search_locations or ()), None)


def platform_names(platform: str) -> list[str]:
    """What a platform may be called among the templates, the likeliest first: a profile may be named as they are."""
    ours = platform_of(platform)
    return list(dict.fromkeys(name for name in (platform, _theirs.get(ours, ours)) if name))


async def _said(question: bytes) -> bytes:
    """What the reader says, which is bounded there; it is gone afterwards, whatever happens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "mcp_ssh.outputs.templates"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate(question)
        return said
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _rows(said: bytes) -> Rows:
    try:
        return TypeAdapter(Rows).validate_json(said)
    except ValidationError:
        return Rows(why="the reader broke off")
