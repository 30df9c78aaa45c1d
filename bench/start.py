"""From the start of the process to the answer of `initialize`: a server of its own beside one that is attached to.

`python -m bench.start` takes about a minute; `--quick` a few seconds, for the tests. The runs are interleaved; beside
them stands an interpreter that does nothing: what neither can be faster than.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bench.rows import Rounds, Row, median

hello = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
ways: Mapping[str, Sequence[str]] = {
    "python alone": ("-c", "input(); print('{}')"),
    "of its own": ("-m", "mcp_ssh"),
    "attached": ("-m", "mcp_ssh", "attach"),
}
goal = 11
bounds_s: Mapping[str, float] = {"of its own": 0.45, "attached": 0.12}
Environ = Mapping[str, str]


def rows(*, quick: bool) -> list[Row]:
    """The goals, and beside them what starting an interpreter takes, and how much is imported."""
    with environment() as environ:
        times = rounds(2 if quick else 30, environ)
        modules = {way: imported(ways[way], environ) for way in bounds_s}
    least_s = f"python alone: {median(times, 'python alone') * 1e3:.0f} ms"
    return [
        *(
            Row(goal, f"start to initialize, {way}", median(times, way), "s", bound, note=least_s)
            for way, bound in bounds_s.items()
        ),
        *(Row(None, f"modules imported at the start, {way}", count, "modules") for way, count in modules.items()),
    ]


def started(words: Sequence[str], environ: Environ, errors: int | IO[bytes] = subprocess.DEVNULL) -> float:
    """Seconds until the first line came back."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=dict(environ),
    ) as process:
        assert process.stdin is not None  # noqa: S101  as asked for
        assert process.stdout is not None  # noqa: S101  as asked for
        process.stdin.write(json.dumps(hello).encode() + b"\n")
        process.stdin.flush()
        if not process.stdout.readline().startswith(b"{"):
            raise RuntimeError(f"no answer from {' '.join(words)}")
        took = time.perf_counter() - began
        process.stdin.close()
    return took


def imported(words: Sequence[str], environ: Environ) -> int:
    """How many modules a process of this kind imports, as the interpreter counts them."""
    with tempfile.TemporaryFile() as errors:
        started(("-X", "importtime", *words), environ, errors)
        errors.seek(0)
        return sum(line.startswith(b"import time:") for line in errors) - 1  # without the heading


@contextmanager
def environment() -> Iterator[Environ]:
    """An environment with a daemon to attach to, which ends with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "hosts.yaml"
        config.write_text(f"settings: {{state_dir: {folder}/state, audit_log: {folder}/audit.log}}\n")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "XDG_RUNTIME_DIR": name,
            "MCP_SSH_CONFIG": str(config),
            "MCP_IDLE_EXIT": "600",
        }
        try:
            started(ways["attached"], environ)  # starts the daemon
            yield environ
        finally:
            subprocess.run(
                [sys.executable, *ways["attached"], "--stop"], env=environ, check=False, stdout=subprocess.DEVNULL
            )


def rounds(count: int, environ: Environ) -> Rounds:
    """Seconds by way, interleaved."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(count):
        for way, words in ways.items():
            times[way].append(started(words, environ))
    return times


def measure(count: int) -> dict[str, float]:
    """Medians in seconds by way, and how often `attached` goes into `of its own`."""
    with environment() as environ:
        times = rounds(count, environ)
    medians = {way: median(times, way) for way in times}
    return medians | {"ratio": medians["of its own"] / medians["attached"]}


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(measure(2 if parser.parse_args().quick else 30), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
