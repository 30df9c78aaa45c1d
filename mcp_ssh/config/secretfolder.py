"""Secrets in files: one file a secret, named as the variable would be, and a `.env` beside them.

A file is read when its secret is used, so that a rotated one counts with the next login. Links within the folder are
followed, as Kubernetes mounts them; one that leads out of it is refused, whoever made it. Files of root that lie
on a read-only mount may be read by others, also where the daemon is root: whoever mounts them chooses their modes.
"""

import io
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from mcp_ssh.config.modes import fault_of
from mcp_ssh.model.errors import SecretUnavailableError

max_file_bytes = 65_536
dotenv_name = ".env"
_name = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


@dataclass(frozen=True, slots=True)
class SecretFolder:
    """A folder of secrets. `has_dotenv`: it may hold a `.env` of lines `NAME=value`, which are taken as they are."""

    path: Path
    has_dotenv: bool = False

    def find(self, name: str) -> str | None:
        """The secret of that name; None if it is not there. Raises `SecretUnavailableError` for a file with faults."""
        if not _name.fullmatch(name):
            return None
        text = self._text(name)
        if text is not None:
            return text.removesuffix("\n").removesuffix("\r")
        lines = self._text(dotenv_name) if self.has_dotenv else None
        return _value(lines, name) if lines is not None else None

    def _text(self, name: str) -> str | None:
        """The text of a file in the folder; what is looked at is what is read."""
        path = self.path / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(path, f"cannot be read: {error.strerror}") from None
        fault = self._fault(path, descriptor)
        if fault:
            os.close(descriptor)
            raise _refused(path, fault)
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(max_file_bytes + 1)
        if len(raw) > max_file_bytes:
            raise _refused(path, f"has more than {max_file_bytes} bytes")
        return raw.decode("utf-8", "surrogateescape")

    def _fault(self, path: Path, descriptor: int) -> str:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return "is not a regular file"
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(self.path)):
            return "is a link that leads out of its folder"
        if not os.path.samestat(found, real.stat()):
            return "was changed in this very moment"
        return fault_of(found, real, is_secret=not _is_mounted_by_root(found, descriptor))


def _value(lines: str, name: str) -> str | None:
    from dotenv import dotenv_values  # noqa: PLC0415  few have such a file, and nobody has one at the start

    return dotenv_values(stream=io.StringIO(lines), interpolate=False).get(name)


def _is_mounted_by_root(found: os.stat_result, descriptor: int) -> bool:
    """Whether it is root's and mounted read-only, as container engines do: nobody here can change its mode."""
    return found.st_uid == 0 and bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)


def _refused(path: Path, fault: str) -> SecretUnavailableError:
    what, _, mends = fault.partition(": ")
    return SecretUnavailableError(f"the secret file {path} {what}", hint=mends)
