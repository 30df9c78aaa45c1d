"""The folder of transfers: no name leads out of it, nothing half is left in it."""

import contextlib
import os
from pathlib import Path

import pytest

from mcp_ssh.model.fileerrors import (
    FileError,
    FileThereError,
    NoSuchFileError,
    NotAFileError,
    NoTransferDirError,
    PathRefusedError,
)
from mcp_ssh.transfers.folder import TransferFolder

TRICKS = [
    "",
    ".",
    "..",
    "../out",
    "/etc/passwd",
    "//etc/passwd",
    "sub/../../out",
    "sub/..",
    "sub//x",
    "sub/./x",
    "sub/",
    "/",
    "a\0b",
    "a\ud800",
    "x" * 1_025,
]
LINKS = ["to-file", "to-folder/secret", "chain", "sub/up/secret", "loop", "to-folder", "dangling", "here"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every link that might lead out of it, beside what must not be touched."""
    out, inside = tmp_path / "out", tmp_path / "in"
    (inside / "sub").mkdir(parents=True)
    out.mkdir()
    (out / "secret").write_text("secret")
    (inside / "file").write_text("file")
    (inside / "sub" / "deep").write_text("deep")
    (inside / "to-file").symlink_to(out / "secret")
    (inside / "to-folder").symlink_to(out)
    (inside / "chain").symlink_to("to-file")
    (inside / "sub" / "up").symlink_to("../../out")
    (inside / "loop").symlink_to("loop")
    (inside / "dangling").symlink_to(out / "new")
    (inside / "here").symlink_to("file")
    return inside


def untouched(folder: Path) -> bool:
    out = folder.parent / "out"
    return [path.name for path in out.iterdir()] == ["secret"] and (out / "secret").read_text() == "secret"


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_that_is_no_plain_path_is_refused(folder: Path, name: str) -> None:
    for ask in (
        TransferFolder(str(folder)).source,
        lambda name: TransferFolder(str(folder)).part(name, overwrite=True),
    ):
        with pytest.raises(PathRefusedError):
            ask(name)
    assert untouched(folder)


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_read_through_a_link(folder: Path, name: str) -> None:
    with pytest.raises(FileError):
        TransferFolder(str(folder)).source(name)


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(folder: Path, name: str) -> None:
    try:
        part = TransferFolder(str(folder)).part(name, overwrite=True)
    except FileError:
        assert untouched(folder)
        return
    part.write(b"mine")
    part.keep(overwrite=True)
    part.close()
    assert untouched(folder)
    assert not (folder / name).is_symlink()  # the link itself gave its place


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(folder: Path) -> None:
    part = TransferFolder(str(folder)).part("sub/new", overwrite=False)
    (folder / "sub").rename(folder / "moved")
    (folder / "sub").symlink_to(folder.parent / "out")
    part.write(b"mine")
    part.keep(overwrite=False)
    part.close()
    assert untouched(folder)
    assert (folder / "moved" / "new").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["file", "sub/deep"])
def test_a_file_is_read_from_any_place(folder: Path, name: str) -> None:
    source = TransferFolder(str(folder)).source(name)
    assert source.read(1, 100) == (folder / name).read_bytes()[1:]
    assert source.size == len((folder / name).read_bytes())
    source.close()


def test_what_is_no_file_is_not_sent(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name, error in (("sub", NotAFileError), ("pipe", NotAFileError), ("none", NoSuchFileError)):
        with pytest.raises(error):
            TransferFolder(str(folder)).source(name)


def test_a_part_is_ours_alone_and_has_its_name_when_it_is_whole(folder: Path) -> None:
    part = TransferFolder(str(folder)).part("new", overwrite=False)
    part.write(b"half")
    assert not (folder / "new").exists()
    part.restart()
    part.write(b"whole")
    part.keep(overwrite=False)
    part.close()
    assert (folder / "new").read_bytes() == b"whole"
    assert (folder / "new").stat().st_mode & 0o777 == 0o600
    assert not list(folder.glob(".mcp-ssh*"))


def test_a_part_that_is_not_kept_is_gone(folder: Path) -> None:
    part = TransferFolder(str(folder)).part("new", overwrite=False)
    part.write(b"half")
    part.close()
    assert not (folder / "new").exists()
    assert not list(folder.glob(".mcp-ssh*"))


def test_a_file_is_replaced_only_where_that_is_said(folder: Path) -> None:
    transfers = TransferFolder(str(folder))
    with pytest.raises(FileThereError):
        transfers.part("file", overwrite=False)
    part = transfers.part("late", overwrite=False)
    (folder / "late").write_text("first")
    with pytest.raises(FileThereError):
        part.keep(overwrite=False)
    part.close()
    assert (folder / "late").read_text() == "first"
    part = transfers.part("file", overwrite=True)
    part.write(b"new")
    part.keep(overwrite=True)
    part.close()
    assert (part.replaces, (folder / "file").read_bytes()) == (True, b"new")
    with pytest.raises(NotAFileError):
        transfers.part("sub", overwrite=True)


def test_without_a_folder_the_key_is_named(tmp_path: Path) -> None:
    for path in (None, str(tmp_path / "none")):
        with pytest.raises(NoTransferDirError, match=r"settings\.transfer_dir"):
            TransferFolder(path).source("x")


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left(folder: Path) -> None:
    before = descriptors()
    transfers = TransferFolder(str(folder))
    for name in [*LINKS, *TRICKS, "sub", "file"]:
        with contextlib.suppress(FileError):
            transfers.source(name).close()
        with contextlib.suppress(FileError):
            transfers.part(name, overwrite=False).close()
    assert descriptors() == before
