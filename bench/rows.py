"""What a bench found: medians of interleaved rounds, ratios of the same round, and goals to hold them against.

Absolute times drift with the machine; what one round measured of two ways, right after each other, drifts together. So
a ratio is taken in each round and the median of those is told, never a ratio of two medians.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rounds = Mapping[str, Sequence[float]]
"""Figures by way, one of each round, in the order of the rounds."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `goal` is its number, None for a figure that stands beside.

    `bound` is what the figure may be at most, or at least where `at_least`; None where it is only told.
    """

    goal: int | None
    what: str
    figure: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None where there is no bound."""
        if self.bound is None:
            return None
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


def ratio(rounds: Rounds, way: str, other: str) -> float:
    """The median over the rounds of `way` by `other`."""
    return statistics.median(own / its for own, its in zip(rounds[way], rounds[other], strict=True))


def median(rounds: Rounds, way: str) -> float:
    """The median of one way."""
    return statistics.median(rounds[way])
