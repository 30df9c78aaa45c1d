"""Stateless commands on a host that has a command line and no exec channel.

A shell of its own, which nobody else types into, is kept open for them and stands in the base mode before and after
each command. Whatever leaves it anywhere else costs the shell: the next command opens another one.
"""

import asyncio
from collections.abc import Callable

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import EnableFailedError, NotAtPromptError, SessionLostError
from mcp_ssh.model.result import Captured, CommandResult, Ended, Outcome
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Connection
from mcp_ssh_drivers.cancellation import answer_cancellation
from mcp_ssh_drivers.modes import NoWayError
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.pty import PtyDriver, PtyResult, Standing

back_wait_s = 5.0
privileged = "privileged"


class CliDriver:
    """Runs commands one at a time in the base mode of a device.

    That is the mode of the login, or the privileged one where `enable` gives the secret for it.
    """

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        charset: str | None = None,
        enable: Callable[[], Secret] | None = None,
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._charset = charset
        self._enable = enable
        self._turn = asyncio.Lock()
        self._shell: PtyDriver | None = None
        self._base = ""

    async def run(self, command: Command) -> CommandResult:
        """Run one command, its turn and the opening of the shell included, within `command.timeout_s`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = began + command.timeout_s
        try:
            async with asyncio.timeout_at(until):
                await self._turn.acquire()
        except TimeoutError:
            raise NotAtPromptError("another command had the device all the time; nothing was sent") from None
        self._connection.watch(running=True)
        try:
            shell = await self._opened(until - loop.time())
            return await self._run(shell, command, began, until)
        finally:
            self._connection.watch(running=False)
            self._turn.release()

    async def _opened(self, timeout_s: float) -> PtyDriver:
        if self._shell is None or not self._shell.is_ready:
            self._drop()
            shell = PtyDriver(self._profile, self._charset)
            await shell.open(self._connection, timeout_s)
            try:
                await self._enabled(shell, timeout_s)
            except BaseException:
                shell.close()
                raise
            self._shell, self._base = shell, shell.mode
        return self._shell

    async def _enabled(self, shell: PtyDriver, timeout_s: float) -> None:
        if self._enable is None or shell.mode == privileged or privileged not in self._profile.enter:
            return
        result = await shell.walk(privileged, self._enable().reveal(), timeout_s)
        if shell.mode != privileged:
            said = (result.question or result.device_error or "nothing") if result else "nothing"
            raise EnableFailedError(
                f"the device did not enter its privileged mode, it said: {said[:200]}; nothing was sent",
                hint="check the secret that `enable_env` names",
            )

    async def _run(self, shell: PtyDriver, command: Command, began: float, until: float) -> CommandResult:
        loop = asyncio.get_running_loop()
        at_once = self._profile.is_safe(command.text)
        cancelled = False
        try:
            result = await shell.run(command.text, until - loop.time(), command.max_output_bytes, at_once=at_once)
        except asyncio.CancelledError:
            if shell.is_ready:
                raise  # nothing was typed
            result, cancelled = shell.so_far(), True
            answer_cancellation()
        if result.standing is Standing.NOT_SENT:
            self._drop_unless_ready()
            raise NotAtPromptError(
                f"the device did not show the command as it was typed but {(result.question or '')[-200:]!r}; "
                "the line was cleared and nothing ran",
                hint="try again; if it happens again, `platform` may name another kind of device",
            )
        outcome, ended = await self._end(shell, result)
        await self._back(shell)
        return CommandResult(
            outcome=Outcome.CANCELLED if cancelled else outcome,
            stdout=result.output,
            stderr=Captured(),
            duration_s=loop.time() - began,
            ended=ended,
            lost=SessionLostError("the device ended the shell", sent=True) if outcome is Outcome.UNKNOWN else None,
            question=result.question,
            device_error=result.device_error,
            unsolicited=result.unsolicited,
        )

    async def _end(self, shell: PtyDriver, result: PtyResult) -> tuple[Outcome, Ended | None]:
        """How the command ended; one that still runs or asks is interrupted: nobody can answer it here."""
        match result.standing:
            case Standing.DONE:
                return Outcome.COMPLETED, None
            case Standing.LOST:
                self._drop()
                return Outcome.UNKNOWN, Ended.UNKNOWN
            case _:
                outcome = Outcome.INTERRUPTED if result.standing is Standing.WAITING_INPUT else Outcome.TIMED_OUT
                stopped = await shell.interrupt()
                self._drop_unless_ready()
                return outcome, Ended.SIGNALLED if stopped.standing is Standing.DONE else Ended.UNKNOWN

    async def _back(self, shell: PtyDriver) -> None:
        """To the base mode again, or to the end of this shell."""
        if shell.is_ready and shell.mode != self._base:
            try:
                await shell.walk(self._base, None, back_wait_s)
            except (NoWayError, SessionLostError):
                self._drop()
        self._drop_unless_ready()

    def _drop_unless_ready(self) -> None:
        if self._shell is not None and (not self._shell.is_ready or self._shell.mode != self._base):
            self._drop()

    def _drop(self) -> None:
        if self._shell is not None:
            self._shell.close()
            self._shell = None
