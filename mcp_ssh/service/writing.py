"""A file is written beside the old one and takes its name in one step: whoever looks sees the old one or the new one.

Until that step nothing has happened to the file, whatever breaks, and the part is removed where the host can be
reached. From the moment that the step has left, a broken link means that nobody knows.
"""

import asyncio
import hashlib
import posixpath
import secrets
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum

from mcp_ssh.hostfiles import Files, Opening
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.fileerrors import FileChangedError, FileError, FileThereError, NotAFileError
from mcp_ssh.model.files import Facts, Kind, Progress, named
from mcp_ssh.model.host import Host
from mcp_ssh.service.authorize import too_large
from mcp_ssh.service.paths import Place

block_bytes = 1_048_576
"""Of a file, under way at once."""
new_mode = 0o644
clean_up_s = 5.0
absent = "absent"
"""What `expected_sha256` says where there must be no file yet."""


class Step(StrEnum):
    """Where the one step that counts stands: the file is as it was, nobody knows, it is the new one."""

    AHEAD = "the file is as it was"
    UNDER_WAY = "whether the file was replaced is not known"
    DONE = "the file had been written"


@dataclass(slots=True)
class Attempt:
    """What a call has left on a host so far: parts that a broken link kept us from removing, and the one step."""

    parts: list[str] = field(default_factory=list)
    step: Step = Step.AHEAD

    async def clear(self, files: Files) -> None:
        """Remove the parts of a try on a link that broke."""
        while self.parts:
            await files.remove(self.parts[-1])
            self.parts.pop()

    @property
    def told(self) -> str:
        """Where it stands and what is left, in words."""
        return f"{self.step}; the part {named(self.parts[-1])} may be left there" if self.parts else str(self.step)


@dataclass(frozen=True, slots=True)
class Written:
    """What stands there now."""

    size: int
    sha256: str
    mode: int
    notes: tuple[str, ...]


async def refuse_unexpected(files: Files, place: Place, expected: str | None, host: Host) -> None:
    """Raise `FileChangedError`, with the sum that the file has, or `FileThereError`, if it is not as was said."""
    if place.facts is not None and place.facts.kind is not Kind.FILE:
        raise NotAFileError(f"{named(place.path)} is no regular file, and only those are written")
    if expected == absent and place.facts is not None:
        raise FileThereError(f"{named(place.path)} is there already; nothing was written")
    if expected is None or expected == absent:
        return
    actual = await sum_of(files, place, host) if place.facts is not None else absent
    if actual != expected:
        raise FileChangedError(
            f"{named(place.path)} is not what was expected: its sha256 is {actual}; nothing was written",
            hint="read it again, and call again with what is there now",
        )


async def sum_of(files: Files, place: Place, host: Host) -> str:
    """The SHA-256 of a file, in hex, within the host's limit."""
    digest = hashlib.sha256()
    async for block in blocks(files, place.path, host):
        digest.update(block)
    return digest.hexdigest()


async def blocks(files: Files, path: str, host: Host) -> AsyncIterator[bytes]:
    """A file block by block, one under way. Raises `FileTooLargeError` when it grows past the host's limit."""
    most, offset = host.files.max_bytes, 0
    async with files.open(path, Opening.READ) as opened:
        while True:
            block = await opened.read(offset, block_bytes)
            offset += len(block)
            if most is not None and offset > most:
                raise too_large(offset, most, host)
            if block:
                yield block
            if len(block) < block_bytes:
                return


async def replaced(  # noqa: PLR0913, PLR0917  each is a part of one step
    files: Files,
    place: Place,
    content: AsyncIterator[bytes],
    mode: int | None,
    attempt: Attempt,
    progress: Progress,
    sha256: str,
    *,
    is_new: bool,
) -> Written:
    """Write the content to a part, and give that the name. `is_new`: the name must be free still.

    Raises `FileChangedError` if the content is not what was judged, or the file not what it was when it was looked at.
    """
    part = posixpath.join(posixpath.dirname(place.path), f".mcp-ssh-{secrets.token_hex(8)}.part")
    old = place.facts
    wanted = (mode if mode is not None else old.mode if old is not None and old.mode is not None else new_mode) & 0o777
    attempt.parts.append(part)
    try:
        digest, notes = await _filled(files, part, content, wanted, old, progress)
        _refuse_other(digest, sha256)
        await _refuse_changed(files, place)
        await _step(files.place(part, place.path) if is_new else files.replace(part, place.path), attempt)
    except BaseException as error:
        await _gone(files, part, attempt)
        _say_where_it_stands(error, attempt)
        raise
    attempt.parts.remove(part)
    return Written(progress.done, digest, wanted, tuple(notes))


async def _filled(  # noqa: PLR0913, PLR0917  as above
    files: Files, part: str, content: AsyncIterator[bytes], mode: int, old: Facts | None, progress: Progress
) -> tuple[str, list[str]]:
    digest = hashlib.sha256()
    progress.done = 0
    async with files.open(part, Opening.CREATE) as opened:
        async for block in content:
            await opened.write(progress.done, block)
            digest.update(block)
            progress.done += len(block)
        own = await opened.facts()
        if own.size != progress.done:
            raise FileError(f"the host has {own.size} of {progress.done} bytes")
        owner = None if old is None or old.uid is None or old.gid is None else (old.uid, old.gid)
        is_owned = await opened.settle(mode=mode, owner=owner if owner != (own.uid, own.gid) else None)
    notes = [] if is_owned or old is None else [f"its owner was {old.owner} and is {own.owner} now"]
    if old is not None and old.mode is not None and old.mode & ~0o777:
        notes.append(f"its mode was {old.mode:04o}; the bits before the last three digits are gone")
    return digest.hexdigest(), notes


def _refuse_other(digest: str, judged: str) -> None:
    if digest != judged:
        raise FileChangedError("the content changed after it was judged", hint="call again when nobody writes to it")


async def _refuse_changed(files: Files, place: Place) -> None:
    """The last look before the name changes hands; what happens between the two is not seen."""
    if place.facts is None:
        return
    now = await files.facts(place.path)
    if (now.kind, now.size, now.mtime) != (place.facts.kind, place.facts.size, place.facts.mtime):
        raise FileChangedError(f"{named(place.path)} was changed by somebody else meanwhile")


async def _step(step: Coroutine[object, object, None], attempt: Attempt) -> None:
    """Whoever stops waiting does not stop it: it comes to its end, if the host answers in time."""
    running = asyncio.gather(step)  # a future that goes on when a wait for it is cancelled
    attempt.step = Step.UNDER_WAY
    try:
        await asyncio.wait({running})
    except asyncio.CancelledError:
        await asyncio.wait({running}, timeout=clean_up_s)
        attempt.step = _stands(running)
        raise
    attempt.step = _stands(running)
    if error := running.exception():
        raise error


def _stands(running: "asyncio.Future[tuple[None]]") -> Step:
    if not running.done() or running.cancelled():
        return Step.UNDER_WAY
    error = running.exception()
    if error is None:
        return Step.DONE
    said_no = isinstance(error, FileError) and not error.retryable  # else nobody said anything
    return Step.AHEAD if said_no else Step.UNDER_WAY


async def _gone(files: Files, part: str, attempt: Attempt) -> None:
    """Remove a part, though its caller has gone."""
    try:
        async with asyncio.timeout(clean_up_s):
            await files.remove(part)
    except (McpSshError, TimeoutError):
        return
    attempt.parts.remove(part)


def say_what_is_left(error: McpSshError, attempt: Attempt) -> None:
    """Add it to an error that does not say it: the host could not be reached again."""
    if attempt.parts and attempt.told not in error.message:
        error.message = f"{error.message}; {attempt.told}"
        error.args = (error.message,)


def _say_where_it_stands(error: BaseException, attempt: Attempt) -> None:
    if isinstance(error, McpSshError):
        error.sent = attempt.step is not Step.AHEAD
        error.message = f"{error.message}; {attempt.told}"
        error.args = (error.message,)
    elif isinstance(error, asyncio.CancelledError):
        error.args = (f"cancelled; {attempt.told}",)
