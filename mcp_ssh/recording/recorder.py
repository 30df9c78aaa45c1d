"""Recordings on disk: one file a terminal, 0600, in a folder of their own, for as many days as the settings say."""

import asyncio
import codecs
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
from mcp_ssh.recording.asciicast import Header, event_line

folder_name = "recordings"
day_s = 86_400
most_bytes = 268_435_456
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
        return Recording(path, descriptor, self._clock, Shown(self._needles, host.charset or "utf-8"))

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Remove old ones now, and once a day for as long as the context lasts."""
        keeper = asyncio.ensure_future(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

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

    def __init__(self, path: Path, descriptor: int, clock: Clock, shown: "Shown") -> None:
        self.path = path
        self._descriptor = descriptor
        self._clock = clock
        self._began = clock.now()
        self._shown = shown
        self._bytes = 0

    def output(self, data: bytes) -> None:
        """The terminal showed this."""
        self._write(self._shown.feed(data))

    def end(self) -> None:
        """Nothing more comes."""
        self._write(self._shown.finish())
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, text: str) -> None:
        if self._descriptor < 0 or not text:
            return
        line = event_line(self._clock.now() - self._began, text).encode()
        self._bytes += len(line)
        if self._bytes > most_bytes:
            self._stop(f"it has {most_bytes} bytes")
            return
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            self._stop(error.strerror or str(error))

    def _stop(self, reason: str) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
        structlog.get_logger("mcp_ssh.recording").error("recording_ended", recording=self.path.name, reason=reason)


class Shown:
    """What a terminal showed, as text without secrets; decoded first, for a secret looks as its charset writes it."""

    def __init__(self, needles: Needles, charset: str) -> None:
        self._decode = codecs.getincrementaldecoder(charset)("replace")
        self._clean = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        self._scrubber = Scrubber(needles)

    def feed(self, data: bytes) -> str:
        """The text of some bytes, as far as it is known by now."""
        return self._clean.decode(self._scrubber.feed(self._decode.decode(data).encode("utf-8", "surrogatepass")))

    def finish(self) -> str:
        """The rest."""
        rest = self._scrubber.feed(self._decode.decode(b"", True).encode("utf-8", "surrogatepass"))
        return self._clean.decode(rest + self._scrubber.finish(), True)


def _unavailable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"the recording {path} cannot be begun: {error.strerror}; nothing was sent",
        hint="make room on its disk, or set settings.recording.enabled to false",
    )
