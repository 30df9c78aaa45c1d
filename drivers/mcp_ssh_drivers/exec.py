"""The exec engine: stateless commands, one channel each, many at once on one connection.

A command counts as sent from the moment its channel stands. Before that it may be tried again by anybody; after that
its outcome is what the host said, or unknown. What it started is ended on the host when its time is over or nobody
waits for it any more, and the result says whether that is certain.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import ChannelRefusedError, DeadlineExceededError, McpSshError
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh.ports import Channel, Connection, Output
from mcp_ssh_drivers.cancellation import answer_cancellation, undisturbed
from mcp_ssh_drivers.execshell import (
    Login,
    LoginShell,
    end_request,
    exec_request,
    probe,
    read_left,
    read_probe,
    read_second_probe,
    second_probe,
)
from mcp_ssh_drivers.execution import Execution
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
    `login`: what is known of the login's shell; it is found out where nothing is.
    """

    platform, is_experimental = "", False

    def __init__(self, connection: Connection, reconnect: Reconnect | None = None, login: Login | None = None) -> None:
        self._connection = connection
        self._reconnect = reconnect
        self._slots = ChannelSlots()
        self._login = login
        self._probing = asyncio.Lock()
        self._running = 0

    @property
    def login_shell(self) -> str:
        """As the first command found it out: its name, or what kind of thing it is."""
        return "" if self._login is None else self._login.name or self._login.shell.value

    async def run(self, command: Command, output: Output | None = None) -> CommandResult:
        """Run one command, its turn in the queue included, within `command.timeout_s`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempt = _Attempt(self._slots, command, output)
        self._watch(+1)
        try:
            async with asyncio.timeout_at(began + command.timeout_s):
                execution = await self._start(attempt)
                await execution.finished(command.idle_s)
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

    async def _start(self, attempt: "_Attempt") -> Execution:
        shell = (await self._found_login()).shell
        alone = 0
        while True:
            execution, request = await attempt.prepare(shell)
            try:
                await self._connection.open_exec(request, execution)
            except ChannelRefusedError:
                attempt.refused()
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
            return execution.result(0).stdout.head
        finally:
            if not execution.abandon() and execution.channel is not None:
                execution.channel.close()

    async def _end(self, execution: Execution) -> Ended:
        """End what the command started, and say how sure that is. Bounded; never raises."""
        if execution.is_closed and not execution.has_exited:
            return Ended.UNKNOWN
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


class _Attempt:
    """The way of one command to its channel: its slot, and the execution that may or may not have been sent."""

    def __init__(self, slots: ChannelSlots, command: Command, output: Output | None) -> None:
        self._slots = slots
        self._command = command
        self._output = output
        self._holds_slot = False
        self._execution: Execution | None = None

    async def prepare(self, shell: LoginShell) -> tuple[Execution, str]:
        """Wait for a slot; then a fresh execution and the text of its request."""
        await self._slots.take()
        self._holds_slot = True
        token = secrets.token_hex(8)
        announces = None if shell is LoginShell.UNKNOWN else token
        self._execution = Execution(self._slots, announces, self._command.max_output_bytes, self._output)
        return self._execution, exec_request(self._command.text, shell, token)

    def give_input(self, channel: Channel) -> None:
        """What the command reads: one line, or nothing at all."""
        if self._command.stdin is not None:
            channel.write(self._command.stdin.reveal().encode("utf-8", "surrogateescape") + b"\n")
        channel.write_eof()

    def refused(self) -> None:
        """The host opened no channel: the slot goes back until there is room."""
        self._slots.refused()
        self._execution = None
        self._give_back()

    def was_sent(self) -> bool:
        """Whether the command is on the wire. If it is not, it never will be."""
        return self._execution is not None and not self._execution.abandon()

    def sent_execution(self) -> Execution:
        """The execution that was sent. Raises `DeadlineExceededError` where none was."""
        if not self.was_sent() or self._execution is None:
            raise DeadlineExceededError(
                f"the command's {self._command.timeout_s:g} s were over before it could be sent",
                hint="the host is slow or busy; give a longer `timeout`, or try again later",
            )
        return self._execution

    def release(self) -> None:
        """Close the channel and give the slot back."""
        if self._execution is not None and self._execution.channel is not None:
            self._execution.channel.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._holds_slot:
            self._holds_slot = False
            self._slots.give_back()
