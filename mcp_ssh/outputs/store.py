"""All kept outputs of this process: how much each owner may keep, and for how long.

They lie in a folder of their own under `state_dir/outputs` (0700, files 0600), which is locked while the process lives.
A process that ended without cleaning up has left its lock: the next one to start removes its folder.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_ssh.model.errors import TaskLimitError
from mcp_ssh.outputs.kept import Kept
from mcp_ssh.ports import Clock

lock_name = ".lock"
most_kept = 200
"""Outputs of one owner, however small."""
sweep_every_s = 5.0
pieces = 8
"""Of how many an output consists that takes all the room of its owner."""


def _nothing() -> None:
    pass


class OutputStore:
    """Keeps outputs, each for its time after its end. An async context: on exit all are removed."""

    def __init__(self, folder: str, clock: Clock, *, quota_bytes: int) -> None:
        self._parent = Path(folder)
        self._clock = clock
        self._quota_bytes = quota_bytes
        self._kept: dict[str, Kept] = {}
        self._folder = self._parent / secrets.token_hex(8)
        self._lock: int | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        if self._parent.is_dir():
            self._remove_orphans()
        await self._tasks.__aenter__()
        self._sweeper = self._tasks.create_task(self._sweep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._tasks.__aexit__(None, None, None)
        for kept in tuple(self._kept.values()):
            kept.remove()
        if self._lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)

    @property
    def piece_bytes(self) -> int:
        """In how large pieces an output is kept, and dropped."""
        return self._quota_bytes // pieces

    def keep(self, owner: str, forgotten: Callable[[], None] = _nothing, kind: str = "r") -> Kept:
        """A new output of an owner. The oldest finished ones make room where there are too many.

        `kind` is the first letter of its handle. Raises `TaskLimitError` where all of them still come.
        """
        self.expire()
        mine = [kept for kept in self._kept.values() if kept.owner == owner]
        if len(mine) >= most_kept and not self._drop_oldest(owner):
            raise TaskLimitError(
                f"{owner} has {len(mine)} commands that still run; nothing was sent",
                hint="wait for some of them, or end them",
            )
        kept = Kept(f"{kind}-{secrets.token_hex(8)}", owner, self, forgotten)
        self._kept[kept.handle] = kept
        return kept

    def finish(self, kept: Kept, ttl_s: float) -> None:
        """No more comes: its time begins."""
        kept.expires_at = self._clock.now() + ttl_s

    def expire(self) -> None:
        """Remove what has been kept for long enough."""
        now = self._clock.now()
        for kept in tuple(self._kept.values()):
            if kept.expires_at is not None and now >= kept.expires_at:
                kept.remove()

    def has(self, handle: str) -> bool:
        """Whether an output is still kept."""
        self.expire()
        return handle in self._kept

    # --- Room

    def take(self, kept: Kept, size: int) -> bool:
        """Whether so many bytes more may be kept; the owner's oldest finished outputs make room."""
        while self._used(kept.owner) + size > self._quota_bytes:
            if not self._drop_oldest(kept.owner):
                return False
        return True

    def folder(self) -> Path:
        """This process's own folder, made and locked with its first file."""
        if self._lock is None:
            self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700)
            self._lock = os.open(self._folder / lock_name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._folder

    def gone(self, kept: Kept) -> None:
        """An output was removed."""
        self._kept.pop(kept.handle, None)

    def _used(self, owner: str) -> int:
        return sum(kept.size for kept in self._kept.values() if kept.owner == owner)

    def _drop_oldest(self, owner: str) -> bool:
        oldest = next((kept for kept in self._kept.values() if kept.owner == owner and kept.expires_at), None)
        if oldest is None:
            return False
        oldest.remove()
        return True

    async def _sweep(self) -> None:
        """Nothing is held for longer than its time, whether anybody asks or not."""
        while True:
            await self._clock.sleep(sweep_every_s)
            self.expire()

    def _remove_orphans(self) -> None:
        for folder in self._parent.iterdir():
            if folder.is_dir() and not folder.is_symlink():
                with contextlib.suppress(OSError):
                    self._remove_orphan(folder)

    @staticmethod
    def _remove_orphan(folder: Path) -> None:
        """Remove a folder whose process is gone: nobody holds its lock."""
        lock = os.open(folder / lock_name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
