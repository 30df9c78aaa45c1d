"""Files between a host and the one folder of this machine: nothing of them passes through the model, or through memory.

One block is under way at a time. A transfer is a task of the pipeline with a count of its bytes, so that whoever wants
its end may wait for it or look at it later.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from mcp_ssh.hostfiles import Files as HostFiles
from mcp_ssh.model.command import Operation, Request
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.fileerrors import FileChangedError, FileThereError
from mcp_ssh.model.files import Facts, FileAction, FileWish, Progress, TransferResult, named
from mcp_ssh.model.principal import Caller
from mcp_ssh.policy.files import normal
from mcp_ssh.service.authorize import too_large
from mcp_ssh.service.files import Files, OnHost, on_files, refuse_unreadable
from mcp_ssh.service.judge import Judge, Judged
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.service.request import request_of
from mcp_ssh.service.writing import Attempt, block_bytes, blocks, refuse_unexpected, replaced, say_what_is_left
from mcp_ssh.transfers.folder import Part, Source, TransferFolder

T = TypeVar("T")
P = ParamSpec("P")
Tell = Callable[[Progress], Awaitable[None]]
"""Hears of a transfer that goes on."""


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """A transfer that was begun. `task` raises what the pipeline does; cancelled, it removes its parts."""

    task: asyncio.Task[Done[TransferResult]]
    progress: Progress
    attempt: Attempt


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

    def __init__(
        self, *, judge: Judge, pipeline: Pipeline, files: Files, folder: TransferFolder, tell_every_s: float
    ) -> None:
        self._judge = judge
        self._pipeline = pipeline
        self._files = files
        self._folder = folder
        self._tell_every_s = tell_every_s

    async def upload(self, caller: Caller, errand: Errand) -> Moving:
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

        return self._begun(_request(caller, errand, wish), on_host, attempt, progress, source)

    async def download(self, caller: Caller, errand: Errand) -> Moving:
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
        return self._begun(_request(caller, errand, wish), on_host, attempt, progress, part)

    async def finished(self, moving: Moving, tell: Tell | None = None) -> Done[TransferResult]:
        """Wait for its end; whoever stops waiting cancels it. `tell` hears of it meanwhile."""
        try:
            while not moving.task.done():
                await asyncio.wait({moving.task}, timeout=self._tell_every_s)
                if tell is not None and not moving.task.done():
                    await tell(moving.progress)
            return moving.task.result()
        except McpSshError as error:
            say_what_is_left(error, moving.attempt)
            raise
        finally:
            moving.task.cancel()

    def _refused(self, caller: Caller, errand: Errand, action: FileAction) -> Moving | None:
        """What may not be asked at all ends as any request does, before a file of ours is opened for it."""
        request = _request(caller, errand, _wish(errand, action))
        try:
            self._judge.authorized(request)
        except McpSshError:
            return self._begun(request, _nothing, Attempt(), Progress(), None)
        return None

    def _begun(
        self,
        request: Request,
        on_host: OnHost[TransferResult],
        attempt: Attempt,
        progress: Progress,
        end: Source | Part | None,
    ) -> Moving:
        """The task; our end of it is closed when that is over, and a part that was not kept is gone."""
        task = self._pipeline.start(request, on_files(on_host, attempt))
        if end is not None:
            task.add_done_callback(lambda _: end.close())
        return Moving(task, progress, attempt)

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
