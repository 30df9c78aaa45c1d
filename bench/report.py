"""What all benches found, as one table for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from bench.rows import Row


def table(rows: Sequence[Row]) -> Table:
    """A line of each row, in their order, with a rule between two goals."""
    told = Table("goal", "what", "figure", "bound", "", title="mcp-ssh beside other clients")
    for column in told.columns[2:4]:
        column.justify, column.no_wrap = "right", True
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        told.add_row(*cells(row), end_section=after is None or after.goal != row.goal)
    return told


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """The words of a row."""
    what = f"{row.what} ({row.note})" if row.note else row.what
    return "" if row.goal is None else str(row.goal), what, shown(row.figure, row.unit), bound(row), verdict(row)


def shown(figure: float, unit: str) -> str:
    """Three digits that count, and no more than a large whole number has."""
    return f"{figure:,.0f} {unit}" if abs(figure) >= whole_from else f"{figure:.3g} {unit}"


whole_from = 1_000


def bound(row: Row) -> str:
    """What the figure is held against."""
    if row.bound is None:
        return ""
    return f"{'≥' if row.at_least else '≤'} {row.bound:g} {row.unit}"


def verdict(row: Row) -> str:
    """Met, missed, or nothing to hold it against."""
    if row.is_met is None:
        return "[dim]told only"
    return "[green]met" if row.is_met else "[bold red]missed"


def document(rows: Sequence[Row], about: Mapping[str, object]) -> dict[str, object]:
    """The same for programs, after what is to be known about the run."""
    return {**about, "rows": [{**asdict(row), "met": row.is_met} for row in rows]}
