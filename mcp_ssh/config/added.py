"""Hosts that were added while a daemon ran: one file each in `state_dir/hosts.d`, never in the operator's own file.

A file says where the host is and who logs in, and nothing more: whatever else a host may have is its operator's to
give. Such a host has no tags, wants a person for what is dangerous, logs in by the key of mcp-ssh itself, and of the
defaults only those count that keep it within limits. A file that is not right leaves its host out and is told; it takes
no other host with it. A name that stands in the operator's file, too, is a fault of both.
"""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mcp_ssh.config.check import Checker
from mcp_ssh.config.fields import Address, Entry, Fingerprint
from mcp_ssh.config.lines import YamlError, read
from mcp_ssh.config.modes import fault_of
from mcp_ssh.model.faults import Fault

folder_name = "hosts.d"
suffix = ".yaml"
most_hosts = 1_000
max_file_bytes = 16_384
host_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class AddedEntry(Entry):
    """What stands in the file of one host."""

    host: Address
    user: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x20\x7f]+$")]
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    host_key: Fingerprint
    enabled: bool = True
    added: Annotated[str, Field(max_length=40)] = ""
    by: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A host of the folder, or what is wrong with its file."""

    name: str
    path: str
    entry: AddedEntry | None
    faults: tuple[Fault, ...] = ()


ReadAdded = Callable[[str], Sequence[Added]]
"""The hosts of a state folder."""


def nothing_added(state_dir: str) -> Sequence[Added]:
    """For whoever looks at the operator's own file alone."""
    del state_dir
    return ()


def read_added(state_dir: str) -> Sequence[Added]:
    """All files of the folder, by name; those beyond the limit are faults."""
    folder = Path(state_dir) / folder_name
    try:
        names = sorted(each for each in os.listdir(folder) if each.endswith(suffix) and not each.startswith("."))  # noqa: PTH208  texts
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (_refused("", folder, f"cannot be read: {error.strerror}"),)
    found = [read_one(name.removesuffix(suffix), folder / name) for name in names[:most_hosts]]
    beyond = f"is beyond the {most_hosts} hosts that may be added"
    return (*found, *(_refused(name.removesuffix(suffix), folder / name, beyond) for name in names[most_hosts:]))


def stamp(state_dir: str) -> tuple[tuple[str, int], ...]:
    """What changes whenever a file of the folder does: each one is replaced, never written to."""
    try:
        with os.scandir(Path(state_dir) / folder_name) as rows:
            return tuple(sorted((row.name, row.inode()) for row in rows if row.name.endswith(suffix)))
    except OSError:
        return ()


def read_one(name: str, path: Path) -> Added:
    """The file of one host."""
    if not host_name.match(name):
        return _refused(name, path, "is no name of a host")
    try:
        with path.open("rb") as file:
            fault, raw = fault_of(os.fstat(file.fileno()), path, is_secret=False), file.read(max_file_bytes + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return _refused(name, path, f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}")
    if fault or len(raw) > max_file_bytes:
        return _refused(name, path, fault or f"has more than {max_file_bytes} bytes")
    return _parsed(name, path, text)


def _parsed(name: str, path: Path, text: str) -> Added:
    try:
        document = read(text)
    except YamlError as error:
        return Added(name, str(path), None, (Fault(str(path), error.line, "(file)", error.message),))
    checker = Checker(str(path), document)
    for duplicate in document.duplicates:
        checker.add(duplicate, "stands twice; YAML would keep the last one silently")
    entry = checker.validate(AddedEntry, document.data, ())
    return Added(name, str(path), None if checker.faults else entry, tuple(checker.faults))


def _refused(name: str, path: Path, message: str) -> Added:
    return Added(name, str(path), None, (Fault(str(path), 1, "(file)", message),))
