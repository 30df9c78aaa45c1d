"""The line to a shell of the sh family: bytes of its channel become events, and what one exchange has seen so far."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable

from mcp_ssh.model.errors import McpSshError, SessionLostError
from mcp_ssh.ports import Channel, Stream
from mcp_ssh_drivers import posixtalk as talk
from mcp_ssh_drivers.capture import HeadTail
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.exchange import State

max_tail_bytes = 500
max_login_bytes = 65_536
max_unsolicited_bytes = 8_192

_escape = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])")


class PosixLine:
    """A Receiver. Its owner sets `state` and `output`; the rest is what was heard since `expect`.

    `ended` is the command's end, `exit_code` that of the shell itself once it is gone. A prompt follows every end:
    it is `owed` until it came, and `prompts` counts those that no end announced.
    Whatever is typed or shown may be or have been a change of the host.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.prompt_token = secrets.token_hex(8)
        self._reader = talk.Reader(self.prompt_token)
        self._changed = asyncio.Event()
        self.channel: Channel | None = None
        self.state = State.LOGIN
        self.login = bytearray()
        self.unsolicited = bytearray()
        self.output = HeadTail(max_login_bytes)
        self.tail = b""
        self.prompts = 0
        self.began = self.stopped = self.owed = False
        self.ended: talk.Ended | None = None
        self.exit_code: int | None = None
        self.error: McpSshError | None = None
        self.heard_at = 0.0

    # --- Receiver

    def opened(self, channel: Channel) -> bool:
        """The channel stands."""
        self.channel = channel
        return True

    def data(self, chunk: bytes, stream: Stream) -> None:
        """Bytes of the terminal."""
        del stream
        self._changes.note()
        self.heard_at = self.now()
        if self.state is State.LOGIN:
            self.login += chunk
            del self.login[:-max_login_bytes]
        for event in self._reader.feed(chunk):
            self._heard(event)
        self._changed.set()

    def exited(self, code: int | None, signal: str | None) -> None:
        """The shell ended."""
        del signal
        self.exit_code = code

    def closed(self, error: McpSshError | None) -> None:
        """Nothing more comes."""
        self.error = error
        self.state = State.LOST
        self._changed.set()

    # --- for its owner

    async def quiet(self, seconds: float) -> None:
        """Return when something came and then nothing for a while."""
        await self.until(lambda: self.heard_at > 0)
        before = -1.0
        while before != self.heard_at:
            before = self.heard_at
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.until(lambda: self.heard_at != before)  # noqa: B023  it is asked in this very round

    @property
    def is_over(self) -> bool:
        """Whether the command has ended, or the shell threw its line away."""
        return self.ended is not None or self.prompts > 0

    async def prompted(self, count: int) -> None:
        """Return when the shell waited for a line that many times, ends not counted."""
        await self.until(lambda: self.prompts >= count)

    def expect(self) -> str:
        """A fresh token; nothing of an earlier command counts any more."""
        token = secrets.token_hex(8)
        self._reader.expect(token)
        self.prompts, self.ended, self.tail = 0, None, b""
        self.began = self.stopped = False
        return token

    def take_unsolicited(self) -> tuple[str, ...]:
        """The lines that came while nobody had asked, once."""
        lines = bytes(self.unsolicited).decode("utf-8", "replace").splitlines()
        self.unsolicited.clear()
        return tuple(line for line in lines if line.strip())

    def last_line(self) -> str:
        """What stands on the unfinished line of the output, without escape sequences."""
        return _escape.sub("", self.tail.decode("utf-8", "replace")).strip()

    def write(self, text: str) -> None:
        """Type."""
        self._changes.note()
        if self.channel is not None:
            self.channel.write(text.encode())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds, or raise `SessionLostError` when it never can."""
        while not condition():
            if self.state is State.LOST:
                raise self.error or SessionLostError("the host ended the shell")
            self._changed.clear()
            await self._changed.wait()

    @staticmethod
    def now() -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    # --- inside

    def _heard(self, event: talk.Event) -> None:
        match event:
            case talk.Text(data):
                self._text(data)
            case talk.Began():
                self.began, self.state = True, State.RUNNING
            case talk.Ended():
                self.ended, self.owed, self.prompts = event, True, 0
            case talk.Prompt() if self.owed:
                self.owed = False
            case talk.Prompt():
                self.prompts += 1

    def _text(self, data: bytes) -> None:
        if self.began and self.ended is None and self.prompts == 0:
            self.output.feed(data)
            self.tail = (self.tail + data)[-max_tail_bytes:].rpartition(b"\n")[2]
        elif self.state is not State.LOGIN:
            self.unsolicited += data
            del self.unsolicited[:-max_unsolicited_bytes]
