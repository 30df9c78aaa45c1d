"""Our public key in the authorized_keys file of a login: put there once, proved by whoever asked, and taken out again.

The file is replaced in one step by one beside it, as every file is that is written: whoever looks sees the old or the
new one, and where there is no room, or no right to write, the old one stays. Mode and owner stay; a link stays a link.
What somebody writes between our look and the step is refused where it is seen, and the whole is tried again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from mcp_ssh.hostfiles import Files, Opening
from mcp_ssh.model.fileerrors import (
    FileChangedError,
    FileError,
    FileThereError,
    FileTooLargeError,
    NoSuchFileError,
    NotAFileError,
)
from mcp_ssh.model.files import Kind, Progress, named
from mcp_ssh.model.host import FileRules, Host
from mcp_ssh.model.nodes import PublicKey
from mcp_ssh.service.authorizedkeys import holds, with_line, without
from mcp_ssh.service.paths import Place, found
from mcp_ssh.service.writing import Attempt, replaced

folder, name = ".ssh", "authorized_keys"
most_bytes = 1_048_576
tries, pause_s = 5, 0.1
new_mode = 0o600


async def install(files: Files, host: Host, key: PublicKey) -> bool:
    """Put the key in; whether it was not there before. Raises `FileError` and its children; then nothing changed."""

    def added(text: bytes) -> bytes:
        return text if holds(text, key.blob) else with_line(text, key.line)

    return await _changed(files, host, added)


async def take_out(files: Files, host: Host, keys: Sequence[PublicKey]) -> bool:
    """Take the lines of the keys out; whether there were any. Raises as `install` does."""

    def less(text: bytes) -> bytes:
        for key in keys:
            text = without(text, key.blob)
        return text

    return await _changed(files, host, less)


async def _changed(files: Files, host: Host, change: Callable[[bytes], bytes]) -> bool:
    """Whether anything had to be changed; on return the change stands in the file."""
    did = False
    for left in reversed(range(tries)):
        try:
            if not await _changed_once(files, host, change):
                return did
            did = True  # and look once more: somebody may have written his own file over ours
        except (FileChangedError, FileThereError):  # by somebody else, in this very moment
            if left == 0:
                raise
            await asyncio.sleep(pause_s)
    raise FileChangedError(f"~/{folder}/{name} is changed by somebody else again and again")


async def _changed_once(files: Files, host: Host, change: Callable[[bytes], bytes]) -> bool:
    place = await _place(files, host)
    before = await _text(files, place)
    after = change(before)
    if after == before:
        return False
    if place.facts is None:
        await _make_folder(files)
    sha256, is_new = hashlib.sha256(after).hexdigest(), place.facts is None
    mode = new_mode if is_new else None
    await replaced(files, place, _once(after), mode, Attempt(), Progress(), sha256, is_new=is_new)
    return True


async def _place(files: Files, host: Host) -> Place:
    """Where the file really is; without facts where there is none yet. Rules for files are about what callers ask."""
    open_host = replace(host, files=FileRules())
    path = f"{await files.home()}/{folder}/{name}"
    try:
        place = await found(files, path, open_host, may_be_new=True)
    except NoSuchFileError:
        if await _is_there(files, f"{await files.home()}/{folder}"):
            raise  # a link that leads nowhere
        return Place(path, None)
    if place.facts is not None and place.facts.kind is not Kind.FILE:
        raise NotAFileError(f"{named(place.path)} is no regular file")
    return place


async def _make_folder(files: Files) -> None:
    path = f"{await files.home()}/{folder}"
    if not await _is_there(files, path):
        await files.make_folder(path)


async def _is_there(files: Files, path: str) -> bool:
    try:
        await files.facts(path)
    except NoSuchFileError:
        return False
    return True


async def _text(files: Files, place: Place) -> bytes:
    if place.facts is None:
        return b""
    text = bytearray()
    async with files.open(place.path, Opening.READ) as opened:
        while piece := await opened.read(len(text), most_bytes + 1 - len(text)):
            text += piece
            if len(text) > most_bytes:
                raise FileTooLargeError(f"{named(place.path)} has more than {most_bytes} bytes")
    return bytes(text)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def untouched(error: FileError, host: Host) -> FileError:
    """The error, as what it means for our key there."""
    error.message = f"the key of mcp-ssh is not on {host.name}: {error.message}"
    error.args = (error.message,)
    return error
