"""Where a daemon and those who attach to it meet: a socket that belongs to one user, and the first line each way.

Imports little, because an assistant waits for it: this is all that the attaching side has of the product.
"""

import hashlib
import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mcp_ssh import __version__
from mcp_ssh.model.faults import ConfigurationError, Fault

daemon_variables = (
    "MCP_SSH_CONFIG",
    "MCP_SSH_CONFIG_DIR",
    "MCP_SSH_KEYS_DIR",
    "MCP_AUDIT_LOG",
    "MCP_RELOAD_INTERVAL",
    "MCP_IDLE_EXIT",
    "LOG_LEVEL",
    "RATE_LIMIT_ENABLED",
    "RATE_LIMIT_PER_MINUTE",
    "RATE_LIMIT_PER_HOUR",
    "XDG_CONFIG_HOME",
    "HOME",
)
"""What a daemon is configured by. Who has other values gets another daemon."""

most_path_bytes = 100
"""A socket's path: 108 bytes on Linux, 104 on macOS, with its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The daemon's first line: its process id, or why the client is not let in."""

    pid: int
    refused: str = ""
    hint: str = ""

    def line(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> "Answer":
        """As it was sent. Raises `ValueError` or `TypeError`."""
        return cls(**json.loads(line))


def hello(environ: Mapping[str, str]) -> bytes:
    """The client's first line: its environment, which the daemon uses on its behalf while it is attached."""
    return json.dumps({"environ": dict(environ)}).encode() + b"\n"


def environ_of(line: bytes) -> dict[str, str]:
    """The environment of a first line. Raises `ValueError`."""
    told = json.loads(line)
    environ = told.get("environ") if isinstance(told, dict) else None
    if not isinstance(environ, dict) or not all(isinstance(value, str) for value in environ.values()):
        raise ValueError("not the first line of a client")
    return environ


def socket_path(environ: Mapping[str, str], home: Path) -> Path:
    """The socket for this configuration and this version, in a folder that is made, and is the user's alone.

    Raises `ConfigurationError` if such a folder cannot be had.
    """
    told = {name: environ[name] for name in daemon_variables if environ.get(name)}
    told |= {"": __version__, "uid": str(os.getuid()), "from": __file__}
    word = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    path = _folder(environ, home) / f"{word}.sock"
    size = len(os.fsencode(path))
    if size > most_path_bytes:
        raise _fault(f"gives a socket's path of {size} bytes, more than {most_path_bytes}; name a shorter folder")
    return path


def peer_uid(sock: socket.socket) -> int:
    """The user at the other end, as the kernel knows it (unix(7) SO_PEERCRED; on macOS LOCAL_PEERCRED of xucred)."""
    if sys.platform == "darwin":
        sol_local, local_peercred, layout = 0, 1, struct.Struct("=IIh16I")
        return int(layout.unpack(sock.getsockopt(sol_local, local_peercred, layout.size)[: layout.size])[1])
    layout = struct.Struct("=iII")
    return int(layout.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, layout.size))[1])


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A socket's path for as long as it is needed to bind or connect; one that is too long by way of its folder.

    Raises `OSError` where there is no such way.
    """
    if len(os.fsencode(path)) <= most_path_bytes:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _folder(environ: Mapping[str, str], home: Path) -> Path:
    runtime = environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "mcp-ssh" if runtime else home / ".local" / "state" / "mcp-ssh" / "run"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _fault(f"{folder} cannot be made: {error.strerror}") from error
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    if not is_own:
        raise _fault(f"{folder} must be a folder that only you can enter: chmod 700 {folder}")
    return folder


def _fault(message: str) -> ConfigurationError:
    return ConfigurationError([Fault("environment", 0, "XDG_RUNTIME_DIR", message)])
