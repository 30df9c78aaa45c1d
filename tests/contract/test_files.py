"""What all files of hosts promise, held against each: memory, SFTP, and the shells of OpenSSH, BusyBox and dropbear."""

import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.hostfiles import Files, Opening
from mcp_ssh.model.fileerrors import FileError, FileThereError, NoSuchFileError, NotAFileError
from mcp_ssh.model.files import Kind
from mcp_ssh.transport.sftp import SftpFiles
from mcp_ssh.transport.shellfiles import ShellFiles, shell_files
from tests.support.dropbear import Dropbear
from tests.support.memoryfiles import MemoryFiles, file, folder, link
from tests.support.parts import require
from tests.support.posix import host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd, sftp_server

HARD = [
    "two words",
    "it's",
    'a "quote"',
    "new\nline",
    "-rf",
    "--",
    "*",
    "[a]?",
    "$(reboot)",
    "`reboot`",
    ";reboot",
    "a\\b",
    "a\\",
    "tab\tand\x1b[31m",
    "é€😀",
    "\udcff\udcfe",
    " ",
    "x\n",
    "!!",
    "{a,b}",
    "~",
    "#",
]
Way = Callable[[Path], AbstractAsyncContextManager[tuple[Files, str]]]


@asynccontextmanager
async def memory(where: Path) -> AsyncIterator[tuple[Files, str]]:
    files = MemoryFiles()
    files.put(
        str(where),
        folder(
            old=file(b"old", mode=0o640),
            sub=folder(x=file(b"x")),
            link=link("old"),
            dangling=link("gone"),
            loop=link("loop"),
            into=link("sub"),
            **{name: file(os.fsencode(name)) for name in HARD},
        ),
    )
    yield files, str(where)


def filled(where: Path) -> str:
    (where / "sub").mkdir(parents=True)
    (where / "old").write_bytes(b"old")
    (where / "old").chmod(0o640)
    (where / "sub" / "x").write_bytes(b"x")
    for name, target in (("link", "old"), ("dangling", "gone"), ("loop", "loop"), ("into", "sub")):
        (where / name).symlink_to(target)
    for name in HARD:
        (where / name).write_bytes(os.fsencode(name))
    return str(where)


@asynccontextmanager
async def over(server: Sshd, where: Path, kind: type[Files]) -> AsyncIterator[tuple[Files, str]]:
    async with server:
        connection = await transport_in(where).connect(host_of(server), ["127.0.0.1"], NoSecrets())
        try:
            async with connection.open_files() as files:
                assert isinstance(files, kind)
                yield files, filled(where / "files")
        finally:
            await connection.close()


def sftp(where: Path) -> AbstractAsyncContextManager[tuple[Files, str]]:
    return over(Sshd(where / "sshd", extra=[sftp_server()]), where, SftpFiles)


def shell(where: Path) -> AbstractAsyncContextManager[tuple[Files, str]]:
    return over(Sshd(where / "sshd", variables=[f"HOME={where}"]), where, ShellFiles)


def busybox(where: Path) -> AbstractAsyncContextManager[tuple[Files, str]]:
    program, applets = require("busybox"), where / "bin"
    applets.mkdir(parents=True)
    for name in subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "stat":  # as on routers, where `ls` must do
            (applets / name).symlink_to(program)
    return over(Sshd(where / "sshd", variables=[f"HOME={where}", f"PATH={applets}"]), where, ShellFiles)


@asynccontextmanager
async def dropbear(where: Path) -> AsyncIterator[tuple[Files, str]]:
    async with Dropbear(where / "dropbear") as server:
        connection = await transport_in(where).connect(host_of(server), ["127.0.0.1"], NoSecrets())
        try:
            files = await shell_files(connection)  # this machine has an sftp-server, which dropbear would start
            at = filled(server.home / "files")
            server.give(server.home)
            yield files, at
        finally:
            await connection.close()


every = pytest.mark.parametrize(
    "way",
    [
        pytest.param(memory, id="memory"),
        *(
            pytest.param(way, id=way.__name__, marks=pytest.mark.integration)
            for way in (sftp, shell, busybox, dropbear)
        ),
    ],
)


@every
async def test_names_and_what_stands_under_them(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as (files, at):
        assert await files.real(f"{at}/into/../into/x") == f"{at}/sub/x"
        assert await files.real(f"{at}/link") == f"{at}/old"
        old, into = await files.facts(f"{at}/old"), await files.facts(f"{at}/into")
        assert (old.kind, old.size, old.mode) == (Kind.FILE, 3, 0o640)
        assert (into.kind, await files.target(f"{at}/into")) == (Kind.LINK, "sub")
        assert (await files.facts(f"{at}/sub")).kind is Kind.FOLDER
        for name in ("dangling", "loop", "none", "none/x"):
            with pytest.raises(NoSuchFileError):
                await files.real(f"{at}/{name}")
        assert (await files.facts(f"{at}/dangling")).kind is Kind.LINK
        page = await files.page(at, 0, 100)
        names = sorted([*HARD, "old", "sub", "link", "dangling", "loop", "into"], key=os.fsencode)
        assert [entry.name for entry in page.entries] == names
        assert {entry.name: entry.target for entry in page.entries if entry.target} == {
            "link": "old", "dangling": "gone", "loop": "loop", "into": "sub",
        }  # fmt: skip
        some = await files.page(at, 3, 4)
        assert ([entry.name for entry in some.entries], some.total) == (names[3:7], len(names))


@every
async def test_hard_names_are_only_names(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as (files, at):
        for name in HARD:
            path = f"{at}/{name}"
            assert await files.real(path) == path
            async with files.open(path, Opening.READ) as opened:
                assert await opened.read(0, 100) == os.fsencode(name)
            part = f"{at}/{name}.part"
            async with files.open(part, Opening.CREATE) as opened:
                await opened.write(0, b"new")
            await files.replace(part, path)
            async with files.open(path, Opening.READ) as opened:
                assert await opened.read(0, 100) == b"new"
            await files.remove(path)
        left = [entry.name for entry in (await files.page(at, 0, 100)).entries]
        assert left == ["dangling", "into", "link", "loop", "old", "sub"]


@every
async def test_every_byte_is_kept_wherever_it_is_cut(way: Way, tmp_path: Path) -> None:
    raw = bytes(range(256)) * 10_000 + b"\0\n"
    async with way(tmp_path) as (files, at):
        async with files.open(f"{at}/raw", Opening.CREATE) as opened:
            await opened.write(0, raw[:2_100_000])
            await opened.write(2_100_000, raw[2_100_000:])
            assert (await opened.facts()).size == len(raw)
            await opened.settle(mode=0o600)
        async with files.open(f"{at}/raw", Opening.READ) as opened:
            assert await opened.read(0, len(raw) + 10) == raw
            assert await opened.read(65_535, 65_538) == raw[65_535 : 65_535 + 65_538]
            assert await opened.read(len(raw) - 1, 10) == b"\n"
            assert await opened.read(len(raw) + 5, 10) == b""
        async with files.open(f"{at}/raw", Opening.APPEND) as opened:
            await opened.write(len(raw), b"end")
        async with files.open(f"{at}/raw", Opening.READ) as opened:
            assert await opened.read(len(raw) - 1, 10) == b"\nend"
        assert (await files.facts(f"{at}/raw")).mode == 0o600


@every
async def test_a_new_file_is_new_and_a_step_is_a_step(way: Way, tmp_path: Path) -> None:
    async with way(tmp_path) as (files, at):
        for taken in ("old", "link", "dangling", "sub"):
            with pytest.raises((FileThereError, NotAFileError)):
                async with files.open(f"{at}/{taken}", Opening.CREATE):
                    pass
        async with files.open(f"{at}/part", Opening.CREATE) as opened:
            await opened.write(0, b"part")
        assert (await files.facts(f"{at}/part")).mode == 0o600
        for taken in ("old", "link", "dangling"):
            with pytest.raises(FileThereError):
                await files.place(f"{at}/part", f"{at}/{taken}")
        with pytest.raises(FileError):
            await files.replace(f"{at}/part", f"{at}/sub")
        await files.place(f"{at}/part", f"{at}/placed")
        await files.replace(f"{at}/placed", f"{at}/old")
        async with files.open(f"{at}/old", Opening.READ) as opened:
            assert await opened.read(0, 10) == b"part"
        await files.remove(f"{at}/old")
        await files.remove(f"{at}/old")
        for name in ("old", "none/x"):
            with pytest.raises(NoSuchFileError):
                async with files.open(f"{at}/{name}", Opening.READ):
                    pass
        with pytest.raises((NoSuchFileError, NotAFileError)):
            await files.page(f"{at}/placed", 0, 10)
        with pytest.raises(NoSuchFileError):
            async with files.open(f"{at}/none/x", Opening.CREATE):
                pass
        left = {entry.name for entry in (await files.page(at, 0, 100)).entries}
        assert not {"part", "placed", "old"} & left
