"""A line that did not arrive as it was typed, on real shells: what runs is the command that was sent, or nothing."""

import contextlib
import os
import pty
import pwd
import select
import shutil
import signal
import tempfile
import termios
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from mcp_ssh_drivers.posixcompare import Shell
from mcp_ssh_drivers.posixtalk import Ended, Reader, lines, prepare, prepared
from tests.support.parts import require

PROMPT, TOKEN = "fedcba9876543210", "0123456789abcdef"
WAITS, UNFINISHED = f"\x1e{PROMPT}>".encode(), b"\x1dmore"
SHELLS = {
    "bash": ["bash", "--norc", "-i"],
    "dash": ["dash", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "ash": ["busybox", "ash"],
    "mksh": ["mksh", "-i"],
    "ksh93": ["ksh93", "-i"],
}
TEXTS = (b": ';>stray;}' >>log;echo ran>>log", b"{ echo ran; } >>log;(:)")
"""Each would leave a file behind, were it read without its quotes, or in part."""
NAME = "__mcp_c"
PARTS = {NAME[:at] for at in range(2, len(NAME))} | {NAME[at:] for at in range(1, len(NAME))}
CHANGED = {NAME[:at] + other + NAME[at + 1 :] for at in range(1, len(NAME)) for other in "x0"}
FORGET = f" unset {' '.join(sorted(PARTS | CHANGED))}\n"
"""Each line is damaged once: what an earlier one has set under a damaged name is gone."""
OTHERS = "'\"\\ ;#$`}x\n0"
patience_s = 0.3


class Typist:
    """A shell on a terminal of this process, as the opening leaves it, in an empty folder of a user without rights."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        self._name = name
        self._modes: list[Any] = []
        self._start()

    def _start(self) -> None:
        self._reader = Reader(PROMPT)
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            become(SHELLS[self._name], self.folder)
        self.shell = self._prepared()

    def _prepared(self) -> Shell:
        self._write(prepare(PROMPT, TOKEN))
        shown = self._until(lambda shown: prepared(TOKEN, shown) is not None and WAITS in shown)
        self._write(" PS2=$(printf '\\035more')\n")
        self._until(lambda shown: WAITS in shown)
        self._modes = termios.tcgetattr(self._terminal)
        found = prepared(TOKEN, shown)
        assert found is not None
        return found

    def typed(self, line: str) -> bool:
        """Type it and break off what it left open; whether the end of its command was told."""
        termios.tcsetattr(self._terminal, termios.TCSANOW, self._modes)
        try:
            self._write(FORGET)
            self._until(lambda shown: shown.endswith(WAITS))
            self._write(line)
            shown = self._until(
                lambda shown: shown.count(WAITS) + shown.count(UNFINISHED) >= line.count("\n"), patience_s
            )
            if not shown.endswith(WAITS):
                self._write("\x03")
                self._until(lambda shown: shown.endswith(WAITS), patience_s)
        except (TimeoutError, OSError):  # it waits for something else, or has ended; zsh shows no second prompt
            self.close()
            self._start()
            return False
        self._reader.expect(TOKEN)
        return any(isinstance(event, Ended) for event in self._reader.feed(shown))

    def close(self) -> None:
        os.close(self._terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _write(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _until(self, holds: Callable[[bytes], bool], wait_s: float = 5) -> bytes:
        shown = b""
        while not holds(shown):
            if not select.select([self._terminal], [], [], wait_s)[0]:
                raise TimeoutError(shown)
            shown += os.read(self._terminal, 65_536)
        return shown


def become(program: list[str], folder: Path) -> None:
    """Run it in this process; not as root, whom a damaged redirection would let write anywhere."""
    os.chdir(folder)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    os.execvpe(program[0], program, {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb"})  # noqa: S606


def damaged(line: str, others: str) -> Iterator[tuple[int, str]]:
    """Every character of a line dropped, doubled, and changed, but for the end of the line; and where that was."""
    for at, char in enumerate(line[:-1]):
        yield at, line[:at] + line[at + 1 :]
        yield at, line[:at] + char + line[at:]
        for other in others:
            if other != char:
                yield at, line[:at] + other + line[at + 1 :]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a user without rights may write; pytest's own folders are closed to it."""
    made = Path(tempfile.mkdtemp(prefix="damage-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=SHELLS)
def typist(request: pytest.FixtureRequest, folder: Path) -> Iterator[Typist]:
    require(SHELLS[request.param][0])
    typist = Typist(request.param, folder)
    yield typist
    typist.close()


def log_of(folder: Path) -> str:
    log = folder / "log"
    return log.read_text() if log.exists() else ""


@pytest.mark.parametrize("text", TEXTS)
def test_a_damaged_line_runs_what_was_sent_or_nothing(typist: Typist, text: bytes) -> None:
    [line] = lines(text, TOKEN, typist.shell, 0)
    assert typist.typed(line)
    sent = log_of(typist.folder)
    (typist.folder / "log").unlink()
    judged = line.index("2>/dev/null;then ")
    for at, other in islice(damaged(line, OTHERS), 0, None, 17):
        ended = typist.typed(other)
        ran = log_of(typist.folder)
        assert ran in {"", sent}, other
        assert ran == sent or not ended or at > judged, other
        assert {path.name for path in typist.folder.iterdir()} <= {"log", ".sh_history"}, other
        (typist.folder / "log").unlink(missing_ok=True)
