"""The import rules hold, and each would be seen broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [str(program), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{folder / 'drivers'}", "PATH": "/usr/bin:/bin", "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def copy_of_the_house(folder: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mcp_ssh", folder / "mcp_ssh", ignore=skip)
    shutil.copytree(ROOT / "drivers", folder / "drivers", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)


def test_the_house_keeps_its_rules() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("mcp_ssh/model/host.py", "import mcp_ssh.service.commands", "floors"),
        ("mcp_ssh/sessions/pool.py", "import mcp_ssh.transport.ssh", "floors"),
        ("mcp_ssh/policy/decide.py", "import mcp_ssh.safety.classify", "neighbours in judgement"),
        ("mcp_ssh/safety/classify.py", "import asyncio", "judgement is pure"),
        ("mcp_ssh/sessions/plan.py", "import time", "judgement is pure"),
        ("drivers/mcp_ssh_drivers/execshell.py", "import os", "judgement is pure"),
        ("mcp_ssh/service/commands.py", "import asyncssh", "only transport and lab know asyncssh"),
        ("mcp_ssh/service/commands.py", "import mcp.server", "only face and lab know the MCP SDK"),
        ("drivers/mcp_ssh_drivers/exec.py", "import mcp_ssh.safety.classify", "drivers know only model and ports"),
    ],
)
def test_a_planted_import_is_seen(tmp_path: Path, file: str, line: str, contract: str) -> None:
    copy_of_the_house(tmp_path)
    target = tmp_path / file
    target.write_text(target.read_text() + f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode != 0
    assert any(row.startswith(contract) and row.endswith("BROKEN") for row in result.stdout.splitlines()), result.stdout
