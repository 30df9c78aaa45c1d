"""Reads an output by a template of ntc-templates: run as a program of its own, with a question on stdin.

Templates are regular expressions that somebody else wrote and what they read comes from a host, so one match may take
for ever, and Python's `re` lets no other thread run meanwhile. In a process of its own it can be ended, and it holds
neither sessions nor secrets. Question and answer are JSON objects; nothing of the rest of the daemon is imported.
"""

import contextlib
import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

max_rows = 5_000
max_row_chars = 250_000
"""Of all rows together, names of columns included: a template may repeat a value in every row."""
max_command_chars = 500
max_memory_bytes = 1 << 29
max_cpu_s = 10
"""Should the daemon be gone and end nobody any more."""

_compound = re.compile(r"[;&\n]")
_completed = re.compile(r"\[\[(.+?)\]\]")

Cell = str | list[str]


class NoRowsError(Exception):
    """Why there are no rows, in words."""


def answer_to(folder: Path, platforms: Sequence[str], command: str, text: str) -> dict[str, object]:
    """What is said on stdout: `rows` or `why`, and `template` where there is one."""
    template = ""
    try:
        template = template_for(folder, platforms, command)
        return {"template": told(template), "rows": rows_by(folder, template, text)}
    except NoRowsError as none:
        return {"template": told(template), "why": str(none)}


def told(template: str) -> str:
    """A template's name without the ending of its file; of several, which are one table together, the first."""
    return template.partition(":")[0].removesuffix(".textfsm")


def template_for(folder: Path, platforms: Sequence[str], command: str) -> str:
    """The template files of a command, as the index writes them; platforms by what they may be called there.

    Raises `NoRowsError`.
    """
    line = " ".join(command.split())
    if _compound.search(command.strip()) or len(line) > max_command_chars:
        raise NoRowsError("there are templates for single commands only")
    index = list(_index(folder))
    name = next((name for name in platforms if any(_is(name, row[2]) for row in index)), None)
    if name is None:
        raise NoRowsError(f"there are no templates for {platforms[0]}")
    rows = [(row[0], re.compile(_pattern(row[3]))) for row in index if _is(name, row[2])]
    # The pattern of `ip address [show]` wants the blank that stands before a word which may be left out.
    for said in (line, f"{line} "):
        for files, pattern in rows:
            if pattern.match(said):
                return files
    raise NoRowsError(f"there is no template for {name} `{line[:100]}`")


def _index(folder: Path) -> Iterator[list[str]]:
    """Rows of four: template, host, platform, command."""
    for line in (folder / "index").read_text("utf-8").splitlines():
        row = [part.strip() for part in line.split(",", 3)]
        if len(row) == 4 and not line.startswith("#") and row[0] != "Template":  # noqa: PLR2004  the columns
            yield row


def _is(name: str, platform: str) -> bool:
    return re.fullmatch(platform, name) is not None


def _pattern(command: str) -> str:
    """A command of the index, with the words that may be cut short; what follows begins a word of its own."""
    whole = _completed.sub(lambda found: "(?:" + "(?:".join(found[1]) + ")?" * len(found[1]), command)
    return rf"(?:{whole})(?=\s|$)"


def rows_by(folder: Path, template: str, text: str) -> list[dict[str, Cell]]:
    """The rows of a text. Raises `NoRowsError`."""
    from textfsm import TextFSMError, clitable  # noqa: PLC0415  what only looks for a template does without

    table = clitable.CliTable(None, str(folder))
    try:
        table.ParseCmd(text, templates=template)
    except (TextFSMError, clitable.Error) as error:
        raise NoRowsError(f"the output does not fit the template {told(template)}") from error
    names = [str(name).lower() for name in table.header]
    return list(_bounded(dict(zip(names, map(_cell, row), strict=True)) for row in table))


def _cell(value: object) -> Cell:
    return [str(part) for part in value] if isinstance(value, list) else str(value)


def _bounded(rows: Iterable[dict[str, Cell]]) -> Iterator[dict[str, Cell]]:
    chars = 0
    for count, row in enumerate(rows, start=1):
        chars += sum(len(name) + sum(map(len, cell)) for name, cell in row.items())
        if count > max_rows:
            raise NoRowsError(f"these are more than {max_rows} rows")
        if chars > max_row_chars:
            raise NoRowsError(f"its rows have more than {max_row_chars} characters")
        yield row


def main() -> None:
    """Answer one question."""
    for kind, limit in ((resource.RLIMIT_CPU, max_cpu_s), (resource.RLIMIT_AS, max_memory_bytes)):
        with contextlib.suppress(
            OSError, ValueError
        ):  # not every system knows both; the daemon's deadline holds anyway
            resource.setrlimit(kind, (limit, limit))
    asked = json.load(sys.stdin.buffer)
    try:
        answer = answer_to(Path(asked["folder"]), asked["platforms"], asked["command"], asked["text"])
    except MemoryError:
        answer = {"template": "", "why": "its rows take too much memory"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
