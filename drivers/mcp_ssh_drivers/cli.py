"""Stateless commands on a host that has a command line and no exec channel.

A shell of its own, which nobody else types into, is kept open for them and stands in the base mode before and after
each command. Whatever leaves it anywhere else costs the shell: the next command opens another one.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from mcp_ssh.model.command import Command, Key, Speech
from mcp_ssh.model.errors import McpSshError, NotAtPromptError
from mcp_ssh.model.result import CommandResult, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Connection, Output
from mcp_ssh_drivers.clishell import CliShell, privileged
from mcp_ssh_drivers.profile import Profile

back_wait_s = 5.0
_stop = Speech(key=Key.CTRL_C)


class CliDriver:
    """Runs commands one at a time in the base mode of a device.

    That is the mode of the login, or the privileged one where `enable` gives the secret for it.
    """

    login_shell, sent_by = "", ""

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        charset: str | None = None,
        enable: Callable[[], Secret] | None = None,
        login: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._charset = charset
        self._enable = enable
        self._login = login
        self._turn = asyncio.Lock()
        self._shell: CliShell | None = None
        self._base = ""

    @property
    def platform(self) -> str:
        """The profile's name."""
        return self._profile.name

    @property
    def is_experimental(self) -> bool:
        """Whether nobody has seen its profile work."""
        return self._profile.is_experimental

    def changed(self) -> None:
        """Nothing stands ready here."""

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command, its turn and the opening of the shell included, within `command.timeout_s`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + command.timeout_s
        try:
            async with asyncio.timeout_at(until):
                await self._turn.acquire()
        except TimeoutError:
            raise NotAtPromptError("another command had the device all the time; nothing was sent") from None
        try:
            shell = await self._opened(until - loop.time())
            result = await shell.run(replace(command, timeout_s=until - loop.time()), output)
            if result.outcome is Outcome.WAITING_INPUT:  # nobody can answer it here
                stopped = await shell.say(_stop, command)
                result = replace(result, outcome=Outcome.INTERRUPTED, ended=stopped.ended)
            await self._back(shell)
            return result
        finally:
            self._drop_unless_ready()
            self._turn.release()

    async def _opened(self, timeout_s: float) -> CliShell:
        if self._shell is None:
            shell = CliShell(self._connection, self._profile, self._charset, self._enable, self._login)
            await shell.open(timeout_s)
            try:
                if self._enable is not None and privileged in self._profile.enter:
                    await shell.walk(privileged, timeout_s)
            except BaseException:
                shell.close()
                raise
            self._shell, self._base = shell, shell.mode
        return self._shell

    async def _back(self, shell: CliShell) -> None:
        """To the base mode again; what does not lead there costs the shell."""
        if shell.is_ready and shell.mode != self._base:
            try:
                await shell.walk(self._base, back_wait_s)
            except McpSshError:
                self._drop()

    def _drop_unless_ready(self) -> None:
        if self._shell is not None and (not self._shell.is_ready or self._shell.mode != self._base):
            self._drop()

    def _drop(self) -> None:
        if self._shell is not None:
            self._shell.close()
            self._shell = None
