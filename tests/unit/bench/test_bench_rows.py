import pytest

from bench.rows import Row, median, ratio


def test_a_ratio_is_the_median_of_the_ratios_of_each_round_and_no_ratio_of_medians() -> None:
    rounds = {"ours": [1.0, 10.0, 3.0], "other": [2.0, 40.0, 3.0]}
    assert ratio(rounds, "ours", "other") == 0.5
    assert median(rounds, "ours") / median(rounds, "other") == 1.0


def test_ways_of_unequal_rounds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio({"ours": [1.0, 2.0], "other": [1.0]}, "ours", "other")


@pytest.mark.parametrize(
    ("figure", "bound", "at_least", "met"),
    [(1.0, 1.0, False, True), (1.1, 1.0, False, False), (1.0, 1.0, True, True), (0.9, 1.0, True, False)],
)
def test_a_goal_is_met_on_its_bound_and_on_the_right_side_of_it(
    figure: float, bound: float, at_least: bool, met: bool
) -> None:
    assert Row(1, "it", figure, "×", bound, at_least).is_met is met


def test_a_figure_without_a_bound_is_neither_met_nor_missed() -> None:
    assert Row(None, "it", 1.0, "ms").is_met is None
