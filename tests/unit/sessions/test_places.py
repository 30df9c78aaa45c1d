"""What one command costs the plan, in functions that it calls, beside few sessions and beside many."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from mcp_ssh.model.errors import ConnectionFailedError
from mcp_ssh.sessions import places
from mcp_ssh.sessions.places import Place, Places, Seat
from mcp_ssh.sessions.plan import Plan
from tests.support.hosts import host

HERE = str(Path(places.__file__).parent)
ONE = Seat(host("one"))
Step = Callable[[Plan], object]


def filled(count: int) -> Plan:
    """A plan with an idle session on each of so many hosts and room for no more, the first on `ONE`."""
    plan = Plan(max_sessions=count, idle_timeout_s=lambda _: 600)
    for number, seat in enumerate([ONE, *(Seat(host(f"other{number}")) for number in range(1, count))]):
        plan.wanted(seat, number)
        plan.opened(seat, f"s{number}", 0)
        plan.released(seat, f"s{number}", number)
    return plan


def busy(count: int) -> Plan:
    """The same, with a command on each."""
    plan = filled(count)
    for place in plan.places:
        plan.wanted(place.seat, 0)
    return plan


def calls(step: Callable[[], object]) -> int:
    """How many functions of the pool and of dataclasses the step calls, a resumed generator being one more."""
    seen = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal seen
        file = frame.f_code.co_filename
        seen += event == "call" and (file.startswith(HERE) or file == "<string>")

    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize(
    ("start", "step"),
    [
        pytest.param(filled, lambda plan: plan.wanted(ONE, 9), id="lend"),
        pytest.param(busy, lambda plan: plan.released(ONE, "s0", 9), id="release"),
        pytest.param(busy, lambda plan: plan.lost(ONE, "s0"), id="loss"),
        pytest.param(busy, lambda plan: plan.wanted(Seat(host("new")), 9), id="refusal"),
        pytest.param(filled, lambda plan: plan.wanted(Seat(host("new")), 9), id="eviction"),
        pytest.param(busy, lambda plan: plan.withdrawn(ONE, 9), id="withdrawal"),
        pytest.param(filled, lambda plan: plan.failed(ONE, ConnectionFailedError("no")), id="failure"),
    ],
)
def test_a_step_costs_the_same_however_many_sessions_other_hosts_have(start: Callable[[int], Plan], step: Step) -> None:
    few, many = start(5), start(200)
    least = calls(lambda: step(few))
    assert least > 0
    assert calls(lambda: step(many)) == least


def test_a_look_for_idle_sessions_compares_no_hosts_and_hashes_none() -> None:
    few, many = filled(5), filled(200)
    assert calls(lambda: many.ticked(0)) == calls(lambda: few.ticked(0)) > 0


def test_a_place_is_found_by_its_seat_and_by_its_host_until_it_is_removed() -> None:
    all_, place, shell = Places(), Place(ONE, "s1"), Place(Seat(ONE.host, "shell"), "s2")
    all_.add(place)
    all_.add(shell)
    assert (all_.at(ONE), len(all_), all_.on(ONE.host)) == (place, 2, (place, shell))
    all_.remove(place)
    assert (all_.at(ONE), ONE in all_, all_.on(ONE.host)) == (None, False, (shell,))
    all_.clear()
    assert all_.on(ONE.host) == ()


def test_idle_places_stand_in_the_order_in_which_they_became_so() -> None:
    all_ = Places()
    first, second = all_.add(Place(ONE, "s1")), all_.add(Place(Seat(host("two")), "s2"))
    for place in (first, second, first):
        all_.settle(place)
    assert all_.idle() == (first, second)
    first.lent = 1
    all_.settle(first)
    assert all_.longest_idle() == second
    first.lent = 0
    all_.settle(first)
    assert all_.idle() == (second, first)
    all_.remove(second)
    assert all_.longest_idle() == first
