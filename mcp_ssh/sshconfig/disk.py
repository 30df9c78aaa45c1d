"""The files of an SSH configuration on this machine's disk, as far as ssh itself would trust them."""

import glob
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from mcp_ssh.sshconfig.lines import LineError
from mcp_ssh.sshconfig.reader import Source

most_bytes = 1_048_576
system_file = "/etc/ssh/ssh_config"


def usual_sources(home: str) -> tuple[Source, ...]:
    """The user's own file before that of the system."""
    folder = f"{home}/.ssh"
    return Source(f"{folder}/config", folder), Source(system_file, "/etc/ssh", of_user=False)


class DiskFiles:
    """`Files`. Remembers what it looked at, so that a change of any of it can be seen."""

    def __init__(self) -> None:
        self.seen: dict[str, None] = {}

    def text(self, path: str, *, of_user: bool) -> str | None:
        """A file's text. Raises `LineError`, as ssh refuses a user's file that others can write."""
        self.seen[path] = None
        try:
            with Path(path).open("rb") as file:
                facts = os.fstat(file.fileno())
                raw = file.read(most_bytes + 1) if stat.S_ISREG(facts.st_mode) else b""
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LineError(f"cannot be read: {error.strerror}") from None
        if of_user and (facts.st_uid not in {0, os.getuid()} or facts.st_mode & 0o022):
            raise LineError(f"others can write it (mode {facts.st_mode & 0o7777:04o}), so ssh does not take it either")
        if len(raw) > most_bytes:
            raise LineError(f"has more than {most_bytes} bytes")
        return raw.decode("utf-8", "surrogateescape")

    def found(self, pattern: str) -> Sequence[str]:
        """The files that fit; a new one shows by its folder."""
        folder = pattern.partition("*")[0].rpartition("/")[0]
        self.seen[folder or "/"] = None
        return sorted(glob.glob(pattern))  # noqa: PTH207  patterns with a root, which pathlib does not take
