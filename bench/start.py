"""From the start of the process to the answer of `initialize`: a server of its own beside one that is attached to.

`python -m bench.start` takes about a minute; `--quick` a few seconds, for the tests. The runs are interleaved; beside
them stands an interpreter that does nothing: what neither can be faster than.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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


def started(words: Sequence[str], environ: Mapping[str, str]) -> float:
    """Seconds until the first line came back."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
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


def measure(rounds: int) -> dict[str, float]:
    """Medians in seconds by way, and how often `attached` goes into `of its own`."""
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
            times: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, words in ways.items():
                    times[way].append(started(words, environ))
        finally:
            subprocess.run(
                [sys.executable, *ways["attached"], "--stop"], env=environ, check=False, stdout=subprocess.DEVNULL
            )
    medians = {way: statistics.median(found) for way, found in times.items()}
    return medians | {"ratio": medians["of its own"] / medians["attached"]}


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(measure(2 if parser.parse_args().quick else 30), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
