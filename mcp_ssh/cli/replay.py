"""`mcp-ssh audit replay`: recordings of terminals, listed or played."""

import datetime as dt
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.face.hygiene import clean
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.recording.asciicast import Event, Header, events_of, header_of
from mcp_ssh.recording.playing import Filter, undo
from mcp_ssh.recording.recorder import folder_name
from mcp_ssh_drivers.registry import known

most_line_chars = 16_777_216


def replay(options: Namespace) -> int:
    """Play a recording by its name or path; without one, list those that there are."""
    if options.file is None:
        return _list(_folder())
    path = Path(options.file)
    _play(path if path.exists() else _named(_folder(), options.file), options)
    return 0


def _folder() -> Path:
    settings = load(Environment.from_environ(os.environ, Path.home()), known).settings
    return Path(settings.state_dir) / folder_name


def _named(folder: Path, name: str) -> Path:
    fitting = [path for path in _recordings(folder) if name in path.name]
    if len(fitting) != 1:
        what = f"{len(fitting)} recordings have" if fitting else "no recording has"
        raise InvalidArgumentError(f"{what} {name[:100]!r} in their name", hint="mcp-ssh audit replay lists them")
    return fitting[0]


def _recordings(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.cast")) if folder.is_dir() else []


def _list(folder: Path) -> int:
    paths = _recordings(folder)
    if not paths:
        print("there are no recordings; settings.recording.enabled makes them", file=sys.stderr)  # noqa: T201
        return 1
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("begun (UTC)", "what", "seconds", "bytes", "name"):
        table.add_column(title, overflow="fold")
    for path in paths:
        try:
            header, last = _summary(path)
            begun = dt.datetime.fromtimestamp(header.timestamp, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        except (InvalidArgumentError, OSError, OverflowError, ValueError):
            table.add_row("", "damaged", "", str(path.stat().st_size), path.name)
            continue
        table.add_row(begun, clean(header.title), f"{last:.0f}", str(path.stat().st_size), path.name)
    Console(highlight=False, markup=False).print(table)
    return 0


def _summary(path: Path) -> tuple[Header, float]:
    with path.open(encoding="utf-8", errors="replace") as file:
        header = _header(path, file.readline(most_line_chars))
        last = 0.0
        for event in events_of(_lines(file)):
            last = event.seconds
    return header, last


def _header(path: Path, line: str) -> Header:
    try:
        return header_of(line)
    except ValueError as error:
        raise InvalidArgumentError(f"{path} is no recording: {error}") from None


def _lines(file: TextIO) -> Iterator[str]:
    return iter(lambda: file.readline(most_line_chars), "")


def _play(path: Path, options: Namespace) -> None:
    """Draw it in its own time; waits are cut to `--max-idle` seconds."""
    passes = Filter()
    with path.open(encoding="utf-8", errors="replace") as file:
        header = _header(path, file.readline(most_line_chars))
        print(f"{clean(header.title)}, {header.width}x{header.height}; Ctrl-C ends it", file=sys.stderr)  # noqa: T201
        try:
            at = 0.0
            for event in events_of(_lines(file)):
                _wait(event, at, options)
                at = event.seconds
                sys.stdout.write(event.text if options.raw else passes.feed(event.text))
                sys.stdout.flush()
        finally:
            if sys.stdout.isatty():
                sys.stdout.write(undo)
                sys.stdout.flush()


def _wait(event: Event, at: float, options: Namespace) -> None:
    pause_s = min(max(0.0, event.seconds - at), options.max_idle) / options.speed
    if pause_s > 0:
        time.sleep(pause_s)
