"""Transfers by way of the service: counted, summed, bounded, and nothing half is left on either side."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from mcp_ssh.model.errors import PermissionMissingError, SessionLostError
from mcp_ssh.model.fileerrors import (
    DiskFullError,
    FileChangedError,
    FileThereError,
    FileTooLargeError,
    NoTransferDirError,
    PathRefusedError,
)
from mcp_ssh.model.files import Progress, TransferResult
from mcp_ssh.model.host import FileRules
from mcp_ssh.model.refusals import ConfirmationRequiredError
from mcp_ssh.model.state import State
from mcp_ssh.service.transfers import Errand
from mcp_ssh.service.writing import block_bytes
from tests.support.daemon import ANN, READER, WRITER, Daemon, daemon
from tests.support.hosts import host
from tests.support.memory import MemoryTransport
from tests.support.memoryfiles import MemoryFiles, file, home_of_ann, parts
from tests.unit.face.test_tools import ERAS, client_of, text_of

BIG = bytes(range(256)) * 40_000


async def up(it: Daemon, errand: Errand) -> TransferResult:
    return (await it.app.transfers.finished(await it.app.transfers.upload(ANN, errand))).result


async def down(it: Daemon, errand: Errand) -> TransferResult:
    return (await it.app.transfers.finished(await it.app.transfers.download(ANN, errand))).result


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_bytes_and_sums_are_the_same_on_both_sides(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "big").write_bytes(BIG)
    sha256 = hashlib.sha256(BIG).hexdigest()
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        sent = await up(it, Errand("web", "/srv/big", "big"))
        assert (sent.size, sent.sha256, sent.created) == (len(BIG), sha256, True)
        came = await down(it, Errand("web", "/srv/big", "back"))
        assert (came.size, came.sha256, came.created) == (len(BIG), sha256, True)
        decided, wrote, _, read = it.audit.of_commands()
    assert files.content("/srv/big") == BIG == (tmp_path / "back").read_bytes()
    assert (decided["action"], decided["bytes"], decided["output_sha256"]) == ("upload", len(BIG), sha256)
    assert (wrote["event"], wrote["bytes"], read["event"], read["bytes"]) == (
        "file.write", len(BIG), "file.read", len(BIG),
    )  # fmt: skip
    assert left_in(tmp_path) == ["back", "big"]


async def test_a_transfer_goes_block_by_block_and_is_counted(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "big").write_bytes(BIG)
    counts = list[tuple[int, int]]()

    def watch(asked: str) -> None:
        if asked in {"write", "read"}:
            counts.append((moving.progress.done, moving.progress.total))

    files.before = watch
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        moving = await it.app.transfers.upload(ANN, Errand("web", "/srv/big", "big"))
        await it.app.transfers.finished(moving)
        assert counts == [(at, len(BIG)) for at in range(0, len(BIG), block_bytes)]
        counts.clear()
        moving = await it.app.transfers.download(ANN, Errand("web", "/srv/big", "back"))
        await it.app.transfers.finished(moving)
        assert counts == [(at, len(BIG)) for at in range(0, len(BIG), block_bytes)]


async def test_whoever_waits_hears_of_it_meanwhile(tmp_path: Path) -> None:
    files, told = home_of_ann(), list[int]()
    go_on = asyncio.Event()

    class Waiting(MemoryFiles):
        async def replace(self, part: str, path: str) -> None:
            await go_on.wait()
            await super().replace(part, path)

    async def tell(progress: Progress) -> None:
        told.append(progress.done)
        go_on.set()

    (tmp_path / "x").write_bytes(b"12345")
    transport = MemoryTransport(files=Waiting(files.root))
    async with daemon(transport=transport, transfer_dir=str(tmp_path), task_progress_interval_s=0.01) as it:
        moving = await it.app.transfers.upload(ANN, Errand("web", "/srv/motd", "x", overwrite=True))
        await it.app.transfers.finished(moving, tell)
    assert told[-1] == 5


class Held(MemoryFiles):
    """A host that takes a file's new name only when it is let."""

    go_on: asyncio.Event

    async def replace(self, part: str, path: str) -> None:
        await self.go_on.wait()
        await super().replace(part, path)


def held() -> Held:
    files = Held(home_of_ann().root)
    files.go_on = asyncio.Event()
    return files


async def test_a_transfer_that_outlives_its_call_goes_on_as_a_task(tmp_path: Path) -> None:
    files = held()
    (tmp_path / "x").write_bytes(b"12345")
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        transfer = await it.app.transfers.upload(ANN, Errand("web", "/srv/motd", "x", overwrite=True))
        assert await it.app.transfers.answered(transfer, 0.05) is transfer
        assert (transfer.state, transfer.handle[:2]) == (State.RUNNING, "t-")
        assert it.app.tasks.all_of(ANN) == [transfer]
        files.go_on.set()
        assert await it.app.tasks.look(ANN, transfer.handle, wait_s=5) is transfer
        assert (transfer.state, files.content("/srv/motd")) == (State.COMPLETED, b"12345")
        assert transfer.done is not None
        assert transfer.done.result.sha256 == hashlib.sha256(b"12345").hexdigest()
        await it.clock.advance(310)
        assert it.app.tasks.held == 0


async def test_a_transfer_that_is_cancelled_before_its_last_step_leaves_the_old_file(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "x").write_bytes(b"12345")
    transport = MemoryTransport(files=files)
    transport.gate = asyncio.Event()
    async with daemon(transport=transport, transfer_dir=str(tmp_path)) as it:
        errand = Errand("web", "/srv/motd", "x", overwrite=True)
        transfer = await it.app.transfers.answered(await it.app.transfers.upload(ANN, errand), 0.05)
        await it.app.tasks.cancel(ANN, transfer.handle)
        assert transfer.state is State.CANCELLED
        transport.gate.set()
        assert (files.content("/srv/motd"), parts(files)) == (b"hello\n", [])


async def test_a_transfer_that_is_cancelled_within_its_last_step_is_unknown(tmp_path: Path) -> None:
    files = held()
    (tmp_path / "x").write_bytes(b"12345")
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        errand = Errand("web", "/srv/motd", "x", overwrite=True)
        transfer = await it.app.transfers.answered(await it.app.transfers.upload(ANN, errand), 0.05)
        cancelling = asyncio.ensure_future(it.app.tasks.cancel(ANN, transfer.handle))
        await asyncio.sleep(0)
        files.go_on.set()
        await cancelling
        assert transfer.state in {State.UNKNOWN, State.COMPLETED}


async def test_a_transfer_that_was_answered_is_no_task(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    async with daemon(transport=MemoryTransport(files=home_of_ann()), transfer_dir=str(tmp_path)) as it:
        await up(it, Errand("web", "/srv/new", "x"))
        assert (it.app.tasks.all_of(ANN), it.app.tasks.held) == ([], 0)


@ERAS
async def test_a_client_is_told_of_a_transfer_on_its_way_and_of_its_end(era: str, tmp_path: Path) -> None:
    files = held()
    (tmp_path / "x").write_bytes(b"12345")
    transport = MemoryTransport(files=files)
    async with daemon(transport=transport, transfer_dir=str(tmp_path)) as it, client_of(it, era) as client:
        await client.list_tools()
        where = {"host": "web", "direction": "upload", "path": "/srv/motd", "local": "x", "overwrite": True}
        going = await client.call_tool("ssh_transfer", where | {"reply_within": 0.05})
        assert going.structured_content is not None
        assert "task" in going.structured_content, text_of(going)
        task = going.structured_content["task"]
        assert going.structured_content["facts"] == {"state": "running", "bytes": 5, "total": 5}
        assert f"{task}: web: running for 0 s, 5 of 5 bytes" in text_of(going)
        files.go_on.set()
        ended = await client.call_tool("ssh_task", {"task": task, "wait": 5})
        assert "web: upload of x here to /srv/motd (replaced), bytes 5" in text_of(ended)


async def test_what_is_there_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "x").write_bytes(b"mine")
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        with pytest.raises(FileThereError):
            await up(it, Errand("web", "/srv/motd", "x"))
        with pytest.raises(FileThereError):
            await down(it, Errand("web", "/srv/motd", "x"))
        assert (files.content("/srv/motd"), (tmp_path / "x").read_bytes()) == (b"hello\n", b"mine")
        assert not (await down(it, Errand("web", "/srv/motd", "x", overwrite=True))).created
        assert not (await up(it, Errand("web", "/srv/motd", "x", overwrite=True))).created
    assert left_in(tmp_path) == ["x"]
    assert parts(files) == []


async def test_a_file_that_grows_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    files = home_of_ann()
    node = files.put("/srv/log", file(b"first"))

    def grow(asked: str) -> None:
        if asked == "read":
            node.content += b"more"

    files.before = grow
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        with pytest.raises(FileChangedError, match="it had 5 bytes, 9 came, and it has 9 now; nothing was kept here"):
            await down(it, Errand("web", "/srv/log", "log"))
    assert left_in(tmp_path) == []


async def test_a_file_is_never_larger_than_the_host_allows_nor_becomes_it(tmp_path: Path) -> None:
    files = home_of_ann()
    node = files.put("/srv/log", file(b"small"))
    files.put("/srv/large", file(b"x" * 11))
    (tmp_path / "large").write_bytes(b"x" * 11)
    files.before = lambda asked: node.content.extend(b"y" * 20) if asked == "read" else None
    limited = host("web", files=FileRules(max_bytes=10))
    async with daemon(limited, transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        for errand in (Errand("web", "/srv/large", "a"), Errand("web", "/srv/log", "b")):
            with pytest.raises(FileTooLargeError):
                await down(it, errand)
        with pytest.raises(FileTooLargeError):
            await up(it, Errand("web", "/srv/up", "large"))
    assert left_in(tmp_path) == ["large"]


async def test_a_file_that_changes_after_it_was_judged_is_not_sent_whole(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "x").write_bytes(b"judged")

    def somebody(asked: str) -> None:
        if asked == "open create":
            (tmp_path / "x").write_bytes(b"other!")

    files.before = somebody
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        with pytest.raises(FileChangedError, match="changed after it was judged"):
            await up(it, Errand("web", "/srv/motd", "x", overwrite=True))
    assert files.content("/srv/motd") == b"hello\n"
    assert parts(files) == []


async def test_what_breaks_leaves_no_part_on_either_side(tmp_path: Path) -> None:
    files = home_of_ann()
    (tmp_path / "x").write_bytes(b"mine")
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        files.before = lambda asked: DiskFullError("no room") if asked == "write" else None
        with pytest.raises(DiskFullError, match="the file is as it was"):
            await up(it, Errand("web", "/srv/motd", "x", overwrite=True))
        files.before = lambda asked: SessionLostError("reset") if asked == "read" else None
        with pytest.raises(SessionLostError):
            await down(it, Errand("web", "/srv/motd", "new"))
        assert (files.content("/srv/motd"), parts(files), left_in(tmp_path)) == (b"hello\n", [], ["x"])


async def test_a_caller_who_leaves_ends_it_and_no_part_is_left(tmp_path: Path) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    class Stuck(MemoryFiles):
        async def facts(self, path: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  as the tree has it
            if any(call == "settle" for call, _ in self.calls):
                reached.set()
                await never.wait()
            return await super().facts(path)

    files = Stuck(home_of_ann().root)
    (tmp_path / "x").write_bytes(b"mine")
    async with daemon(transport=MemoryTransport(files=files), transfer_dir=str(tmp_path)) as it:
        calling = asyncio.ensure_future(up(it, Errand("web", "/srv/motd", "x", overwrite=True)))
        await reached.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(5):
            while "cancelled" not in it.audit.events():
                await asyncio.sleep(0.01)
        assert it.audit.of_commands()[-1]["reason"] == "cancelled; the file is as it was"
    assert (files.content("/srv/motd"), parts(files)) == (b"hello\n", [])


async def test_what_may_not_be_asked_opens_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    async with daemon(transfer_dir=str(tmp_path)) as it:
        for caller, begin in ((READER, it.app.transfers.upload), (WRITER, it.app.transfers.download)):
            moving = await begin(caller, Errand("web", "/srv/new", "x", overwrite=True))
            with pytest.raises(PermissionMissingError):
                await it.app.transfers.finished(moving)
        with pytest.raises(PathRefusedError):
            await up(it, Errand("web", "srv/../x", "x"))
        with pytest.raises(ConfirmationRequiredError, match="overwrites"):
            await up(it, Errand("web", "/etc/passwd", "x", overwrite=True))
        assert it.audit.events() == ["failed", "failed", "failed", "decided"]
        assert it.transport.attempts == []


async def test_without_a_folder_nothing_is_asked() -> None:
    async with daemon() as it:
        with pytest.raises(NoTransferDirError, match=r"settings\.transfer_dir is not set; nothing was sent"):
            await up(it, Errand("web", "/srv/x", "x"))
        assert it.transport.attempts == []
