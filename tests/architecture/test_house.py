"""Habits of the house that a linter does not know."""

import re
from collections.abc import Iterator
from pathlib import Path

import mcp_ssh.model.errors as errors_module
import mcp_ssh.model.faults as faults_module
import mcp_ssh.model.fileerrors as fileerrors_module
import mcp_ssh.model.loginerrors as loginerrors_module
import mcp_ssh.model.nodeerrors as nodeerrors_module
import mcp_ssh.model.refusals as refusals_module
import mcp_ssh.model.tunnelerrors as tunnelerrors_module
from mcp_ssh.model.errors import McpSshError

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "mcp_ssh").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")]

# Who may start a task outside a TaskGroup, and why stands beside it in the code: each keeps and ends its own.
TASK_OWNERS = {
    "service/pipeline.py",
    "mcp_ssh_drivers/cancellation.py",
    "service/reload.py",
    "recording/recorder.py",
    "transport/connection.py",
    "transport/openssh.py",
    "face/stdio.py",
    "face/subscriptions.py",
    "lab/posix_host.py",
}


def error_classes(root: type[McpSshError] = McpSshError) -> Iterator[type[McpSshError]]:
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def test_no_file_grows_past_three_hundred_lines() -> None:
    assert [path.name for path in SOURCES if len(path.read_text().splitlines()) > 300] == []


def test_tasks_have_owners() -> None:
    bare = re.compile(r"asyncio\.create_task\(|ensure_future\(|get_running_loop\(\)\.create_task\(")
    found = {str(path.relative_to(path.parents[1])) for path in SOURCES if bare.search(path.read_text())}
    assert found <= TASK_OWNERS


def test_a_check_that_is_switched_off_is_named() -> None:
    lazy = re.compile(r"# type: ignore(?!\[)|# noqa(?!: [A-Z])")
    assert [path.name for path in SOURCES if lazy.search(path.read_text())] == []


def test_every_error_code_is_documented_and_every_documented_code_exists() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    codes = {each.code for each in error_classes()} - {"error"}
    assert documented == codes
    assert errors_module.__doc__
    assert fileerrors_module.__doc__
    assert loginerrors_module.__doc__
    assert faults_module.__doc__
    assert nodeerrors_module.__doc__
    assert refusals_module.__doc__
    assert tunnelerrors_module.__doc__


def test_every_tool_stands_in_the_readme() -> None:
    files = (ROOT / "mcp_ssh" / "face" / "tools").glob("*.py")
    tools = {name for path in files for name in re.findall(r"async def (ssh_\w+)\(", path.read_text())}
    readme = (ROOT / "README.md").read_text()
    assert len(tools) >= 12
    assert {tool for tool in tools if f"| `{tool}` |" not in readme} == set()


def test_no_document_names_an_index_or_a_machine() -> None:
    for lock in ROOT.glob("*.lock"):
        assert not re.search(r"index|find-links|file://|https?://", lock.read_text())
