"""Files of hosts: read, listed and written by way of the pipeline. What is moved past the model is in transfers.py."""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from mcp_ssh.audit.scrub import Needles
from mcp_ssh.hostfiles import Files as HostFiles
from mcp_ssh.hostfiles import Opening
from mcp_ssh.model.command import Operation
from mcp_ssh.model.errors import DeadlineExceededError, InvalidArgumentError, McpSshError
from mcp_ssh.model.fileerrors import NotAFileError
from mcp_ssh.model.files import (
    Entry,
    FileAction,
    FileWish,
    Kind,
    ListResult,
    Page,
    Progress,
    ReadResult,
    WriteResult,
    most_content_chars,
    most_entries,
    most_inline_bytes,
    named,
)
from mcp_ssh.model.principal import Caller
from mcp_ssh.outputs.part import part_of
from mcp_ssh.policy.files import normal
from mcp_ssh.service.authorize import too_large
from mcp_ssh.service.judge import Judged
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.paths import Place, found
from mcp_ssh.service.pipeline import Done, Pipeline, Work
from mcp_ssh.service.request import request_of
from mcp_ssh.service.writing import Attempt, Step, absent, refuse_unexpected, replaced, say_what_is_left
from mcp_ssh.sessions.session import Session

T = TypeVar("T")
OnHost = Callable[[HostFiles, Judged], Awaitable[T]]
"""What to do with the files of a host, once the request may be carried out."""

_sum = re.compile(r"[0-9a-f]{64}")


class Files:
    """Questions about files. Holds nothing of its own."""

    def __init__(self, pipeline: Pipeline, keyrings: Keyrings) -> None:
        self._pipeline = pipeline
        self._needles = Needles(keyrings.known)

    async def read(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        path: str,
        *,
        offset: int = 0,
        limit: int | None = None,
        as_base64: bool = False,
        confirmed: bool = False,
    ) -> Done[ReadResult]:
        """A part of a file, as much as an answer shows. Raises a `FileError`, and what the pipeline does."""
        size = _within("limit", most_inline_bytes if limit is None else limit, 1, most_inline_bytes)
        start = _within("offset", offset, 0, 1 << 62)

        async def on_host(files: HostFiles, judged: Judged) -> ReadResult:
            place = await self.looked_up(files, judged)
            refuse_unreadable(place, judged)
            return await self._part(files, judged, place, start, size, as_base64)

        wish = FileWish(FileAction.READ, normal(path) or path)
        request = request_of(caller, Operation.READ_FILE, host, file=wish, confirmed=confirmed)
        return await self._pipeline.dispatch(request, on_files(on_host, Attempt()))

    async def list(
        self, caller: Caller, host: str, path: str, *, offset: int = 0, confirmed: bool = False
    ) -> Done[ListResult]:
        """The names of a folder from a place on, or the one file that the path leads to."""
        start = _within("offset", offset, 0, 1 << 31)

        async def on_host(files: HostFiles, judged: Judged) -> ListResult:
            place = await self.looked_up(files, judged)
            assert place.facts is not None  # noqa: S101  it is there, or an error was raised
            if place.facts.kind is Kind.FOLDER:
                page = await files.page(place.path, start, most_entries)
                return ListResult(path=place.path, facts=place.facts, page=page, offset=start, is_folder=True)
            page = Page((Entry(place.path, place.facts),), 1)
            notes = (f"the path is a link to {named(place.target)}",) if place.target else ()
            return ListResult(path=place.path, facts=place.facts, page=page, offset=0, is_folder=False, notes=notes)

        wish = FileWish(FileAction.LIST, normal(path) or path)
        request = request_of(caller, Operation.LIST_FOLDER, host, file=wish, confirmed=confirmed)
        return await self._pipeline.dispatch(request, on_files(on_host, Attempt()))

    async def write(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        path: str,
        content: str,
        *,
        is_base64: bool = False,
        append: bool = False,
        mode: str | None = None,
        expected_sha256: str | None = None,
        confirmed: bool = False,
    ) -> Done[WriteResult]:
        """Write a whole file in one step, or add to one. `expected_sha256`: that of what is there, or `absent`."""
        data = _content(content, is_base64=is_base64)
        expected = _expected(expected_sha256)
        action = FileAction.APPEND if append else FileAction.WRITE
        sha256 = hashlib.sha256(data).hexdigest()
        wish = FileWish(action, normal(path) or path, data, len(data), sha256, _mode(mode, append=append))
        attempt = Attempt()

        async def on_host(files: HostFiles, judged: Judged) -> WriteResult:
            await attempt.clear(files)
            place = await self.looked_up(files, judged, may_be_new=True)
            await refuse_unexpected(files, place, expected, judged.host)
            if append and place.facts is not None:
                return await _appended(files, place, wish, judged, attempt)
            is_new = place.facts is None
            written = await replaced(files, place, _once(data), wish.mode, attempt, Progress(), sha256, is_new=is_new)
            return WriteResult(
                path=place.path,
                size=written.size,
                sha256=written.sha256,
                notes=written.notes,
                created=is_new,
                mode=written.mode,
            )

        request = request_of(caller, Operation.WRITE_FILE, host, file=wish, confirmed=confirmed)
        try:
            return await self._pipeline.dispatch(request, on_files(on_host, attempt))
        except McpSshError as error:
            say_what_is_left(error, attempt)
            raise

    async def looked_up(self, files: HostFiles, judged: Judged, *, may_be_new: bool = False) -> Place:
        """Where the path really leads, judged again if that is elsewhere."""
        wish = judged.request.file
        assert wish is not None  # noqa: S101  this is about files
        place = await found(files, wish.path, judged.host, may_be_new=may_be_new)
        if place.path != wish.path:
            await self._pipeline.look_again(judged, place.path)
        return place

    async def _part(  # noqa: PLR0913, PLR0917  what is read, and how much
        self, files: HostFiles, judged: Judged, place: Place, start: int, size: int, as_base64: bool
    ) -> ReadResult:
        around = self._needles.longest if self._needles.look() else 0
        first = max(0, start - around)
        async with files.open(place.path, Opening.READ) as opened:
            data = await opened.read(first, start - first + size + around + 1)
        most = judged.host.files.max_bytes
        if most is not None and first + len(data) > most:
            raise too_large(first + len(data), most, judged.host)
        part = part_of(data, start - first, size, self._needles, as_base64=as_base64)
        is_whole = start == 0 and not part.has_more and not part.scrubbed
        return ReadResult(
            path=place.path,
            size=part.length,
            sha256=hashlib.sha256(part.data).hexdigest() if is_whole else "",
            facts=place.facts,
            data=part.data,
            offset=start,
            next_offset=start + part.length if part.has_more else None,
            is_text=part.is_text,
            scrubbed=part.scrubbed,
        )


def refuse_unreadable(place: Place, judged: Judged) -> None:
    """Raise for what is no regular file, and for one beyond the host's limit."""
    assert place.facts is not None  # noqa: S101  it is there, or an error was raised
    if place.facts.kind is not Kind.FILE:
        what = "a folder" if place.facts.kind is Kind.FOLDER else "no regular file"
        hint = "ssh_list_directory lists it" if place.facts.kind is Kind.FOLDER else "ssh_run can look at it"
        raise NotAFileError(f"{named(place.path)} is {what}", hint=hint)
    most = judged.host.files.max_bytes
    if most is not None and place.facts.size > most:
        raise too_large(place.facts.size, most, judged.host)


def on_files(on_host: OnHost[T], attempt: Attempt) -> Work[T]:
    """The work of a request: the host's files for as long as it takes, within the call's time."""

    async def work(session: Session, judged: Judged, left_s: float) -> T:
        session.commands += 1
        try:
            async with asyncio.timeout(left_s), session.open_files() as files:
                return await on_host(files, judged)
        except asyncio.CancelledError as left:
            left.args = left.args or ("cancelled while the host was asked for its files",)
            raise
        except TimeoutError:
            raise DeadlineExceededError(
                f"the call's time was over; {attempt.told}",
                hint="the host or the link is slow; give a longer `timeout`",
                sent=attempt.step is not Step.AHEAD,
            ) from None

    return work


async def _appended(files: HostFiles, place: Place, wish: FileWish, judged: Judged, attempt: Attempt) -> WriteResult:
    """Behind what is there. From the first byte on it may have happened."""
    assert place.facts is not None  # noqa: S101  there is something to add to
    assert wish.content is not None  # noqa: S101  and something to add
    most, size = judged.host.files.max_bytes, place.facts.size + len(wish.content)
    if most is not None and size > most:
        raise too_large(size, most, judged.host)
    async with files.open(place.path, Opening.APPEND) as opened:
        attempt.step = Step.UNDER_WAY
        try:
            await opened.write(place.facts.size, wish.content)
            await opened.settle()
        except McpSshError as error:
            error.sent = True
            error.message = f"{error.message}; some of it may have been appended"
            error.args = (error.message,)
            raise
        attempt.step = Step.DONE
    return WriteResult(path=place.path, size=len(wish.content), created=False, mode=place.facts.mode)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidArgumentError(f"{name} {value} is not within {least} and {most}; nothing was sent")
    return value


def _content(content: str, *, is_base64: bool) -> bytes:
    if len(content) > most_content_chars:
        raise InvalidArgumentError(
            f"the content has {len(content)} characters, the limit is {most_content_chars}; nothing was sent",
            hint="put it into settings.transfer_dir and use ssh_transfer, or append it in parts",
        )
    try:
        return base64.b64decode(content, validate=True) if is_base64 else content.encode("utf-8")
    except binascii.Error:
        raise InvalidArgumentError("the content is no base64; nothing was sent") from None
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "the content holds half of a character (a lone surrogate); nothing was sent", hint="give bytes as base64"
        ) from None


def _expected(expected: str | None) -> str | None:
    if expected is not None and expected != absent and not _sum.fullmatch(expected.lower()):
        raise InvalidArgumentError(
            "expected_sha256 is neither 64 hex digits nor `absent`; nothing was sent",
            hint="ssh_read_file tells the sha256 of a file that fits into one answer",
        )
    return None if expected is None else expected.lower()


def _mode(mode: str | None, *, append: bool) -> int | None:
    if mode is None:
        return None
    if append or not re.fullmatch(r"0?[0-7]{3}", mode):
        raise InvalidArgumentError(
            f"mode {mode[:20]!r} is not three octal digits such as 0644, or the call appends; nothing was sent",
            hint="setuid, setgid and sticky bits, and the mode of what is appended to, are for chmod with ssh_run",
        )
    return int(mode, 8)
