"""A large file up and down by SFTP: seconds, memory, sums; beside the system's own `sftp` on the same server.

Starts an OpenSSH server of its own on loopback. Memory is what this process grows by while the file goes through it.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mcp_ssh.app import SystemClock, wired
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.host import FileRules, Inventory
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.services import Services
from mcp_ssh.service.transfer import Transfer
from mcp_ssh.service.transfers import Errand
from mcp_ssh.transport.ssh import SshTransport
from tests.support.daemon import Ledger
from tests.support.hosts import settings
from tests.support.posix import host_of
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, sftp_server

me = Caller(Principal("bench", Via.STDIO))
megabyte = 1_048_576


@asynccontextmanager
async def daemon_on(server: Sshd, folder: Path) -> AsyncIterator[Services]:
    """A daemon whose audit log is a list: what is measured is the way of the bytes."""
    host = host_of(server, files=FileRules())
    configured = settings(state_dir=str(folder / "state"), transfer_dir=str(folder / "here"))
    snapshot = Snapshot(Inventory({host.name: host}), configured, "bench")
    parts = Configuration(lambda: snapshot), Ledger(), SshTransport(configured), SystemClock(), Keyrings(NoSecrets())
    async with wired(*parts) as app:
        yield app


def filled(path: Path, megabytes: int) -> None:
    """A file that no compression makes small."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(megabyte))


def sum_of(path: Path) -> str:
    """Its SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def most_megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def moved(app: Services, begin: Callable[[Caller, Errand], object], errand: Errand) -> tuple[float, str]:
    """Seconds, and the sum that was told."""
    began = time.perf_counter()
    moving = await begin(me, errand)  # type: ignore[misc]
    assert isinstance(moving, Transfer)  # noqa: S101  what both ways give
    done = await app.transfers.finished(moving)
    return time.perf_counter() - began, done.result.sha256


def by_sftp(server: Sshd, commands: str) -> float:
    """Seconds that the system's own client takes for the same."""
    program = shutil.which("sftp")
    if program is None:
        return 0.0
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    words = [program, "-q", "-b", "-", "-i", str(server.key_path), "-P", str(server.port), *options]
    began = time.perf_counter()
    subprocess.run([*words, f"{server.user}@127.0.0.1"], input=commands.encode(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


async def measured(folder: Path, megabytes: int) -> dict[str, object]:
    """One file up and down, by us and by sftp."""
    here, far = folder / "here", folder / "far"
    here.mkdir()
    far.mkdir()
    filled(here / "small", 4)
    filled(here / "file", megabytes)
    whole = sum_of(here / "file")
    with Sshd(folder / "sshd", extra=[sftp_server()], variables=[f"HOME={folder}"]) as server:
        async with daemon_on(server, folder) as app:
            await moved(app, app.transfers.upload, Errand("web", f"{far}/small", "small"))  # the connection stands
            before = most_megabytes()
            up_s, up_sum = await moved(app, app.transfers.upload, Errand("web", f"{far}/file", "file"))
            down_s, down_sum = await moved(app, app.transfers.download, Errand("web", f"{far}/file", "back"))
            grown = most_megabytes() - before
        assert whole == up_sum == down_sum == sum_of(far / "file") == sum_of(here / "back")  # noqa: S101  or all is void
        own_up, own_down = (
            by_sftp(server, f"put {here}/file {far}/own\n"),
            by_sftp(server, f"get {far}/own {here}/own\n"),
        )
    return {
        "megabytes": megabytes,
        "up, s": round(up_s, 2),
        "down, s": round(down_s, 2),
        "sftp up, s": round(own_up, 2),
        "sftp down, s": round(own_down, 2),
        "memory grown, MB": round(grown, 1),
        "sha256 equal": True,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of it, to see that it runs")
    parser.add_argument("--megabytes", type=int, default=1_024)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measured(Path(folder), 8 if options.quick else options.megabytes))))  # noqa: T201


if __name__ == "__main__":
    main()
