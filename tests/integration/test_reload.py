"""The configuration changes while the daemon works: what is in force, and what is untouched."""

import asyncio
from pathlib import Path

import pytest

from mcp_ssh.app import App, running
from mcp_ssh.config.environment import Environment
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import UnknownHostError
from tests.support.daemon import ANN
from tests.support.sshd import Sshd

pytestmark = pytest.mark.integration


class File:
    """A hosts.yaml with these hosts."""

    def __init__(self, folder: Path, server: Sshd) -> None:
        self.path = folder / "hosts.yaml"
        self.folder, self.server = folder, server

    def holds(self, *names: str, description: str = "", broken: bool = False) -> None:
        rows = "".join(
            f"  {name}: {{host: 127.0.0.1, port: {self.server.port}, user: {self.server.user}, "
            f"description: '{description if name != 'kept' else ''}', "
            f"auth: {{method: key, key_path: {self.server.key_path}}}}}\n"
            for name in names
        )
        settings = (
            f"settings: {{state_dir: {self.folder}/state, audit_log: {self.folder}/audit.log, known_hosts: []}}\n"
        )
        new = self.path.with_suffix(".new")
        new.write_text(f"hosts:\n{rows or '  {}'}{settings}" + ("oops: [" if broken else ""))
        new.replace(self.path)

    def environment(self, interval_s: float = 0.05) -> Environment:
        return Environment(self.path, self.folder, log_level="error", reload_interval_s=interval_s)


async def answers(app: App, name: str) -> bool:
    try:
        return (await app.commands.run(ANN, name, Wish("echo on"))).result.stdout.head == b"on\n"
    except UnknownHostError:
        return False


async def until(app: App, name: str, *, there: bool) -> None:
    async with asyncio.timeout(10):
        while await answers(app, name) is not there:
            await asyncio.sleep(0.05)


async def test_a_changed_file_is_in_force_by_itself_and_a_broken_one_is_not(sshd: Sshd, tmp_path: Path) -> None:
    file = File(tmp_path, sshd)
    file.holds("kept")
    async with running(file.environment(), {}) as app:
        assert not await answers(app, "added")
        file.holds("kept", "added")
        await until(app, "added", there=True)
        file.holds("kept", broken=True)
        await asyncio.sleep(0.3)
        assert await answers(app, "added")
        file.holds("kept")
        await until(app, "added", there=False)
        await asyncio.sleep(0.1)
        assert {view.host for view in app.commands.sessions(ANN)} <= {"kept"}


async def test_two_hundred_changes_lose_no_call_and_touch_no_session_of_an_unchanged_host(
    sshd: Sshd, tmp_path: Path
) -> None:
    file = File(tmp_path, sshd)
    file.holds("kept", "moving")
    async with running(file.environment(interval_s=3_600), {}) as app:
        await answers(app, "kept")
        [before] = app.commands.sessions(ANN)
        done = asyncio.Event()

        counts = [0, 0, 0, 0]

        async def calls(caller: int, name: str) -> None:
            while not done.is_set() or counts[caller] <= 5:
                assert await answers(app, name), counts
                counts[caller] += 1

        names = ("kept", "moving", "kept", "moving")
        callers = [asyncio.ensure_future(calls(caller, name)) for caller, name in enumerate(names)]
        for number in range(200):
            file.holds("kept", "moving", description=str(number))
            assert app.reload.now()
            await asyncio.sleep(0.01)
        done.set()
        await asyncio.gather(*callers)
        assert before.id in {view.id for view in app.commands.sessions(ANN)}
        moving = [view for view in app.commands.sessions(ANN) if view.host == "moving"]
        assert len(moving) <= 1
