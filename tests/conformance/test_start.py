"""An assistant waits for the start: the quick mode of its bench, and what `attach` does not import."""

import subprocess
import sys

import pytest

from bench.start import measure, ways

pytestmark = pytest.mark.integration


def test_the_bench_of_the_start_runs() -> None:
    assert measure(1).keys() == {*ways, "ratio"}


def test_attach_imports_nothing_that_takes_long() -> None:
    heavy = {"asyncio", "asyncssh", "mcp", "pydantic", "structlog", "yaml", "urllib.request", "typing_extensions"}
    code = "import sys, mcp_ssh.cli.main, mcp_ssh.cli.attach; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(told.stdout.split()) == set()
