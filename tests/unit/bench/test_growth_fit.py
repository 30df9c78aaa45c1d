"""The exponent that growth is told by: known powers are found, whatever stands beside them."""

import pytest

from bench.growth.fit import Growth, each, exponent, rows_of

decades = (10, 100, 1_000, 10_000)


@pytest.mark.parametrize("power", [0.5, 1, 1.5, 2])
def test_a_power_of_the_size_is_found(power: float) -> None:
    assert exponent({size: 0.003 * size**power for size in decades}) == pytest.approx(power, abs=0.1)


def test_a_constant_part_does_not_hide_what_grows() -> None:
    assert exponent({size: 5 + 0.01 * size**2 for size in decades}) == pytest.approx(2, abs=0.05)
    assert exponent({size: 5 + 0.1 * size for size in decades}) == pytest.approx(1, abs=0.05)


def test_what_a_constant_varies_by_is_no_growth() -> None:
    assert exponent({1: 1.00, 10: 1.001, 100: 1.05, 1_000: 0.99}) < 0.1
    assert exponent(each({10: 1.00, 100: 1.001, 1_000: 1.05})) == pytest.approx(1, abs=0.05)


def test_a_look_up_that_walks_through_all_is_quadratic_for_all() -> None:
    assert exponent(each({size: 0.1 * size for size in decades})) == pytest.approx(2, abs=0.05)


def test_two_sizes_show_no_growth() -> None:
    with pytest.raises(ValueError, match="3 sizes are the least"):
        exponent({1: 1.0, 10: 10.0})


def test_each_size_is_told_for_one_unit_and_the_exponent_with_its_bound() -> None:
    *sizes, last = rows_of(Growth("records verified", {10: 20.0, 100: 200.0, 1_000: 2_000.0}, "ms", "records"))
    assert [row.figure for row in sizes] == [2.0, 2.0, 2.0]
    assert {row.unit for row in sizes} == {"ms each"}
    assert sizes[2].what == "growth: records verified, 1,000 records"
    assert last.bound == 1.1
    assert last.is_met


def test_sizes_before_the_cost_has_settled_are_told_and_not_fitted() -> None:
    costs = {1: 1.0, 10: 50.0, 100: 500.0, 1_000: 500.0, 10_000: 500.0}
    rows = [*rows_of(Growth("a query", each(costs), "ms", "records", since=100))]
    assert len(rows) == 6
    assert rows[-1].figure == pytest.approx(1)
    assert len([*rows_of(Growth("a query", costs, "ms", "records", since=1_000))]) == 5


def test_what_costs_nothing_does_not_grow() -> None:
    assert exponent({10: 0.0, 100: 0.0, 1_000: 0.0}) == 0
    assert exponent({10: 0.0, 100: 0.0, 1_000: 5.0}) == 0
