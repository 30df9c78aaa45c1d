"""mcp-ssh beside other SSH clients: every goal of speed in one run, as ratios, with what they are held against.

`make bench` takes some minutes on a machine that does nothing else; `--quick` half a minute, to see that all of it
runs. Servers are this machine's own sshd, on loopback.
"""

import argparse
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from bench import atonce, bulk, cold, devices, distant, growth, paused, peers, plain, sessions, start, terminal
from bench.machine import facts, versions
from bench.report import document, table
from bench.rows import Row

paper_columns = 120


class Bench(Protocol):
    """A module that measures."""

    def rows(self, *, quick: bool) -> list[Row]:
        """What it found."""


benches: tuple[tuple[int | None, Bench], ...] = (
    (1, plain),
    (2, paused),
    (3, distant),
    (4, devices),
    (5, atonce),
    (6, cold),
    (7, bulk),
    (8, terminal),
    (9, sessions),
    (10, peers),
    (11, start),
    (None, growth),
)


def measured(only: Sequence[int], *, quick: bool) -> list[Row]:
    """The rows of these goals, or of all."""
    rows, progress = list[Row](), Console(stderr=True)
    for goal, bench in benches:
        if not only or goal in only:
            with progress.status("growth" if goal is None else f"goal {goal}"):
                rows += bench.rows(quick=quick)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write the JSON where that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds of little, to see that it runs")
    parser.add_argument("--only", type=numbers, default=(), metavar="1,2,…", help="these goals alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    about: dict[str, object] = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": facts(),
        "versions": versions(),
    }
    try:
        rows = measured(options.only, quick=options.quick)
    except ModuleNotFoundError as error:
        parser.error(f"{error.name} is missing; the other clients are installed by: make bench-setup")
    screen = Console()
    (screen if screen.is_terminal else Console(width=paper_columns)).print(table(rows))
    if options.json is not None:
        options.json.write_text(json.dumps(document(rows, about), indent=2, ensure_ascii=False) + "\n")


def numbers(text: str) -> tuple[int, ...]:
    """The goals of `1,2`."""
    return tuple(int(word) for word in text.split(","))


if __name__ == "__main__":
    main()
