"""The quick mode of the bench against other clients: every goal has its figures, and all outputs were equal."""

import json
import math
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
wait_s = 110.0


def python() -> str:
    """The interpreter that has the other clients. Without it a test skips and says how to get it; in CI it fails."""
    found = ROOT / ".venv-bench" / "bin" / "python"
    if not found.exists():
        message = "the other clients are missing; install them with: make bench-setup"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return str(found)


def test_the_bench_tells_of_every_goal_and_its_outputs_are_equal(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    only = "1,2,3,4,5,6,7,8,9"  # the others have tests of their own
    words = [python(), "-m", "bench", "--quick", "--only", only, "--json", str(file)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=wait_s, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]  # an output that differs ends it
    told = json.loads(file.read_text())
    rows = told["rows"]
    assert {row["goal"] for row in rows if row["bound"] is not None} >= set(range(1, 10))
    assert all(math.isfinite(row["figure"]) for row in rows)
    errors = {row["what"]: row["figure"] for row in rows if row["unit"] == "errors"}
    assert len(errors) == 2
    assert set(errors.values()) == {0}
    assert all(row["met"] for row in rows if row["unit"] in {"MB", "KB"} and row["bound"] is not None)
    assert {"asyncssh", "ssh2-python", "paramiko", "netmiko", "scrapli", "openssh"} <= set(told["versions"])
