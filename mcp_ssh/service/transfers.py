"""Files between a host and the one folder of this machine: nothing of them passes through the model, or through memory.

One block is under way at a time. A transfer that outlives its call goes on as a task.
"""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from mcp_ssh.hostfiles import Files as HostFiles
from mcp_ssh.model.command import Operation, Request
from mcp_ssh.model.errors import McpSshError, SessionLostError
from mcp_ssh.model.fileerrors import FileChangedError, FileThereError
from mcp_ssh.model.files import Facts, FileAction, FileWish, Progress, TransferResult, named
from mcp_ssh.model.principal import Caller
from mcp_ssh.policy.files import normal
from mcp_ssh.service.authorize import too_large
from mcp_ssh.service.background import Background
from mcp_ssh.service.files import Files, OnHost, on_files, refuse_unreadable
from mcp_ssh.service.judge import Judge, Judged
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.service.request import request_of
from mcp_ssh.service.transfer import Transfer
from mcp_ssh.service.writing import Attempt, block_bytes, blocks, refuse_unexpected, replaced
from mcp_ssh.transfers.folder import Part, Source, TransferFolder

T = TypeVar("T")
P = ParamSpec("P")
Tell = Callable[[Progress], Awaitable[None]]
"""Hears of a transfer that goes on."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be moved: the path on the host, the name here, and whether what is at its end may be replaced."""

    host: str
    path: str
    local: str
    overwrite: bool = False
    timeout_s: float | None = None
    confirmed: bool = False


class Transfers:
    """Begins transfers, and waits for them. `tell_every_s`: how often a client hears that one goes on."""

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        judge: Judge,
        pipeline: Pipeline,
        files: Files,
        folder: TransferFolder,
        background: Background,
        tell_every_s: float,
    ) -> None:
        self._background = background
        self._judge = judge
        self._pipeline = pipeline
        self._files = files
        self._folder = folder
        self._tell_every_s = tell_every_s

    async def upload(self, caller: Caller, errand: Errand) -> Transfer:
        """From here to the host. The content is read once before, so that a yes to it is for these very bytes.

        Raises a `FileError` of our own side; all else is the task's to raise.
        """
        refused = self._refused(caller, errand, FileAction.UPLOAD)
        if refused is not None:
            return refused
        source = await in_thread(self._folder.source, errand.local)
        try:
            wish = await self._summed(caller, errand, source)
        except BaseException:
            source.close()
            raise
        progress, attempt = Progress(0, source.size), Attempt()

        async def on_host(files: HostFiles, judged: Judged) -> TransferResult:
            began = asyncio.get_running_loop().time()
            await attempt.clear(files)
            place = await self._files.looked_up(files, judged, may_be_new=True)
            await refuse_unexpected(files, place, None, judged.host)
            is_new = place.facts is None
            if not is_new and not errand.overwrite:
                raise FileThereError(
                    f"{named(place.path)} is there already",
                    hint="give another path, or `overwrite: true` if it may be replaced",
                )
            content = _content(source)
            written = await replaced(files, place, content, None, attempt, progress, wish.sha256, is_new=is_new)
            return TransferResult(
                path=place.path,
                size=written.size,
                sha256=written.sha256,
                notes=written.notes,
                created=is_new,
                mode=written.mode,
                local=errand.local,
                seconds=asyncio.get_running_loop().time() - began,
            )

        return self._begun(caller, _request(caller, errand, wish), on_host, attempt, progress, source)

    async def download(self, caller: Caller, errand: Errand) -> Transfer:
        """From the host to here; raises as `upload` does."""
        refused = self._refused(caller, errand, FileAction.DOWNLOAD)
        if refused is not None:
            return refused
        part = await in_thread(self._folder.part, errand.local, overwrite=errand.overwrite)
        progress, attempt = Progress(), Attempt()

        async def on_host(files: HostFiles, judged: Judged) -> TransferResult:
            began = asyncio.get_running_loop().time()
            place = await self._files.looked_up(files, judged)
            refuse_unreadable(place, judged)
            assert place.facts is not None  # noqa: S101  it can be read
            progress.done, progress.total = 0, place.facts.size
            sha256 = await _taken(blocks(files, place.path, judged.host), part, progress)
            _refuse_changed(place.path, place.facts, await files.facts(place.path), progress.done)
            await in_thread(part.keep, overwrite=errand.overwrite)
            return TransferResult(
                path=place.path,
                size=progress.done,
                sha256=sha256,
                facts=place.facts,
                created=not part.replaces,
                mode=None,
                local=errand.local,
                seconds=asyncio.get_running_loop().time() - began,
            )

        wish = _wish(errand, FileAction.DOWNLOAD)
        return self._begun(caller, _request(caller, errand, wish), on_host, attempt, progress, part)

    async def finished(self, transfer: Transfer, tell: Tell | None = None) -> Done[TransferResult]:
        """Wait for its end; whoever stops waiting cancels it. `tell` hears of it meanwhile."""
        await self.answered(transfer, math.inf, tell)
        assert transfer.done is not None  # noqa: S101  it is over, and did not fail
        return transfer.done

    async def answered(self, transfer: Transfer, within_s: float, tell: Tell | None = None) -> Transfer:
        """Return at its end, or after that time: then it goes on as a task. Raises what it ended by.

        Whoever stops waiting cancels it.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        try:
            while (task := transfer.task) is not None and (left_s := until - loop.time()) > 0:
                await asyncio.wait({task}, timeout=min(self._tell_every_s, left_s))
                if tell is not None and not task.done():
                    await tell(transfer.progress)
        except BaseException:
            if transfer.task is not None:
                transfer.task.cancel()
            raise
        if transfer.task is not None:
            self._background.told(transfer)
            return transfer
        self._background.forget(transfer)
        if transfer.error is not None:
            raise transfer.error
        if transfer.done is None:
            raise SessionLostError(f"the transfer was cancelled; {transfer.attempt.told}", hint="call again")
        return transfer

    def _refused(self, caller: Caller, errand: Errand, action: FileAction) -> Transfer | None:
        """What may not be asked at all ends as any request does, before a file of ours is opened for it."""
        request = _request(caller, errand, _wish(errand, action))
        try:
            self._judge.authorized(request)
        except McpSshError:
            return self._begun(caller, request, _nothing, Attempt(), Progress(), None)
        return None

    def _begun(  # noqa: PLR0913, PLR0917  what is moved, and both of its ends
        self,
        caller: Caller,
        request: Request,
        on_host: OnHost[TransferResult],
        attempt: Attempt,
        progress: Progress,
        end: Source | Part | None,
    ) -> Transfer:
        """The task; our end of it is closed when that is over, and a part that was not kept is gone."""
        wish = request.file
        assert wish is not None  # noqa: S101  this is about files
        transfer = Transfer(
            request.host,
            wish.told,
            self._background.room(caller, "t"),
            direction=wish.action.value,
            path=wish.path,
            progress=progress,
            attempt=attempt,
        )
        task = self._pipeline.start(request, on_files(on_host, attempt))
        self._background.follow(transfer, task)
        if end is not None:
            task.add_done_callback(lambda _: end.close())
        return transfer

    async def _summed(self, caller: Caller, errand: Errand, source: Source) -> FileWish:
        host = self._judge.authorized(_request(caller, errand, _wish(errand, FileAction.UPLOAD))).host
        most = host.files.max_bytes
        if most is not None and source.size > most:
            raise too_large(source.size, most, host)
        digest = hashlib.sha256()
        async for block in _content(source):
            await in_thread(digest.update, block)
        return _wish(errand, FileAction.UPLOAD, source.size, digest.hexdigest())


async def in_thread(call: Callable[P, T], *arguments: P.args, **named_ones: P.kwargs) -> T:
    """Do what blocks in a thread, and never leave it alone with a file that is closed meanwhile."""
    running = asyncio.gather(asyncio.to_thread(call, *arguments, **named_ones))
    try:
        [result] = await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise
    return result


async def _content(source: Source) -> AsyncIterator[bytes]:
    offset = 0
    while block := await in_thread(source.read, offset, block_bytes):
        yield block
        offset += len(block)


async def _taken(content: AsyncIterator[bytes], part: Part, progress: Progress) -> str:
    digest = hashlib.sha256()
    await in_thread(part.restart)
    async for block in content:
        await in_thread(part.write, block)
        await in_thread(digest.update, block)
        progress.done += len(block)
    return digest.hexdigest()


def _refuse_changed(path: str, before: Facts, after: Facts, came: int) -> None:
    """Raise `FileChangedError` for a file that was written to while it was read; the kernel's own tell no size."""
    if before.size == after.size == 0:
        return
    if (before.size, before.mtime, before.size) != (after.size, after.mtime, came):
        raise FileChangedError(
            f"{named(path)} changed while it was read: it had {before.size} bytes, {came} came, and it has"
            f" {after.size} now; nothing was kept here",
            hint="call again when nobody writes to it",
        )


def _wish(errand: Errand, action: FileAction, size: int | None = None, sha256: str = "") -> FileWish:
    path = normal(errand.path) or errand.path
    return FileWish(action, path, size=size, sha256=sha256, local=errand.local, timeout_s=errand.timeout_s)


def _request(caller: Caller, errand: Errand, wish: FileWish) -> Request:
    return request_of(caller, Operation.TRANSFER, errand.host, file=wish, confirmed=errand.confirmed)


async def _nothing(files: HostFiles, judged: Judged) -> TransferResult:
    raise AssertionError((files, judged))  # such a request is refused before
