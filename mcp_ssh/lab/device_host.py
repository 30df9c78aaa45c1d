"""A scripted device behind a real SSH server on loopback."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from mcp_ssh.lab.device import Device, Kind

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


class DeviceHost:
    """A device with an SSH server; an async context. `devices` are its logins so far, the newest last."""

    def __init__(self, folder: Path, kind: Kind, *, host: str = "sw1", wire: Wire | None = None) -> None:
        self._folder = folder
        self._kind = kind
        self._name = host
        self._server: asyncssh.SSHAcceptor | None = None
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._tasks = asyncio.TaskGroup()
        self._carriers: set[asyncio.Task[None]] = set()
        self.wire = wire or Wire()
        self.client_key_path = folder / "client_key"
        self.devices: list[Device] = []

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None  # noqa: S101  it is asked inside the context
        return int(self._server.get_port())

    @property
    def host_key_fingerprint(self) -> str:
        """SHA-256 of its key, as OpenSSH prints it."""
        return str(self._host_key.get_fingerprint("sha256"))

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._folder.mkdir(parents=True, exist_ok=True)
        client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key_path.touch(mode=0o600)
        client_key.write_private_key(self.client_key_path)
        self._server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Login(self, client_key.convert_to_public()),
            server_host_keys=[self._host_key],
            encoding=None,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            gss_host=None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
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


class _Login(asyncssh.SSHServer):
    """One connection: one key, terminals alone."""

    def __init__(self, host: DeviceHost, key: asyncssh.SSHKey) -> None:
        self._host = host
        self._key = key.convert_to_public()

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        del username
        return key == self._key

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
