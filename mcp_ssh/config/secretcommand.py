"""Secrets that another program keeps: pass, op, vault, a keychain.

It is asked when a host needs a secret that is nowhere else, in a process of its own that knows none of ours, and never
on the event loop's time. What it said is kept until the configuration is read again.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from mcp_ssh.model.errors import SecretMissingError

timeout_s = 10.0
max_bytes = 65_536
most_told_chars = 200
placeholder = "{name}"

_passed = frozenset(
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM DISPLAY WAYLAND_DISPLAY SSH_AUTH_SOCK GPG_TTY GNUPGHOME "
    "DBUS_SESSION_BUS_ADDRESS PASSWORD_STORE_DIR".split()
)
_passed_prefixes = ("LC_", "XDG_", "VAULT_", "OP_", "BW_", "AWS_", "GOOGLE_", "AZURE_")
"""What such programs work with: where they are, who asks, and their own logins."""


class SecretCommand:
    """Asks the program, one question a name at a time."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {
            name: value for name, value in environ.items() if name in _passed or name.startswith(_passed_prefixes)
        }
        self._said: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def find(self, name: str) -> str | None:
        """What it said. Raises `SecretMissingError` if it failed."""
        if name in self._failed:
            raise SecretMissingError(
                f"secret_command has no {name}: {self._failed[name]}",
                hint="run the command by hand, as the daemon's user",
            )
        return self._said.get(name)

    def forget(self) -> None:
        """Ask anew for everything."""
        self._said.clear()
        self._failed.clear()

    async def ask(self, command: Sequence[str], name: str) -> None:
        """Ask for a secret, unless the answer is known; several who ask share one answer. Never raises."""
        async with self._asking.setdefault(name, asyncio.Lock()):
            if name not in self._said:
                await self._ask(command, name)

    async def _ask(self, command: Sequence[str], name: str) -> None:
        self._failed.pop(name, None)
        arguments = [part.replace(placeholder, name) for part in command]
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environ,
                limit=max_bytes,
                start_new_session=True,
            )
        except OSError as error:
            self._failed[name] = f"{arguments[0]}: {error.strerror}"
            return
        self._failed[name] = await self._outcome(process, name)
        if not self._failed[name]:
            del self._failed[name]

    async def _outcome(self, process: asyncio.subprocess.Process, name: str) -> str:
        """Keep what it said, or tell why it said nothing."""
        assert process.stdout is not None  # noqa: S101  both are pipes
        assert process.stderr is not None  # noqa: S101  as above
        try:
            async with asyncio.timeout(timeout_s):
                said, told = await asyncio.gather(_some(process.stdout), _some(process.stderr))
                code = await process.wait()
        except TimeoutError:
            return f"it has not answered within {timeout_s:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if len(said) > max_bytes:
            return f"it said more than {max_bytes} bytes"
        text = said.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
        if code != 0 or not text:
            first = told.decode("utf-8", "replace").strip().partition("\n")[0][:most_told_chars]
            return first or f"it ended with exit code {code} and said nothing"
        self._said[name] = text
        return ""


async def _some(stream: asyncio.StreamReader) -> bytes:
    """All that it says, or a byte more than is taken."""
    said = bytearray()
    while len(said) <= max_bytes and (chunk := await stream.read(max_bytes)):
        said += chunk
    return bytes(said)
