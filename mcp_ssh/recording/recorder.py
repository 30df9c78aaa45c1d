"""Recordings on disk: one file a terminal, 0600, in a folder of their own, for as many days as the settings say."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from mcp_ssh.audit.scrub import Known, Needles, Scrubber
from mcp_ssh.model.errors import RecordingError
from mcp_ssh.model.host import Host
from mcp_ssh.ports import Clock, Pty
from mcp_ssh.recording.asciicast import Events, Header

folder_name = "recordings"
day_s = 86_400
_name = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9._-]{1,100}-[0-9a-f]{8}\.cast")


class Recorder:
    """Begins recordings, and removes those whose time is over."""

    def __init__(self, state_dir: str, clock: Clock, known_secrets: Known, keep_days: int) -> None:
        self._folder = Path(state_dir) / folder_name
        self._clock = clock
        self._needles = Needles(known_secrets)
        self._keep_s = keep_days * day_s

    def begin(self, host: Host, pty: Pty) -> "Recording":
        """A new one. Raises `RecordingError`: what is to be recorded does not begin without."""
        wall = self._clock.wall()
        stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
        path = self._folder / f"{stamp}-{host.name}-{secrets.token_hex(4)}.cast"
        header = Header(pty.width, pty.height, int(wall), f"{host.name} ({host.address}) as {host.user}", pty.term)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unavailable(path, error) from None
        try:
            os.write(descriptor, header.line().encode())
        except OSError as error:
            os.close(descriptor)
            raise _unavailable(path, error) from None
        return Recording(path, descriptor, self._clock, self._needles)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Remove old ones now, and once a day for as long as the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(self._keep())
            try:
                yield
            finally:
                keeper.cancel()

    async def _keep(self) -> None:
        while True:
            await asyncio.to_thread(self.forget_old)
            await self._clock.sleep(day_s)

    def forget_old(self) -> int:
        """Remove files that are older than they are kept, and nothing else; how many these were."""
        oldest, removed = self._clock.wall() - self._keep_s, 0
        try:
            entries = [entry for entry in os.scandir(self._folder) if _name.fullmatch(entry.name)]
        except OSError:
            return 0
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)  # noqa: PTH108  what scandir gave
                    removed += 1
            except OSError:
                continue
        return removed


class Recording:
    """One that is written. A disk that is full ends it, and that is told; the terminal goes on."""

    def __init__(self, path: Path, descriptor: int, clock: Clock, needles: Needles) -> None:
        self.path = path
        self._descriptor = descriptor
        self._clock = clock
        self._began = clock.now()
        self._scrubber = Scrubber(needles)
        self._events = Events()

    def output(self, data: bytes) -> None:
        """The terminal showed this."""
        self._write(self._scrubber.feed(data))

    def end(self) -> None:
        """Nothing more comes."""
        self._write(self._scrubber.finish(), ends=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes, *, ends: bool = False) -> None:
        if self._descriptor < 0:
            return
        line = self._events.output(self._clock.now() - self._began, data, ends=ends).encode()
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            os.close(self._descriptor)
            self._descriptor = -1
            _tell(self.path, error)


def _tell(path: Path, error: OSError) -> None:
    log = structlog.get_logger("mcp_ssh.recording")
    log.error("recording_ended", recording=path.name, reason=error.strerror or str(error))


def _unavailable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"the recording {path} cannot be begun: {error.strerror}; nothing was sent",
        hint="make room on its disk, or set settings.recording.enabled to false",
    )
