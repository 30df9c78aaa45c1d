"""How tests run: coroutines under a deadline, real parts that must be there in CI, nothing left behind."""

import asyncio
import inspect
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.sshd import Sshd

deadline_s = 60.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test on a loop of its own, and fail it for tasks that it leaves behind."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in names}
    asyncio.run(_bounded(pyfuncitem.obj(**arguments)))
    return True


async def _bounded(test: Coroutine[object, object, None]) -> None:
    async with asyncio.timeout(deadline_s):
        await test
    for _ in range(3):
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.done()]
    assert not left, f"tasks left behind: {left}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a real part says so by its fixtures and its folder."""
    for item in items:
        if {"integration", "conformance"} & set(Path(item.path).parts) or "sshd" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def fresh_logs() -> Iterator[None]:
    """No test logs to where another one's output was captured."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder for Unix sockets, whose paths the kernel keeps to about a hundred bytes; only its owner gets in."""
    with tempfile.TemporaryDirectory(prefix="mcp-ssh-") as folder:
        yield Path(folder)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A running OpenSSH sshd with ten sessions a connection."""
    server = Sshd(tmp_path / "sshd")
    server.start()
    try:
        yield server
    finally:
        server.stop()
