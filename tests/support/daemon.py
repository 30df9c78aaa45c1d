"""A wired daemon on memory hosts, with an audit log that is a list."""

import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

from mcp_ssh.app import App, wired
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.model.host import Host, Inventory
from mcp_ssh.model.principal import Caller, Permission, Principal, Token, Via
from mcp_ssh.ports import Secrets, Transport
from mcp_ssh.service.keyrings import Fetch, Keyrings
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.registry import known
from tests.support.clock import FakeClock
from tests.support.hosts import host, settings
from tests.support.memory import MemoryTransport
from tests.support.memoryfiles import home_of_ann
from tests.support.secrets import NoSecrets

ANN = Caller(Principal("stdio:ann", Via.STDIO), "tests 1.0")
READER = Caller(Principal("token:reader", Via.NETWORK, frozenset({Permission.READ})))
WRITER = Caller(Principal("token:writer", Via.NETWORK, frozenset({Permission.WRITE})))


builtin = functools.cache(known)


def profiles(folder: str | None = None) -> Mapping[str, Profile]:
    """What a daemon knows of platforms; the built-in ones are read once for all tests, they are the same files."""
    return builtin() if folder is None else known(folder)


on_the_way = frozenset({"connect", "started", "session.open", "session.close", "auth", "asked"})


@dataclass
class Ledger:
    """An `AuditSink` in memory. `full_from` is the event from which on the disk is full."""

    records: list[dict[str, object]] = field(default_factory=list)
    full_from: str | None = None
    is_full: bool = False

    async def append(self, event: str, fields: Mapping[str, object]) -> None:
        if event == self.full_from:
            self.is_full = True
        if self.is_full:
            raise AuditUnavailableError("the disk is full")
        self.records.append({"event": event, **fields})

    def note(self, event: str, fields: Mapping[str, object]) -> None:
        if not self.is_full:
            self.records.append({"event": event, **fields})

    def of_commands(self) -> list[dict[str, object]]:
        """What was decided of commands and how they ended, without what happened on the way."""
        return [record for record in self.records if str(record["event"]) not in on_the_way]

    def events(self) -> list[str]:
        """What happened to commands, in order."""
        return [str(record["event"]) for record in self.of_commands()]


@dataclass
class Daemon:
    """The daemon with its surroundings."""

    app: App
    transport: MemoryTransport
    audit: Ledger
    clock: FakeClock
    files: list[Snapshot] = field(default_factory=list)

    def reload(self) -> None:
        """The same configuration, read anew."""
        self.app.reload.now()

    def take(self, *hosts: Host, **changes: Any) -> None:
        """Another configuration, as a reload takes it: these hosts, where there are any, and other fields changed."""
        if hosts:
            changes["inventory"] = Inventory({each.name: each for each in hosts})
        self.files.append(replace(self.files[-1], **changes))
        self.app.reload.now()


@asynccontextmanager
async def daemon(
    *hosts: Host,
    transport: Transport | None = None,
    audit: Ledger | None = None,
    secrets: Secrets | None = None,
    fetch: Fetch | None = None,
    tokens: tuple[Token, ...] = (),
    **changes: object,
) -> AsyncIterator[Daemon]:
    """A daemon with these hosts, or with `web` alone; on a `MemoryTransport` where no other one is given."""
    inventory = Inventory({each.name: each for each in hosts or (host("web"),)})
    files = [Snapshot(inventory, settings(**changes), "hosts.yaml", tokens)]
    memory = MemoryTransport(files=home_of_ann())
    audit, clock = audit or Ledger(), FakeClock()
    parts = (
        Configuration(lambda: replace(files[-1])),
        audit,
        transport or memory,
        clock,
        Keyrings(secrets or NoSecrets(), fetch),
    )
    async with AsyncExitStack() as stack:
        with mock.patch("mcp_ssh.app.known", profiles):
            app = await stack.enter_async_context(wired(*parts))
        yield Daemon(app, transport if isinstance(transport, MemoryTransport) else memory, audit, clock, files)
