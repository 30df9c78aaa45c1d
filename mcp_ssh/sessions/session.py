"""One session: a connection, the driver that talks over it, and what it has done."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from mcp_ssh.hostfiles import Files
from mcp_ssh.model.host import Host
from mcp_ssh.model.result import SessionView
from mcp_ssh.ports import Connection, Driver, ShellDriver
from mcp_ssh.sessions.places import Place, Seat


@dataclass(slots=True, eq=False)
class Session:
    """Belongs to the pool, which opens and closes it. `id` is random and tells nothing.

    `lends` counts how often it was lent, `commands` what ran on it; `is_open` until it is closed or lost.
    """

    seat: Seat
    connection: Connection
    driver: Driver
    opened_at: float
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    lends: int = 0
    commands: int = 0
    is_open: bool = True

    @property
    def shell(self) -> ShellDriver | None:
        """The driver, where the session carries a shell: that is what is made for such a seat."""
        return cast("ShellDriver", self.driver) if self.seat.shell else None

    @asynccontextmanager
    async def open_files(self) -> AsyncIterator[Files]:
        """The host's files, as its connection has them; what they change, no later command misses."""
        self.driver.changed()
        try:
            async with self.connection.open_files() as files:
                yield files
        finally:
            self.driver.changed()

    @property
    def host(self) -> Host:
        """The host at the other end."""
        return self.seat.host


def view_of(session: Session, place: Place, now: float, closes_in_s: float | None) -> SessionView:
    """What is told of an open session, and of the place that it has in the pool."""
    return SessionView(
        id=session.id,
        host=place.seat.host.name,
        peer=session.connection.peer,
        age_s=now - session.opened_at,
        idle_s=0.0 if place.is_used else now - place.idle_since,
        running=place.lent,
        shell=place.seat.shell,
        commands=session.commands,
        closes_in_s=closes_in_s,
        platform=session.driver.platform,
        login_shell=session.driver.login_shell,
        sent_by=session.driver.sent_by,
    )
