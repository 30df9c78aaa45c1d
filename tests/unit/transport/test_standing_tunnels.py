"""Which tunnel leads to a host."""

import asyncio
from typing import Any, cast

import pytest

from mcp_ssh.model.host import TunnelTerms, Way
from mcp_ssh.model.tunnelerrors import TunnelAwayError
from mcp_ssh.transport.sightings import Sightings
from mcp_ssh.transport.tunnels import Tunnel, Tunnels
from tests.support.hosts import host

EDGE = host("edge", way=Way.TUNNEL, tunnel=TunnelTerms(22222, "/nowhere.pub"))


class Line:
    """A connection that is there or not; one that does not answer is gone after a look at it."""

    def __init__(self, *, answers: bool = True) -> None:
        self.is_there, self.answers = True, answers
        self.looks: list[float] = []

    def is_closed(self) -> bool:
        return not self.is_there

    def set_keepalive(self, interval: float, count_max: int) -> None:
        self.looks.append(interval)

    async def wait_closed(self) -> None:
        if self.answers:
            await asyncio.Event().wait()
        self.is_there = False


def tunnel(line: Line, address: str = "192.0.2.1", *, granted: bool = True) -> Tunnel:
    made = Tunnel(cast("Any", line), "edge", address, ("localhost", 22222), cast("Any", None))
    made.is_granted = granted
    return made


def tunnels() -> Tunnels:
    made = Tunnels(Sightings("/nowhere"))
    made.silence = ""
    return made


async def test_a_host_is_where_its_tunnel_comes_from_for_as_long_as_that_stands() -> None:
    standing, line = tunnels(), Line()
    assert await standing.place(tunnel(line)) == ""
    assert standing.address(EDGE) == "192.0.2.1"
    line.is_there = False
    with pytest.raises(TunnelAwayError, match="it has never been here"):
        standing.address(EDGE)


async def test_one_whose_opening_is_not_on_record_leads_nowhere() -> None:
    standing = tunnels()
    assert await standing.place(tunnel(Line(), granted=False)) == ""
    with pytest.raises(TunnelAwayError):
        standing.address(EDGE)


async def test_one_that_came_from_elsewhere_after_the_judgement_is_not_used() -> None:
    standing = tunnels()
    await standing.place(tunnel(Line(), "198.51.100.9"))
    with pytest.raises(TunnelAwayError, match=r"dialled in anew, from 198\.51\.100\.9 instead of 192\.0\.2\.1") as told:
        standing.dialled(EDGE, "192.0.2.1")
    assert told.value.retryable
    assert standing.dialled(EDGE, "198.51.100.9").address == "198.51.100.9"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_ssh.transport.tunnels.answer_wait_s", 0.01)


async def test_the_one_that_stands_keeps_its_place_while_it_answers() -> None:
    standing, line = tunnels(), Line()
    first, second = tunnel(line), tunnel(Line(), "192.0.2.2")
    await standing.place(first)
    assert "its tunnel from 192.0.2.1 stands and answers" in await standing.place(second)
    assert line.looks == [0.5, 15.0], "it was looked at, and left alone again"
    line.answers = False
    assert await standing.place(second) == ""
    standing.forget(first)
    assert standing.address(EDGE) == "192.0.2.2"


async def test_one_that_is_gone_before_it_gets_its_place_gets_none() -> None:
    standing, line = tunnels(), Line()
    line.is_there = False
    assert await standing.place(tunnel(line)) != ""


async def test_of_two_that_wait_for_the_same_place_one_gets_it() -> None:
    standing = tunnels()
    await standing.place(tunnel(Line(answers=False)))
    reasons = await asyncio.gather(*(standing.place(tunnel(Line())) for _ in range(3)))
    assert sorted(bool(reason) for reason in reasons) == [False, True, True]
