"""`mcp-ssh attach`: carries an assistant's stdio to the daemon of its user, and starts that daemon if there is none.

It imports little and is no part of a session: whatever happens to it, the daemon and its sessions go on.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from mcp_ssh.face.rendezvous import Answer, daemon_variables, hello, peer_uid, socket_path
from mcp_ssh.model.environ import plain
from mcp_ssh.model.faults import AlreadyServedError, AttachError

start_wait_s = 30.0
stop_wait_s = 20.0
answer_wait_s = 10.0
look_s = 0.02
parent_look_s = 1.0
chunk_bytes = 65_536
most_told_bytes = 4_000

_places = ("GNUPGHOME", "PASSWORD_STORE_DIR", "DBUS_SESSION_BUS_ADDRESS", "VAULT_ADDR")
"""Where programs keep the user's secrets: `secret_command` is asked by the daemon. No login of theirs."""


def attach() -> int:
    """Carry until either side ends. Raises `AttachError` if there is no daemon and none can be started."""
    parent = os.getppid()  # first of all: a client may die while we start
    for name in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(name, signal.SIG_DFL)  # nothing is to be cleaned up here
    if sys.stdin.isatty():
        print(  # noqa: T201
            "mcp-ssh attach speaks MCP on stdin and stdout, to an assistant rather than to a person; Ctrl-C ends it.",
            file=sys.stderr,
        )
    path = socket_path(os.environ, Path.home())
    sock, _ = _met(path) or _started(path)
    return _carry(sock, parent)


def stop() -> int:
    """End the daemon, if there is one, and wait for its end."""
    path = socket_path(os.environ, Path.home())
    met = _met(path)
    if met is None:
        print("mcp-ssh: no daemon runs for this configuration")  # noqa: T201
        return 0
    sock, pid = met
    os.kill(pid, signal.SIGTERM)
    sock.close()
    until = time.monotonic() + stop_wait_s
    while _is_there(pid):
        if time.monotonic() > until:
            raise AttachError(f"the daemon (process {pid}) has not ended within {stop_wait_s:g} s")
        time.sleep(look_s)
    print("mcp-ssh: the daemon has ended, and its sessions with it")  # noqa: T201
    return 0


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _met(path: Path) -> tuple[socket.socket, int] | None:
    """The daemon at the socket and its process id; None if nobody answers there. Raises `AttachError`."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(answer_wait_s)
    try:
        sock.connect(str(path))
        uid = peer_uid(sock)
        if uid != os.getuid():  # before anything is told
            raise AttachError(f"{path} is served by another user (uid {uid})", hint=f"remove {path}")
        sock.sendall(hello(os.environ))
        answer = Answer.of(_line(sock))
    except TimeoutError:
        raise AttachError(f"the daemon at {path} does not answer", hint="end it with: mcp-ssh attach --stop") from None
    except (OSError, ValueError, TypeError):  # nobody, or one that ends just now
        sock.close()
        return None
    if answer.refused:
        raise AttachError(answer.refused, hint=answer.hint)
    sock.settimeout(None)
    return sock, answer.pid


def _line(sock: socket.socket) -> bytes:
    """The first line, and no byte behind it: what follows is the assistant's."""
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise ConnectionResetError
        line += byte
    return line


def _started(path: Path) -> tuple[socket.socket, int]:
    """Start a daemon and meet it; or the one that somebody else started in the same moment."""
    log = path.with_suffix(".log")
    log.touch(mode=0o600)
    with log.open("ab") as file:
        before = file.tell()
        daemon = subprocess.Popen(
            [sys.executable, "-P", "-m", "mcp_ssh", "attach", "--serve"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd="/",
            env=_environ_of_daemon(os.environ),
            start_new_session=True,
        )
    until = time.monotonic() + start_wait_s
    while time.monotonic() < until:
        over = daemon.poll()
        met = _met(path)
        if met is not None:
            return met
        if over is not None and over != AlreadyServedError.exit_code:
            raise AttachError(f"the daemon has not started:\n{_told(log, before)}")
        time.sleep(look_s)
    raise AttachError(f"the daemon has not started within {start_wait_s:g} s", hint=f"its log is {log}")


def _told(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return file.read(most_told_bytes).decode("utf-8", "replace").strip()


def _environ_of_daemon(environ: Mapping[str, str]) -> dict[str, str]:
    """What every client of it has in common: no secret of the one that happens to come first."""
    return plain(environ, {*daemon_variables, *_places}, ("PYTHON",))


def _carry(sock: socket.socket, parent: int) -> int:
    """Bytes both ways, each way in its own time; 0 when the assistant has left, 1 when the daemon has ended."""
    left = threading.Event()
    threading.Thread(target=_up, args=(sock, left), daemon=True).start()
    while True:
        if not select.select([sock], [], [], parent_look_s)[0]:
            if os.getppid() != parent:
                return 0
            continue
        chunk = _received(sock)
        if not chunk:
            break
        _write(1, chunk)
    if left.is_set():
        return 0
    print("mcp-ssh: the daemon has ended; attach again to start another", file=sys.stderr)  # noqa: T201
    return 1


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(chunk_bytes)
    except ConnectionError:
        return b""


def _up(sock: socket.socket, left: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while chunk := os.read(0, chunk_bytes):
            sock.sendall(chunk)
    left.set()
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
