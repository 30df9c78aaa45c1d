"""The exec engine: stateless commands, one channel each, many at once on one connection.

A command counts as sent from the moment its channel stands. Before that it may be tried again by anybody; after that
its outcome is what the host said, or unknown. What it started is ended on the host when its time is over or nobody
waits for it any more, and the result says whether that is certain.
"""

import asyncio
from collections.abc import Awaitable, Callable

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import ChannelRefusedError, McpSshError
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh.ports import Connection, Output
from mcp_ssh_drivers.attempt import Attempt
from mcp_ssh_drivers.cancellation import answer_cancellation, undisturbed
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.execshell import (
    Login,
    LoginShell,
    end_request,
    probe,
    read_left,
    read_probe,
    read_second_probe,
    second_probe,
)
from mcp_ssh_drivers.execution import Execution
from mcp_ssh_drivers.ready import ReadyShells
from mcp_ssh_drivers.slots import ChannelSlots

announcement_wait_s = 0.5
end_timeout_s = 6.0
signal_wait_s = 1.0
refusal_pause_s = 0.05
lone_refusals = 5
own_output_bytes = 4096


Reconnect = Callable[[], Awaitable[Connection]]


class ExecDriver:
    """Runs commands on the exec channels of one connection.

    `reconnect` opens another connection to the same host: to end a command when every channel of this one is busy.
    `login`: what is known of the login's shell; it is found out where nothing is. `fast`: whether a shell may be kept
    ready for the next command; `changes` is what the host's drivers count together.
    """

    platform, is_experimental = "", False

    def __init__(
        self,
        connection: Connection,
        reconnect: Reconnect | None = None,
        login: Login | None = None,
        *,
        fast: bool = True,
        changes: Changes | None = None,
    ) -> None:
        self._connection = connection
        self._reconnect = reconnect
        self._slots = ChannelSlots()
        self._login = login
        self._probing = asyncio.Lock()
        self._changes = changes or Changes()
        self._ready = ReadyShells(connection, self._slots, self._changes, wanted=fast)
        self._running = 0

    @property
    def login_shell(self) -> str:
        """As the first command found it out: its name, or what kind of thing it is."""
        return "" if self._login is None else self._login.name or self._login.shell.value

    @property
    def sent_by(self) -> str:
        """How commands get to the host, and why not faster; empty while that is not known."""
        if self._ready.why_not:
            return f"exec requests ({self._ready.why_not})"
        return "ready shells" if self._ready.works else ""

    def changed(self) -> None:
        """What stands ready is stale now."""
        self._ready.clear()
        self._changes.note()

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command, its turn in the queue included, within `command.timeout_s`."""
        self._ready.begins()
        result: CommandResult | None = None
        try:
            result = await self._run(command, output)
        finally:
            if not command.reads_only:
                self._changes.note()
            self._ready.ends(None if result is None else self._login)
        return result

    async def _run(self, command: Command, output: Output | None) -> CommandResult:
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempt = Attempt(self._slots, command, output)
        self._watch(+1)
        try:
            async with asyncio.timeout_at(began + command.timeout_s):
                execution = await self._through(attempt, command)
        except TimeoutError:
            execution = attempt.sent_execution()
            return execution.result(loop.time() - began, Outcome.TIMED_OUT, await undisturbed(self._end(execution)))
        except asyncio.CancelledError:
            if not attempt.was_sent():
                raise
            answer_cancellation()
            execution = attempt.sent_execution()
            return execution.result(loop.time() - began, Outcome.CANCELLED, await undisturbed(self._end(execution)))
        finally:
            attempt.release()
            self._watch(-1)
        return execution.result(loop.time() - began)

    def _watch(self, change: int) -> None:
        """Probe the link closely while any command runs."""
        before, self._running = self._running, self._running + change
        if (before == 0) != (self._running == 0):
            self._connection.watch(running=self._running > 0)

    async def _through(self, attempt: Attempt, command: Command) -> Execution:
        """The execution, when it is over: on a ready shell, or by an exec request."""
        login = await self._found_login()
        await attempt.take_slot()
        ready = self._ready.take(command)
        if not command.reads_only:
            self._changes.note()
        if ready is not None:
            execution = attempt.by_shell(*ready)
            await execution.finished(command.idle_s)
            if not execution.is_void:
                return execution
            self._ready.distrust("its login shell did not take a line as it was sent")
        execution = await self._start(attempt, login.shell)
        await execution.finished(command.idle_s)
        return execution

    async def _start(self, attempt: Attempt, shell: LoginShell) -> Execution:
        alone = 0
        while True:
            await attempt.take_slot()
            execution, request = attempt.by_request(shell)
            try:
                await self._connection.open_exec(request, execution)
            except ChannelRefusedError:
                attempt.refused(learn=not self._ready.clear())
                alone = alone + 1 if self._slots.standing == 0 else 0
                if alone == lone_refusals:
                    raise
                await asyncio.sleep(refusal_pause_s)
            else:
                if execution.channel is not None:
                    attempt.give_input(execution.channel)
                return execution

    async def _found_login(self) -> Login:
        async with self._probing:
            if self._login is None:
                login = read_probe(await self._ask(self._connection, probe))
                self._login = login or read_second_probe(await self._ask(self._connection, second_probe))
        return self._login

    async def _ask(self, connection: Connection, request: str) -> bytes:
        """The output of a request of our own; raises what `open_exec` raises."""
        slots = self._slots if connection is self._connection else ChannelSlots()
        execution = Execution(slots, None, own_output_bytes)
        try:
            await connection.open_exec(request, execution)
            if execution.channel is not None:
                execution.channel.write_eof()
            await execution.finished()
            stdout = execution.result(0).stdout
            return stdout.head + stdout.tail
        finally:
            if not execution.abandon() and execution.channel is not None:
                execution.channel.close()

    async def _end(self, execution: Execution) -> Ended:
        """End what the command started, and say how sure that is. Bounded; never raises."""
        if execution.is_closed and not execution.has_exited:
            return Ended.UNKNOWN
        self._ready.clear()  # the end may need its channel
        pid = await execution.announced(announcement_wait_s)
        if pid is not None:
            for way in (self._end_here, self._end_from_elsewhere):
                left = await self._answer(way(pid))
                if left is not None:
                    return Ended.CERTAIN if left == 0 else Ended.SURVIVED
        return Ended.SIGNALLED if await self._signal(execution) else Ended.UNKNOWN

    async def _answer(self, way: Awaitable[int | None]) -> int | None:
        try:
            async with asyncio.timeout(end_timeout_s):
                return await way
        except (McpSshError, TimeoutError):
            return None

    async def _end_here(self, pid: int) -> int | None:
        """Run the end script on a channel beside the command's."""
        login = await self._found_login()
        return read_left(await self._ask(self._connection, end_request(pid, login.shell)))

    async def _end_from_elsewhere(self, pid: int) -> int | None:
        """Run it on another connection, if that leads to the very same machine: process ids mean nothing elsewhere."""
        if self._reconnect is None or self._login is None or not self._login.boot_id:
            return None
        connection = await self._reconnect()
        try:
            return read_left(await self._ask(connection, end_request(pid, self._login.shell, self._login.boot_id)))
        finally:
            await connection.close()

    async def _signal(self, execution: Execution) -> bool:
        """End the process group through the server; whether the program ended of it.

        OpenSSH before 7.9 ignores it, and later ones for logins of root and under ForceCommand.
        """
        for name in ("TERM", "KILL"):
            if execution.channel is not None:
                execution.channel.signal(name)
            if await execution.ended(signal_wait_s):
                return execution.has_exited
        return False
