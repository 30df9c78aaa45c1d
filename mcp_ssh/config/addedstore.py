"""Writes the files of added hosts: each whole or not at all, one process at a time, 0600."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import yaml

from mcp_ssh.config.added import AddedEntry, folder_name, most_hosts, read_added, read_one, suffix
from mcp_ssh.model.errors import UnknownHostError
from mcp_ssh.model.nodeerrors import HostsFolderError, HostThereError, TooManyHostsError

stripes = 64
"""Files that targets are locked by: bounded, and few enough to share one by chance."""
look_s = 0.05
_header = "# Written by mcp-ssh when the host was added; `mcp-ssh hosts` shows and changes it.\n"


class AddedStore:
    """The folder of one state folder. Whoever reads it needs no lock: a file is always whole."""

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir
        self._folder = Path(state_dir) / folder_name

    def check(self, name: str) -> None:
        """Whether a host of that name can be added now.

        Raises `HostThereError`, `TooManyHostsError`, `HostsFolderError`.
        """
        with self._changing():
            self._refuse_taken(name)

    def add(self, name: str, entry: AddedEntry) -> None:
        """Write a new host. Raises as `check` does; then nothing was written."""
        with self._changing():
            self._refuse_taken(name)
            self._write(name, entry)

    def enable(self, name: str, *, enabled: bool) -> None:
        """Switch a host on or off. Raises `UnknownHostError` for one that is not there any more, `HostsFolderError`."""
        with self._changing():
            found = read_one(name, self._path(name))
            if found.entry is None:
                raise UnknownHostError(f"{found.path} holds no host: {'; '.join(map(str, found.faults))}")
            self._write(name, found.entry.model_copy(update={"enabled": enabled}))

    def remove(self, name: str) -> None:
        """Take a host out; one that is gone is out already. Raises `HostsFolderError`."""
        with self._changing():
            self._path(name).unlink(missing_ok=True)

    @contextlib.asynccontextmanager
    async def alone(self, target: str) -> AsyncIterator[None]:
        """Nobody else adds or removes a host at this target meanwhile; the caller sets the deadline.

        Two names for one login share one line on the host: whoever takes it back must know that nobody counts on it.
        """
        number = hashlib.sha256(target.encode("utf-8", "surrogatepass")).digest()[0] % stripes
        with self._told():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / f".target-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _is_ours(lock):  # noqa: ASYNC110  who else has it may be another process
                await asyncio.sleep(look_s)
            yield
        finally:
            os.close(lock)

    def shares(self, name: str, entry: AddedEntry) -> bool:
        """Whether a host of another name is at the same place by the same login."""
        return any(
            each.name != name
            and (each.entry.host, each.entry.port, each.entry.user) == (entry.host, entry.port, entry.user)
            for each in read_added(self._state_dir)
            if each.entry is not None
        )

    def _refuse_taken(self, name: str) -> None:
        if self._path(name).exists():
            raise HostThereError(
                f"there is an added host {name!r} already; nothing was sent",
                hint=f"take another name, or remove that host first ({self._path(name)})",
            )
        if len(read_added(self._state_dir)) >= most_hosts:
            raise TooManyHostsError(
                f"{most_hosts} hosts were added already; nothing was sent", hint="remove those that are not needed"
            )

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{suffix}"

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time; errors of the disk as ours."""
        with self._told():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HostsFolderError(
                f"{self._folder} cannot be written: {error.strerror or error}",
                hint="check `settings.state_dir`, its owner and its room",
            ) from error

    def _write(self, name: str, entry: AddedEntry) -> None:
        fields: dict[str, Any] = entry.model_dump()
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".host-")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_header + yaml.safe_dump(fields, sort_keys=False))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path(name))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _is_ours(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
