"""One bench by itself: its rows, a line each."""

import argparse
from collections.abc import Callable, Sequence

from bench.rows import Row


def main(rows: Callable[..., Sequence[Row]], doc: str | None = None) -> None:
    """Measure and print; `--quick` for little of it."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--quick", action="store_true", help="little of it, to see that it runs")
    for row in rows(quick=parser.parse_args().quick):
        print(line(row))  # noqa: T201


def line(row: Row) -> str:
    """What was found, and whether that is within its bound."""
    bound = "" if row.bound is None else f"{'≥' if row.at_least else '≤'} {row.bound:g}"
    met = {True: "met", False: "MISSED", None: ""}[row.is_met]
    goal = "" if row.goal is None else str(row.goal)
    return f"{goal:>3} {row.what:<64} {shown(row.figure):>12} {row.unit:<13} {bound:<8} {met:<7} {row.note}".rstrip()


def shown(figure: float) -> str:
    """Three digits that count, or a whole number."""
    return f"{figure:,.0f}" if abs(figure) >= whole_from else f"{figure:.3g}"


whole_from = 1_000
