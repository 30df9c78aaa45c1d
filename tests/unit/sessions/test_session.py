from typing import Any, cast

import pytest

from mcp_ssh.model.fileerrors import NoFilesError
from mcp_ssh.ports import Driver
from mcp_ssh.sessions.places import Seat
from mcp_ssh.sessions.session import Session
from tests.support.hosts import host
from tests.support.memory import MemoryConnection, answers
from tests.support.memoryfiles import MemoryFiles


class Counting:
    """A driver that counts how often it hears of a change."""

    changes = 0

    def changed(self) -> None:
        self.changes += 1


def session_with(files: MemoryFiles | None) -> tuple[Session, Counting]:
    driver, connection = Counting(), MemoryConnection(answers())
    connection.files = files
    return Session(Seat(host("web")), connection, cast("Driver", driver), 0.0), driver


async def test_what_was_ready_before_files_are_touched_is_stale_before_and_after() -> None:
    session, driver = session_with(cast("Any", object()))
    async with session.open_files():
        assert driver.changes == 1
    assert driver.changes == 2


async def test_files_that_are_not_to_be_had_leave_nothing_ready_either() -> None:
    session, driver = session_with(None)
    with pytest.raises(NoFilesError):
        async with session.open_files():
            pass
    assert driver.changes == 2
