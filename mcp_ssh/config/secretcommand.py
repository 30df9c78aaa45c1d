"""Secrets that another program keeps: pass, op, vault, a keychain.

It is asked when a host needs a secret that is nowhere else, in a process of its own that knows none of ours, and never
on the event loop's time. What it said is kept until the configuration is read again.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_ssh.model.environ import plain
from mcp_ssh.model.errors import SecretUnavailableError

timeout_s = 10.0
rest_wait_s = 0.5
"""How long what it said may take to arrive when it has ended: something that it left behind may hold its output."""
max_bytes = 65_536
most_told_chars = 200
placeholder = "{name}"

_passed = frozenset(
    "TERM DISPLAY WAYLAND_DISPLAY SSH_AUTH_SOCK GPG_TTY GNUPGHOME DBUS_SESSION_BUS_ADDRESS PASSWORD_STORE_DIR".split()
)
_passed_prefixes = ("VAULT_", "OP_", "BW_", "AWS_", "GOOGLE_", "AZURE_")
"""What such programs work with: where they are, who asks, and their own logins."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What was said since the configuration was read; an answer that comes later than the next reading is lost."""

    said: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    asking: dict[str, asyncio.Lock] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)


class SecretCommand:
    """Asks the program, one question a name at a time."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = plain(environ, _passed, _passed_prefixes)
        self._answers = _Answers()

    def find(self, name: str) -> str | None:
        """What it said. Raises `SecretUnavailableError` if it failed."""
        if name in self._answers.failed:
            raise SecretUnavailableError(
                f"secret_command has no {name}: {self._answers.failed[name]}",
                hint="run the command by hand, as the daemon's user",
            )
        return self._answers.said.get(name)

    def forget(self) -> None:
        """Ask anew for everything."""
        self._answers = _Answers()

    async def ask(self, command: Sequence[str], name: str, withheld: Collection[str] = ()) -> None:
        """Ask for a secret, unless the answer is known; several who ask share one answer. Never raises.

        `withheld`: variables that the program does not get, whatever they are called.
        """
        answers = self._answers
        before = answers.rounds.get(name, 0)
        async with answers.asking.setdefault(name, asyncio.Lock()):
            if name in answers.said or answers.rounds.get(name, 0) != before:
                return  # somebody asked while this one waited: a program that hangs makes nobody queue
            answers.failed.pop(name, None)
            arguments = [part.replace(placeholder, name) for part in command]
            environ = {each: value for each, value in self._environ.items() if each not in withheld}
            said, fault = await _answer(arguments, environ)
            answers.rounds[name] = before + 1
            if fault:
                answers.failed[name] = fault
            else:
                answers.said[name] = said


class _Listener(asyncio.SubprocessProtocol):
    """Takes down what a program says, up to a byte more than is taken, and what it tells of its troubles."""

    def __init__(self) -> None:
        self.said, self.told = bytearray(), bytearray()
        self.has_exited, self.is_over, self.is_silent = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Called by the loop."""
        kept = self.said if fd == 1 else self.told
        kept += data[: max_bytes + 1 - len(kept)]
        if len(self.said) > max_bytes:  # whatever follows, it is no answer
            self.is_over.set()
            self.is_silent.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Called by the loop."""
        del exc
        self._open.discard(fd)
        if not self._open:
            self.is_silent.set()

    def process_exited(self) -> None:
        """Called by the loop."""
        self.has_exited.set()
        self.is_over.set()

    async def heard(self) -> None:
        """Wait until it has ended or said too much, and a moment for what it said last."""
        await self.is_over.wait()
        await _shortly(self.is_silent)


async def _answer(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    """What the program says, or why it said nothing."""
    try:
        transport, listener = await asyncio.get_running_loop().subprocess_exec(
            _Listener, *arguments, stdin=asyncio.subprocess.DEVNULL, env=environ, start_new_session=True
        )
    except OSError as error:
        return "", f"{arguments[0]}: {error.strerror}"
    try:
        async with asyncio.timeout(timeout_s):
            await listener.heard()
    except TimeoutError:
        return "", f"it has not answered within {timeout_s:g} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await _shortly(listener.has_exited)
        transport.close()  # also where something else still holds its pipes
    return _read(bytes(listener.said), bytes(listener.told), transport.get_returncode())


async def _shortly(event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(rest_wait_s):
            await event.wait()


def _read(said: bytes, told: bytes, code: int | None) -> tuple[str, str]:
    """The secret, or the fault in the program's own words. What it says on its output never is in a fault."""
    if len(said) > max_bytes:
        return "", f"it said more than {max_bytes} bytes"
    text = said.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
    if code == 0 and text:
        return text, ""
    first = told.decode("utf-8", "replace").strip().partition("\n")[0][:most_told_chars]
    shown = "".join(char if char.isprintable() else "?" for char in first)
    return "", shown or f"it ended with exit code {code} and said nothing"
