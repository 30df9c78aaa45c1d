"""An assistant waits for the start: the quick mode of its bench, and what is not imported, read or looked at."""

import collections
import gc
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.start import measure, started, ways
from mcp_ssh import app
from mcp_ssh.cli.starting import starting
from mcp_ssh.config.environment import Environment
from mcp_ssh_drivers import registry
from mcp_ssh_drivers.profile import Profile

pytestmark = pytest.mark.integration


def configuration(folder: Path) -> dict[str, str]:
    """An environment whose daemon keeps all that it writes in the folder."""
    config = folder / "hosts.yaml"
    config.write_text(f"settings: {{state_dir: {folder}/state, audit_log: {folder}/audit.log}}\n")
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "MCP_SSH_CONFIG": str(config)}


def test_the_bench_of_the_start_runs() -> None:
    assert measure(1).keys() == {*ways, "ratio"}


def test_attach_imports_nothing_that_takes_long() -> None:
    heavy = {"asyncio", "asyncssh", "mcp", "pydantic", "structlog", "yaml", "urllib.request", "typing_extensions"}
    code = "import sys, mcp_ssh.cli.main, mcp_ssh.cli.attach; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(told.stdout.split()) == set()


def test_over_stdio_nothing_is_imported_that_only_other_ways_to_serve_or_to_reach_a_host_need(tmp_path: Path) -> None:
    with (tmp_path / "modules").open("w+b") as errors:
        started(("-X", "importtime", *ways["of its own"]), configuration(tmp_path), errors)
        errors.seek(0)
        imported = {line.rpartition(b"|")[2].strip().decode() for line in errors if line.startswith(b"import time:")}
    own = {each for each in imported if each.startswith("mcp_ssh.")}
    needless = {"mcp_ssh.face.http", "mcp_ssh.transport.openssh", "mcp_ssh.transport.console", "pexpect", "dotenv"}
    assert {"mcp_ssh.transport.ssh", "mcp_ssh.face.stdio"} <= own
    assert needless & imported == set()
    assert {each for each in own if each.startswith(("mcp_ssh.lab", "mcp_ssh.imports"))} == set()


def test_the_collector_rests_until_the_start_is_over_and_works_again_after_a_failed_one() -> None:
    with starting() as is_over:
        assert not gc.isenabled()
        is_over()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        gc.unfreeze()
    with pytest.raises(ZeroDivisionError), starting():
        _ = 1 / 0
    assert gc.isenabled()


def test_a_daemon_that_serves_has_its_collector_at_work(tmp_path: Path) -> None:
    code = (
        "import gc, sys\n"
        "from mcp_ssh.cli.main import main\n"
        "was = []\n"
        "def stdio(*_):\n"
        "    was.append((gc.isenabled(), gc.get_freeze_count() > 100_000))\n"
        "    return nothing()\n"
        "async def nothing(): pass\n"
        "import mcp_ssh.cli.starting\n"
        "class Served:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'mcp_ssh.cli.serve': was.append(gc.isenabled())\n"
        "sys.meta_path.insert(0, Served())\n"
        "import mcp_ssh.face.stdio\n"
        "mcp_ssh.face.stdio.serve = stdio\n"
        "main([])\n"
        "print(was)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=configuration(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert told.stdout == "[False, (True, True)]\n"


async def test_profiles_are_read_once_and_a_reload_takes_those_of_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = collections.Counter[str | None]()

    def known(folder: str | None = None) -> Mapping[str, Profile]:
        read[folder] += 1
        return registry.known(folder)

    monkeypatch.setattr(app, "known", known)
    environment = Environment.from_environ(configuration(tmp_path), tmp_path)
    async with app.running(environment, environment.environ) as daemon:
        assert daemon.reload.now()
    assert read == {None: 1}
