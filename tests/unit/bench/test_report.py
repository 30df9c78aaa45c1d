import io
import json

from rich.console import Console

from bench.report import document, shown, table
from bench.rows import Row

ROWS = [
    Row(1, "plain exec: ours / mux", 0.30, "×", 0.35),
    Row(1, "plain exec: mux", 7.4, "ms"),
    Row(7, "rate", 1.1, "×", 1.2, at_least=True, note="of 100 MB"),
    Row(None, "growth", 12_345.6, "KB"),
]


def printed() -> list[str]:
    out = io.StringIO()
    Console(file=out, width=120).print(table(ROWS))
    return out.getvalue().splitlines()


def line(word: str) -> list[str]:
    return [cell.strip() for cell in next(each for each in printed() if word in each).split("│")[1:-1]]


def test_a_line_says_the_goal_the_figure_the_bound_and_whether_it_is_met() -> None:
    assert line("ours / mux") == ["1", "plain exec: ours / mux", "0.3 ×", "≤ 0.35 ×", "met"]
    assert line("rate") == ["7", "rate (of 100 MB)", "1.1 ×", "≥ 1.2 ×", "missed"]


def test_a_figure_without_a_bound_is_told_only() -> None:
    assert line("exec: mux") == ["1", "plain exec: mux", "7.4 ms", "", "told only"]
    assert line("growth") == ["", "growth", "12,346 KB", "", "told only"]


def test_a_figure_has_three_digits_that_count() -> None:
    assert [shown(figure, "ms") for figure in (0.012345, 1.0, 123.4, 1234.5)] == [
        "0.0123 ms", "1 ms", "123 ms", "1,234 ms",
    ]  # fmt: skip


def test_the_document_holds_every_row_and_what_the_run_was() -> None:
    told = json.loads(json.dumps(document(ROWS, {"quick": True})))
    assert told["quick"] is True
    assert [row["met"] for row in told["rows"]] == [True, None, False, None]
    assert told["rows"][2]["note"] == "of 100 MB"
