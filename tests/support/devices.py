"""Scripted devices on a transport without a network."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from mcp_ssh.lab.device import Device, Kind
from mcp_ssh.lab.device_host import Wire
from mcp_ssh.model.host import Host
from mcp_ssh.ports import Connection, Secrets, Through
from tests.support.memory import MemoryChannel, MemoryConnection


@dataclass(eq=False)
class DeviceTransport:
    """A `Transport` to devices of one kind; `devices` are the logins so far, the newest last."""

    kind: Kind
    wire: Wire = field(default_factory=Wire)
    devices: list[Device] = field(default_factory=list)
    connections: list[MemoryConnection] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        del host, addresses, secrets, through
        return self.connection()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def connection(self) -> MemoryConnection:
        """A connection on which every shell is a login of its own."""
        logins: dict[MemoryChannel, Device] = {}

        def opened(channel: MemoryChannel) -> None:
            shown: asyncio.Queue[bytes | None] = asyncio.Queue()
            device = logins[channel] = Device(self.kind, shown.put_nowait)
            self.devices.append(device)
            task = asyncio.get_running_loop().create_task(self._carry(device, shown, channel))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

        made = MemoryConnection(opened, typed=lambda channel, data: logins[channel].keys(data))
        self.connections.append(made)
        return made

    async def _carry(self, device: Device, shown: "asyncio.Queue[bytes | None]", channel: MemoryChannel) -> None:
        await asyncio.sleep(self.wire.login_s)
        device.begins()
        while (data := await shown.get()) is not None:
            for piece, pause_s in self.wire.pieces(data):
                if channel.is_closed:
                    return
                channel.out(piece)
                await asyncio.sleep(pause_s)
        channel.ends()
