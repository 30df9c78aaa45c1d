"""Files on a real sshd: what links lead to, full disks, links that drop, one session alone, and names that attack."""

import asyncio
import json
import os
import signal
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_ssh.audit.disk.reading import verified
from mcp_ssh.audit.query import as_line
from mcp_ssh.hostfiles import Opening
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.fileerrors import DiskFullError, FileError, PathRefusedError
from mcp_ssh.model.files import Progress, TransferResult
from mcp_ssh.model.host import FileRules, Way
from mcp_ssh.ports import Connection
from mcp_ssh.service.transfers import Errand
from mcp_ssh.transport.shellfiles import ShellFiles, shell_files
from mcp_ssh.transport.ways import Ways
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.disks import disk
from tests.support.hosts import settings as daemon_settings
from tests.support.posix import host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, command_line, descendants, send, sftp_server
from tests.support.stdio import configuration, wire_to
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def server_in(folder: Path, **options: Any) -> Sshd:
    """A server with SFTP whose logins find no slow start-up files."""
    return Sshd(folder / "sshd", extra=[sftp_server()], variables=[f"HOME={folder}"], **options)


@asynccontextmanager
async def on(server: Sshd, folder: Path, **changes: Any) -> AsyncIterator[Daemon]:
    """A daemon that works on it; `transfers` is its own folder."""
    (folder / "transfers").mkdir(exist_ok=True)
    transport = Ways(daemon_settings(state_dir=str(folder / "state")), os.environ)
    where = host_of(server, **changes)
    async with daemon(where, transport=transport, transfer_dir=str(folder / "transfers")) as it:
        yield it


async def up(it: Daemon, path: Path, local: str, *, overwrite: bool = True) -> TransferResult:
    moving = await it.app.transfers.upload(ANN, Errand("web", str(path), local, overwrite))
    return (await it.app.transfers.finished(moving)).result


async def down(it: Daemon, path: Path, local: str) -> TransferResult:
    moving = await it.app.transfers.download(ANN, Errand("web", str(path), local))
    return (await it.app.transfers.finished(moving)).result


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


INSIDE = {
    "file": b"file",
    "sub/x": b"x",
    "sub/../file": b"file",
    "./file": b"file",
    "to-file": b"file",
    "to-sub/x": b"x",
    "chain": b"file",
    "sub/up": b"file",
    "absolute": b"file",
}
OUTSIDE = [
    "../out/secret",
    "sub/../../out/secret",
    "../root-too/x",
    "../out",
    "leak",
    "leak-absolute",
    "leak-chain",
    "out/secret",
    "out/deep/secret",
    "sub/leak-up",
    "out-chain/secret",
    "dangling",
    "dangling-out",
    "loop",
    "loop-a",
    "file/x",
    "to-file/x",
    "sub/.ssh/id",
    "keys/id",
    "renamed-key",
    "a.key",
    "none",
    "..",
    "proc/environ",
    "self/root",
]


def maze(folder: Path) -> Path:
    """A root with ways to stay in it and to leave it."""
    root, out = folder / "root", folder / "out"
    for path in (root / "sub" / ".ssh", out / "deep", folder / "root-too"):
        path.mkdir(parents=True)
    files = {
        root / "file": "file",
        root / "sub" / "x": "x",
        root / "sub" / ".ssh" / "id": "key",
        root / "a.key": "key",
        out / "secret": "secret",
        out / "deep" / "secret": "secret",
        folder / "root-too" / "x": "x",
    }
    for path, text in files.items():
        path.write_text(text)
    links = {
        "to-file": "file", "to-sub": "sub", "chain": "to-file", "sub/up": "../file", "absolute": str(root / "file"),
        "leak": "../out/secret", "leak-absolute": str(out / "secret"), "leak-chain": "leak", "out": "../out",
        "sub/leak-up": "../leak-chain", "out-chain": "out/deep", "dangling": "gone", "dangling-out": "../out/new",
        "loop": "loop", "loop-a": "loop-b", "loop-b": "loop-a", "keys": "sub/.ssh", "renamed-key": "a.key",
        "proc": "/proc/self", "self": "/proc/self",
    }  # fmt: skip
    for name, target in links.items():
        (root / name).symlink_to(target)
    return root


@pytest.mark.parametrize("way", [Way.ASYNCSSH, Way.OPENSSH])
async def test_no_path_and_no_link_leads_out_of_a_root(way: Way, tmp_path: Path) -> None:
    root = maze(tmp_path)
    rules = FileRules(roots=(str(root),), deny_paths=("**/.ssh/**", "*.key"))
    with server_in(tmp_path) as server:
        async with on(server, tmp_path, files=rules, way=way) as it:
            outside = OUTSIDE if way is Way.ASYNCSSH else OUTSIDE[::5]
            for name, content in INSIDE.items():
                assert (await it.app.files.read(ANN, "web", f"{root}/{name}")).result.data == content, name
            for name in outside:
                with pytest.raises(FileError):
                    await it.app.files.read(ANN, "web", f"{root}/{name}")
                if name not in {"none", ".."}:
                    with pytest.raises(FileError):
                        await it.app.files.write(ANN, "web", f"{root}/{name}", "mine")
            for name in ("out", "keys", "..", "out-chain"):
                with pytest.raises(PathRefusedError):
                    await it.app.files.list(ANN, "web", f"{root}/{name}")
            endings = [record for record in it.audit.of_commands() if record["event"] == "failed"]
            assert len(endings) == 2 * len(outside) - len({"none", ".."} & {*outside}) + 4
    assert (tmp_path / "out" / "secret").read_text() == "secret"
    assert names(tmp_path / "out") == ["deep", "secret"]
    assert not list(tmp_path.rglob(".mcp-ssh*"))


async def test_sixty_four_megabytes_go_both_ways_through_a_few_of_memory(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        async with on(server, tmp_path) as it:
            with (tmp_path / "transfers" / "big").open("wb") as big:
                for number in range(64):
                    big.write(number.to_bytes(4) * 262_144)
            await up(it, tmp_path / "warm", "big")
            tracemalloc.start()
            try:
                sent = await up(it, tmp_path / "far", "big")
                came = await down(it, tmp_path / "far", "back")
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert sent.size == came.size == 64 * 1_048_576
    assert sent.sha256 == came.sha256
    assert subprocess.run(["cmp", tmp_path / "transfers" / "back", tmp_path / "far"], check=True).returncode == 0
    assert most < 24 * 1_048_576


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "disk", "1m") as folder:
        yield folder


@pytest.mark.parametrize("way", [Way.ASYNCSSH, Way.OPENSSH])
async def test_a_full_disk_leaves_the_old_file_and_no_part(way: Way, tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "file").write_text("old")
    with server_in(tmp_path) as server:
        async with on(server, tmp_path, way=way) as it:
            (tmp_path / "transfers" / "big").write_bytes(b"x" * 3_000_000)
            with pytest.raises(DiskFullError, match="the file is as it was"):
                await up(it, small_disk / "file", "big")
            assert (names(small_disk), (small_disk / "file").read_text()) == (["file"], "old")
            (small_disk / "filler").write_bytes(b"x" * 1_000_000)
            with pytest.raises(DiskFullError):
                await it.app.files.write(ANN, "web", str(small_disk / "file"), "y" * 90_000)
            assert names(small_disk) == ["file", "filler"]
            await it.app.files.write(ANN, "web", str(small_disk / "file"), "new")
    assert (small_disk / "file").read_text() == "new"


async def test_our_own_full_disk_leaves_no_part(tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "far").write_bytes(b"x" * 3_000_000)
    with server_in(tmp_path) as server:
        transport = Ways(daemon_settings(state_dir=str(tmp_path / "state")), os.environ)
        async with daemon(host_of(server), transport=transport, transfer_dir=str(small_disk)) as it:
            with pytest.raises(DiskFullError, match=r"in settings\.transfer_dir has no room"):
                await down(it, tmp_path / "far", "near")
    assert names(small_disk) == []


def part_of(folder: Path) -> Path | None:
    return next(iter(folder.glob(".mcp-ssh*")), None)


async def begun(it: Daemon, path: Path) -> "asyncio.Future[TransferResult]":
    """An upload of which some has come."""
    uploading = asyncio.ensure_future(up(it, path, "big"))
    await until(lambda: (part := part_of(path.parent)) is not None and part.stat().st_size > 2_000_000)
    return uploading


def big(folder: Path) -> Path:
    far = folder / "far"
    far.mkdir()
    (far / "file").write_text("old")
    (folder / "transfers").mkdir()
    with (folder / "transfers" / "big").open("wb") as file:
        file.truncate(80_000_000)
    return far


async def test_a_link_that_drops_is_taken_up_again_and_the_part_of_it_removed(tmp_path: Path) -> None:
    far = big(tmp_path)
    with server_in(tmp_path) as server:
        async with on(server, tmp_path) as it:
            uploading = await begun(it, far / "file")
            for pid in server.connection_pids():
                send(pid, signal.SIGKILL)
            assert (far / "file").read_text() == "old"
            result = await uploading
            assert server.connections_made() == 2
    assert (names(far), (far / "file").stat().st_size) == (["file"], result.size)


async def test_a_host_that_is_gone_leaves_the_old_file_and_the_answer_says_what_is_left(tmp_path: Path) -> None:
    far = big(tmp_path)
    with server_in(tmp_path) as server:
        async with on(server, tmp_path) as it:
            uploading = await begun(it, far / "file")
            server.stop()
            with pytest.raises(McpSshError, match=r"the file is as it was; the part .*\.part may be left") as caught:
                await uploading
            assert not caught.value.sent
            downloading = asyncio.ensure_future(down(it, far / "file", "new"))
            with pytest.raises(McpSshError):
                await downloading
    assert (far / "file").read_text() == "old"
    assert names(tmp_path / "transfers") == ["big"]


async def test_a_caller_who_leaves_ends_a_transfer_and_no_part_is_left(tmp_path: Path) -> None:
    far = big(tmp_path)
    with server_in(tmp_path) as server:
        async with on(server, tmp_path) as it:
            uploading = await begun(it, far / "file")
            uploading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await uploading
            await until(lambda: "cancelled" in it.audit.events())
            assert names(far) == ["file"]
            assert it.audit.of_commands()[-1]["reason"] == "cancelled; the file is as it was"
            done = await it.app.files.read(ANN, "web", str(far / "file"))  # and the channel is as good as before
            assert done.result.data == b"old"
            assert server.connections_made() == 1


async def test_where_one_session_is_all_files_and_commands_take_turns(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with server_in(tmp_path, max_sessions=1) as server:
        async with on(server, tmp_path) as it:
            for _ in range(2):
                read = await it.app.files.read(ANN, "web", str(tmp_path / "file"))
                assert read.result.data == b"text"
                ran = await it.app.commands.run(ANN, "web", Wish("echo ran"))
                assert ran.result.stdout.head == b"ran\n"
            assert server.connections_made() == 1


async def test_a_host_whose_sftp_is_not_there_is_asked_by_its_shell(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    broken = Sshd(tmp_path / "sshd", extra=["Subsystem sftp /no/such/server"], variables=[f"HOME={tmp_path}"])
    with broken as server:
        async with on(server, tmp_path) as it:
            assert (await it.app.files.read(ANN, "web", str(tmp_path / "file"))).result.data == b"text"
            assert (await it.app.files.read(ANN, "web", "~/file")).result.path == str(tmp_path / "file")


async def test_a_file_channel_that_breaks_alone_is_opened_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    separate = ["Subsystem sftp /usr/lib/openssh/sftp-server"]
    with Sshd(tmp_path / "sshd", extra=separate, variables=[f"HOME={tmp_path}"]) as server:
        async with on(server, tmp_path) as it:
            for _ in range(2):
                assert (await it.app.files.read(ANN, "web", str(tmp_path / "file"))).result.data == b"text"
                for pid in [each for each in descendants(server.pid) if b"sftp-server" in command_line(each)]:
                    send(pid, signal.SIGKILL)
                await asyncio.sleep(0.1)
            assert server.connections_made() == 1


touches = ("$(touch c)", "`touch c`", ";touch c;", "|touch c", "\ntouch c\n", ">c", "&& touch c", "' touch c '")
metas = st.text(st.sampled_from("'\"\\$`;&|<>()*?[]{}!#~=% \n\t\r-a\x01\xe9\u20ac"), max_size=12)
hostile = st.lists(st.sampled_from(touches) | metas, min_size=1, max_size=4).map("".join)


def test_whatever_a_name_says_to_a_shell_nothing_else_runs(tmp_path: Path) -> None:
    home, far = tmp_path / "home", tmp_path / "far"
    home.mkdir()
    far.mkdir()

    async def connect(server: Sshd) -> tuple[Connection, ShellFiles]:
        connection = await transport_in(tmp_path).connect(host_of(server), ["127.0.0.1"], NoSecrets())
        return connection, await shell_files(connection)

    async def one(files: ShellFiles, name: str) -> None:
        path = f"{far}/{name}"
        async with files.open(path, Opening.CREATE) as opened:
            await opened.write(0, name.encode())
            await opened.settle(mode=0o600)
        assert await files.real(path) == path
        async with files.open(path, Opening.READ) as opened:
            assert await opened.read(0, 1_000) == name.encode()
        assert [entry.name for entry in (await files.page(str(far), 0, 10)).entries] == [name]
        await files.replace(path, f"{far}/x{name}")
        assert names(far) == [f"x{name}"]
        await files.remove(f"{far}/x{name}")
        with pytest.raises(FileError):
            await files.real(f"{far}/none/{name}/{tmp_path}/{name}")
        assert (names(far), names(home)) == ([], [])

    with Sshd(tmp_path / "sshd", variables=[f"HOME={home}"]) as server, asyncio.Runner() as runner:
        connection, files = runner.run(connect(server))

        @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(hostile.filter(lambda name: name not in {"", ".", ".."}))
        def check(name: str) -> None:
            runner.run(one(files, name[:80]))

        try:
            check()
        finally:
            runner.run(connection.close())


async def test_progress_is_told(tmp_path: Path) -> None:
    far, told = big(tmp_path), list[int]()

    async def tell(progress: Progress) -> None:
        told.append(progress.done)

    with server_in(tmp_path) as server:
        async with on(server, tmp_path) as it:
            it.app.transfers._tell_every_s = 0.02
            moving = await it.app.transfers.upload(ANN, Errand("web", str(far / "new"), "big"))
            await it.app.transfers.finished(moving, tell)
    assert told == sorted(told)
    assert len(told) > 1


async def test_a_daemon_of_its_own_keeps_records_of_files_that_verify(tmp_path: Path) -> None:
    config, at, log = tmp_path / "hosts.yaml", tmp_path / "file", tmp_path / "audit.log"
    with server_in(tmp_path) as server:
        configuration(tmp_path, server, rest=f"    files: {{roots: ['{tmp_path}'], deny_paths: ['*.key']}}")
        config.write_text(config.read_text() + f"  transfer_dir: {tmp_path}\n")
        async with wire_to(config) as wire:
            await wire.initialize()
            wrote = await wire.call("ssh_write_file", host="web", path=str(at), content="text")
            assert wrote["structuredContent"]["facts"]["created"] is True
            read = await wire.call("ssh_read_file", host="web", path=str(at))
            assert read["structuredContent"]["content"] == "text"
            refused = await wire.call("ssh_read_file", host="web", path=f"{tmp_path}/../x\0")
            assert refused["structuredContent"]["error"]["code"] == "path_refused"
            await wire.call("ssh_read_file", host="web", path=f"{tmp_path}/a.key")
            await wire.call("ssh_transfer", host="web", direction="download", path=str(at), local="near")
            await wire.call("ssh_transfer", host="web", direction="download", path=str(at), local="../near")
            await until(lambda: "request.refused" in log.read_text())
    assert verified(log).ok
    records = [json.loads(line) for line in log.read_text().splitlines()]
    endings = [
        record for record in records if record["event"] in {"file.read", "file.write", "failed", "request.refused"}
    ]
    assert [(record["event"], record.get("action", "")) for record in endings] == [
        ("file.write", "write"),
        ("file.read", "read"),
        ("failed", "read"),
        ("failed", "read"),
        ("file.read", "download"),
        ("request.refused", ""),
    ]
    assert (endings[0]["bytes"], endings[0]["path"], endings[5]["local"]) == (4, str(at), "../near")
    assert as_line(endings[0]).count(str(at)) == 1
    assert (tmp_path / "near").read_text() == "text"
