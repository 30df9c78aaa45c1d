"""A scripted device behind a real SSH server on loopback."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from mcp_ssh.lab.device import Device, Kind
from mcp_ssh.lab.loopback import Loopback, OneKey

_lookalikes = b">#:?]"


@dataclass(frozen=True, slots=True)
class Wire:
    """How a device's bytes come.

    `login_s`: it is slow to show its first prompt. `pause_s`: it pauses wherever an unfinished line could be taken for
    a prompt. `piece`: it sends at most that many bytes at once, so that escape sequences and characters are split.
    """

    login_s: float = 0.0
    pause_s: float = 0.0
    piece: int = 65_536

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """The pieces of a text, each with the pause behind it."""
        start = 0
        for at, byte in enumerate(data):
            is_lookalike = self.pause_s > 0 and byte in _lookalikes and at + 1 < len(data)
            if is_lookalike or at + 1 - start >= self.piece:
                yield data[start : at + 1], self.pause_s if is_lookalike else 0.0
                start = at + 1
        if start < len(data):
            yield data[start:], 0.0


class DeviceHost(Loopback):
    """A device with an SSH server; an async context. `devices` are its logins so far, the newest last."""

    def __init__(self, folder: Path, kind: Kind, *, host: str = "sw1", wire: Wire | None = None) -> None:
        super().__init__(folder)
        self._kind = kind
        self._name = host
        self._tasks = asyncio.TaskGroup()
        self._carriers: set[asyncio.Task[None]] = set()
        self.wire = wire or Wire()
        self.devices: list[Device] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        await self._listen(lambda key: _Login(self, key))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_listening()
        for carrier in self._carriers:
            carrier.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def connect(self, shown: "asyncio.Queue[bytes | None]", channel: "asyncssh.SSHServerChannel[bytes]") -> Device:
        """A new login, whose bytes are carried to its channel."""
        device = Device(self._kind, shown.put_nowait, self._name)
        self.devices.append(device)
        carrier = self._tasks.create_task(self._carry(device, shown, channel))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)
        return device

    async def _carry(
        self, device: Device, shown: "asyncio.Queue[bytes | None]", channel: "asyncssh.SSHServerChannel[bytes]"
    ) -> None:
        await asyncio.sleep(self.wire.login_s)
        device.begins()
        while (data := await shown.get()) is not None:
            for piece, pause_s in self.wire.pieces(data):
                channel.write(piece)
                await asyncio.sleep(pause_s)
        channel.exit(0)


class _Login(OneKey):
    """One connection: terminals alone."""

    def __init__(self, host: DeviceHost, key: asyncssh.SSHKey) -> None:
        super().__init__(key)
        self._host = host

    def session_requested(self) -> "_Terminal":
        return _Terminal(self._host)


class _Terminal(asyncssh.SSHServerSession[bytes]):
    """One terminal."""

    def __init__(self, host: DeviceHost) -> None:
        self._host = host
        self._shown: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._device: Device | None = None
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._channel = chan

    def pty_requested(self, *_: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def session_started(self) -> None:
        if self._channel is not None:
            self._device = self._host.connect(self._shown, self._channel)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        del datatype
        if self._device is not None:
            self._device.keys(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._shown.put_nowait(None)
