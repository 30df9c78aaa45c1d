"""Files by SFTP: version 3 of the protocol (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions, on asyncssh.

Version 3 has few words for what went wrong: "failure" is a full disk, a name that is taken and much else. Where that
matters, the host is asked once more. asyncssh's errors are translated here and nowhere else.
"""

import asyncio
import contextlib
import posixpath
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Protocol, TypeVar

import asyncssh
from asyncssh.sftp import SFTPClientFile

from mcp_ssh.hostfiles import OpenFile, Opening
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.fileerrors import DiskFullError, FileChannelLostError, FileDeniedError, FileError, FileThereError
from mcp_ssh.model.files import Entry, Facts, Kind, Page, named
from mcp_ssh.transport.sftpwords import facts_of, is_lost, of_file

most_counted = 50_000
"""Names of one folder that are taken in; a folder with more is told to have more."""
links_at_once = 32
read_only_flag = 0x1
"""Of a file system (statvfs@openssh.com, SSH_FXE_STATVFS_ST_RDONLY)."""
close_wait_s = 5.0
_flags = {
    Opening.READ: asyncssh.FXF_READ,
    Opening.CREATE: asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL,
    Opening.APPEND: asyncssh.FXF_WRITE | asyncssh.FXF_APPEND,
}
T = TypeVar("T")
Lost = Callable[[], McpSshError | None]
"""Why the connection ended, if it did."""


class Spawn(Protocol):
    """Starts what must come to its end though its caller leaves."""

    def __call__(self, work: Coroutine[object, object, T], /) -> asyncio.Task[T]:
        """The task; whoever starts it keeps it."""
        ...


class SftpFiles:
    """A `Files` on one SFTP channel, which its connection opens and closes."""

    def __init__(self, client: asyncssh.SFTPClient, is_closing: Callable[[], bool], lost: Lost, spawn: Spawn) -> None:
        self._client = client
        self._is_closing = is_closing
        self._lost = lost
        self._spawn = spawn
        self._is_broken = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be asked on it."""
        return self._is_broken or self._is_closing()

    async def home(self) -> str:
        """Where the channel began."""
        with self._told("~"):
            return _text(await self._client.realpath(b"."))

    async def real(self, path: str) -> str:
        """Where it leads."""
        with self._told(path):
            real = _text(await self._client.realpath(_raw(path)))
            await self._client.lstat(_raw(real))  # servers name what is not there as well
        return real

    async def facts(self, path: str) -> Facts:
        """What stands there."""
        with self._told(path):
            return facts_of(await self._client.lstat(_raw(path)))

    async def target(self, path: str) -> str:
        """What the link says."""
        with self._told(path):
            return _text(await self._client.readlink(_raw(path)))

    async def page(self, path: str, offset: int, most: int) -> Page:
        """All names are taken in, up to a bound: only then is their order known."""
        found = list[tuple[bytes, Facts]]()
        is_cut = False
        with self._told(path):
            async for name in self._client.scandir(_raw(path)):
                raw = name.filename if isinstance(name.filename, bytes) else _raw(name.filename)
                if raw in {b".", b".."}:
                    continue
                if len(found) == most_counted:
                    is_cut = True
                    break
                found.append((raw, facts_of(name.attrs)))
        found.sort(key=lambda pair: pair[0])
        entries = [Entry(_text(raw), facts) for raw, facts in found[offset : offset + most]]
        return Page(tuple(await self._with_targets(path, entries)), len(found), is_cut)

    async def _with_targets(self, path: str, entries: list[Entry]) -> list[Entry]:
        for start in range(0, len(entries), links_at_once):
            some = [at for at in range(start, min(start + links_at_once, len(entries))) if _is_link(entries[at])]
            targets = await asyncio.gather(*(self._target_or_none(f"{path}/{entries[at].name}") for at in some))
            for at, target in zip(some, targets, strict=True):
                entries[at] = Entry(entries[at].name, entries[at].facts, target)
        return entries

    async def _target_or_none(self, path: str) -> str:
        try:
            return await self.target(path)
        except FileError:
            return ""

    async def make_folder(self, path: str) -> None:
        """Make it, 0700."""
        with self._told(path, Opening.CREATE):
            try:
                await self._client.mkdir(_raw(path), asyncssh.SFTPAttrs(permissions=0o700))
            except asyncssh.SFTPFailure:
                await self._say_if_there(path)
                raise

    @contextlib.asynccontextmanager
    async def open(self, path: str, how: Opening) -> AsyncIterator[OpenFile]:
        """The handle is given back whatever happens; so is one that came too late for its caller."""
        with self._told(path, how):
            try:
                handle = await self._handle(path, how)
            except asyncssh.SFTPFailure:
                if how is Opening.CREATE:
                    await self._say_if_there(path)
                raise
        try:
            yield _SftpFile(self, handle, path)
        finally:
            await self._close(handle)

    async def _handle(self, path: str, how: Opening) -> SFTPClientFile:
        opening = self._spawn(self._opened(path, how))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._give_back)
            raise

    async def _opened(self, path: str, how: Opening) -> SFTPClientFile:
        alone = asyncssh.SFTPAttrs(permissions=0o600)
        return await self._client.open(_raw(path), _flags[how], alone, encoding=None, block_size=-1)

    def _give_back(self, opening: "asyncio.Task[SFTPClientFile]") -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._spawn(self._close(opening.result()))

    async def _close(self, handle: SFTPClientFile) -> None:
        with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
            async with asyncio.timeout(close_wait_s):
                await handle.close()

    async def replace(self, part: str, path: str) -> None:
        """By posix-rename@openssh.com; a server without it may replace by a plain one, or not at all."""
        with self._told(path):
            try:
                await self._client.posix_rename(_raw(part), _raw(path))
            except asyncssh.SFTPOpUnsupported:
                await self._client.rename(_raw(part), _raw(path))

    async def place(self, part: str, path: str) -> None:
        """A plain rename, which takes no name that is taken (section 6.5)."""
        with self._told(path):
            try:
                await self._client.rename(_raw(part), _raw(path))
            except asyncssh.SFTPFailure:
                await self._say_if_there(path)
                raise

    async def _say_if_there(self, path: str) -> None:
        """What a plain "failure" to make something means, as far as the server tells."""
        with contextlib.suppress(asyncssh.SFTPError):
            await self._client.lstat(_raw(path))
            raise FileThereError(f"{named(path)} is there already")
        with contextlib.suppress(asyncssh.Error):
            room = await self._client.statvfs(_raw(posixpath.dirname(path)))
            if room.flags & read_only_flag:
                raise FileDeniedError(f"{named(path)} is on a file system that is read-only")

    async def remove(self, path: str) -> None:
        """Remove it."""
        with self._told(path), contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await self._client.remove(_raw(path))

    async def is_full(self, path: str, size: int) -> bool:
        """Whether the file system has no room for that many bytes, as far as the server tells."""
        with contextlib.suppress(asyncssh.Error):
            room = await self._client.statvfs(_raw(path))
            return room.bavail * room.frsize < max(size, room.frsize)
        return False

    def leave(self) -> None:
        """End the channel."""
        self._is_broken = True
        self._client.exit()

    async def left(self) -> None:
        """Return when the channel has ended."""
        await self._client.wait_closed()

    @contextlib.contextmanager
    def _told(self, path: str, how: Opening | None = None) -> Iterator[None]:
        """Errors of asyncssh as ours."""
        try:
            yield
        except asyncssh.SFTPError as error:
            if is_lost(error):
                raise self._broke() from error
            raise of_file(error, path, how) from error
        except (asyncssh.Error, OSError, EOFError) as error:
            raise self._broke() from error

    def _broke(self) -> McpSshError:
        self._is_broken = True
        return self._lost() or FileChannelLostError(
            "the host ended its file channel", hint="the next call opens a new one"
        )


class _SftpFile:
    """An `OpenFile`. What is read and written is cut into blocks of the server's size, many under way at once."""

    def __init__(self, files: SftpFiles, handle: SFTPClientFile, path: str) -> None:
        self._files = files
        self._handle = handle
        self._path = path

    async def read(self, offset: int, size: int) -> bytes:
        with self._files._told(self._path):  # noqa: SLF001  two halves of one thing
            data: bytes | str = await self._handle.read(size, offset)
        assert isinstance(data, bytes)  # noqa: S101  it was opened without an encoding
        return data

    async def write(self, offset: int, data: bytes) -> None:
        with self._files._told(self._path):  # noqa: SLF001  as above
            try:
                await self._handle.write(data, offset)
            except asyncssh.SFTPFailure:
                await self._say_if_full(len(data))
                raise

    async def facts(self) -> Facts:
        with self._files._told(self._path):  # noqa: SLF001  as above
            return facts_of(await self._handle.stat())

    async def settle(self, *, mode: int | None = None, owner: tuple[int, int] | None = None) -> bool:
        is_owned = True
        with self._files._told(self._path):  # noqa: SLF001  as above
            if owner is not None:
                is_owned = await self._own(*owner)
            if mode is not None:
                await self._handle.setstat(asyncssh.SFTPAttrs(permissions=mode))
            try:
                await self._handle.fsync()
            except asyncssh.SFTPOpUnsupported:
                return is_owned
            except asyncssh.SFTPFailure:
                await self._say_if_full(0)
                raise
        return is_owned

    async def _own(self, uid: int, gid: int) -> bool:
        try:
            await self._handle.setstat(asyncssh.SFTPAttrs(uid=uid, gid=gid))
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure):
            return False
        return True

    async def _say_if_full(self, size: int) -> None:
        if await self._files.is_full(self._path, size):
            raise DiskFullError(f"{named(self._path)} has no room: the disk is full, or the quota is used up")


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes | str) -> str:
    return path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path


def _is_link(entry: Entry) -> bool:
    return entry.facts.kind is Kind.LINK
