"""Rows of a command's output for who asked with `parse`: whether it can be read at all, and what is shown of it."""

from mcp_ssh.face.hygiene import clean, one_line, shown
from mcp_ssh.model.result import Outcome, inline_chars
from mcp_ssh.outputs.rows import RowReader, Rows
from mcp_ssh.service.runs import Answer


async def rows_of(reader: RowReader, answer: Answer, *, terminal: bool = False) -> Rows:
    """The rows of what the answer shows, or why there are none. `terminal`: as for `shown`."""
    if answer.done is None:
        return Rows(why="the command still runs")
    result = answer.done.result
    if result.outcome is not Outcome.COMPLETED:
        return Rows(why=f"the outcome is {result.outcome.value}")
    if result.device_error is not None:
        return Rows(why="the device did not take the command")
    stdout = shown(result.stdout, inline_chars, terminal=terminal)
    if stdout.left_out_bytes:
        return Rows(why=f"{stdout.left_out_bytes} bytes of the output are left out")
    return await reader.rows_of(answer.done.session.driver.platform, answer.run.text, stdout.text)


def shown_rows(rows: Rows | None) -> list[dict[str, str | list[str]]] | None:
    """The rows with every cell as clean as any text of a host."""
    if rows is None or rows.rows is None:
        return None
    return [
        {name: clean(cell) if isinstance(cell, str) else [clean(part) for part in cell] for name, cell in row.items()}
        for row in rows.rows
    ]


def row_notes(rows: Rows | None) -> list[str]:
    """What is to be said where rows were asked for and there are none."""
    if rows is None or rows.rows:
        return []
    if rows.rows is None:
        return [f"not parsed: {one_line(rows.why)}"]
    return [f"no rows: the template {rows.template} found none in the output"]
