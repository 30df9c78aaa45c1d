"""Cost against size: what one unit costs at each size, and the power of the size that the whole cost grows with.

The power is the slope of the logarithms, fitted on what lies above the smallest size: a constant part of the cost,
which would make growth look flatter than it is, falls out. Only sizes count whose growth is a multiple of that part:
below, it is lost in what the constant varies by. Linear growth is 1, quadratic 2. What is done once for each unit, such
as a look-up among all of them, is counted as often as there are units: then 1 says that it does not grow.
"""

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.rows import Row

most = 1.1
least_sizes = 3
multiple = 3
Costs = Mapping[int, float]
"""The cost of the whole by its size."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured of one thing: `unit` is that of the cost, and `of` what its size counts.

    Sizes below `since` are told and not fitted: there it grows up to what it takes from then on.
    """

    what: str
    costs: Costs
    unit: str
    of: str
    since: int = 0

    @property
    def fitted(self) -> Costs:
        """What is fitted."""
        return {size: cost for size, cost in self.costs.items() if size >= self.since}


def each(costs: Costs) -> dict[int, float]:
    """The cost of doing something once, as that of doing it once for each unit."""
    return {size: cost * size for size, cost in costs.items()}


def exponent(costs: Costs) -> float:
    """The power of the size that the cost grows with; 0 where it does not. Raises `ValueError` below three sizes."""
    if len(costs) < least_sizes:
        raise ValueError(f"{least_sizes} sizes are the least to see growth in, not {len(costs)}")
    smallest = min(costs)
    above = {size - smallest: cost - costs[smallest] for size, cost in costs.items() if size > smallest}
    grown = {size: cost for size, cost in above.items() if cost > multiple * costs[smallest]}
    return _slope(grown) if len(grown) > 1 else _slope({size: cost for size, cost in costs.items() if cost > 0})


def _slope(costs: Costs) -> float:
    if len(costs) < 2:  # noqa: PLR2004  one point has no slope
        return 0.0
    logs = [[math.log(value) for value in values] for values in (costs.keys(), costs.values())]
    return statistics.linear_regression(*logs).slope


def rows_of(growth: Growth) -> Iterator[Row]:
    """A line for each size, and the exponent with its bound where there are sizes enough."""
    for size, cost in growth.costs.items():
        yield Row(None, f"growth: {growth.what}, {size:,} {growth.of}", cost / size, f"{growth.unit} each")
    if len(growth.fitted) >= least_sizes:
        yield Row(None, f"growth: {growth.what}, exponent", exponent(growth.fitted), "", most)
