"""Keeps one shell ready on a connection, for the next command that it is fit for.

A command must find what a new shell would. So a shell is stale as soon as anything else may have changed the host
through this daemon, and it stands for a minute at most; after that the host is left alone until a command has run
again. It never takes the place of a command, or of what ends one.
"""

import asyncio
import secrets

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.ports import Channel, Connection, Stream
from mcp_ssh_drivers.changes import Changes
from mcp_ssh_drivers.execshell import Login, LoginShell
from mcp_ssh_drivers.execution import Execution
from mcp_ssh_drivers.readyshell import (
    Trial,
    TrialReader,
    fitting_line,
    line_of,
    most_noise,
    ready_request,
    shells,
    trial,
)
from mcp_ssh_drivers.slots import ChannelSlots

stands_s = 60.0
start_wait_s = 10.0
start_after_s = 0.003
"""The answer to the command before leaves first; one that comes on its heels is not held up either."""
calm_s = 0.05
"""How long nothing else may change the host before another shell is started."""
most_lost = 3


class ReadyShell:
    """One shell, as a Receiver: it is tried, it waits, and then it hands all that comes to the execution it is given.

    `made_at` is the count of changes that it was started under. `problem`: why there should be no more of its kind.
    """

    def __init__(self, slots: ChannelSlots, made_at: int) -> None:
        self._slots = slots
        self._channel: Channel | None = None
        self._execution: Execution | None = None
        self._printed = bytearray()
        self._over = False
        self._changed = asyncio.Event()
        self.made_at = made_at
        self.token = secrets.token_hex(8)
        self._answer = TrialReader(self.token)
        self._trial = Trial.WAITS
        self.problem = ""

    @property
    def is_ready(self) -> bool:
        """Whether it waits for its command."""
        return self._trial is Trial.PASSED and not self._over

    @property
    def is_spent(self) -> bool:
        """Whether it will never be ready: it ended while it waited, or said what it should not."""
        return self._over or bool(self.problem)

    # --- Receiver

    def opened(self, channel: Channel) -> bool:
        """The channel stands; False if nobody wants it any more."""
        if self._over:
            return False
        self._channel = channel
        self._slots.opened()
        return True

    def data(self, chunk: bytes, stream: Stream) -> None:
        """What start files print belongs to the command's output; on stderr the trial is answered."""
        if self._execution is not None:
            self._execution.data(chunk, stream)
        elif stream is Stream.STDOUT and len(self._printed) + len(chunk) <= most_noise:
            self._printed += chunk
        elif stream is Stream.STDOUT:
            self._told(Trial.LONG)
        elif self._trial is Trial.PASSED:
            self._told(Trial.LOUD)
        else:
            self._told(self._answer.feed(chunk))

    def exited(self, code: int | None, signal: str | None) -> None:
        """The shell ended."""
        if self._execution is not None:
            self._execution.exited(code, signal)
        else:
            self.close()

    def closed(self, error: McpSshError | None) -> None:
        """Its channel is gone."""
        if self._execution is not None:
            self._execution.closed(error)
        else:
            self._leave()

    # --- the keeper's side

    async def tried(self) -> None:
        """Send the trial, and return when it is known what came of it."""
        if self._channel is not None:
            self._channel.write(line_of(trial))
        while self._trial is Trial.WAITS and not self._over:
            self._changed.clear()
            await self._changed.wait()

    def give(self, execution: Execution, line: bytes) -> None:
        """Send the command; from now on the channel is the execution's. Only for one that is ready."""
        channel = self._leave()
        assert channel is not None  # noqa: S101  it is ready
        self._execution = execution
        execution.opened(channel)
        if self._printed:
            execution.data(bytes(self._printed), Stream.STDOUT)
        channel.write(line)

    def close(self) -> None:
        """Let it end, if it is still nobody's."""
        channel = self._leave()
        if channel is not None:
            channel.close()

    def _leave(self) -> Channel | None:
        channel, self._channel, self._over = self._channel, None, True
        if channel is not None:
            self._slots.closed()
        self._changed.set()
        return channel

    def _told(self, trial: Trial) -> None:
        self._trial = trial
        if trial in {Trial.FAILED, Trial.LOUD, Trial.LONG}:
            self.problem = trial.value
        self._changed.set()


def _unfit(login: Login) -> str:
    """Why nothing can stand ready under such a login."""
    if login.shell is LoginShell.UNKNOWN:
        return "its login runs no command line that is known"
    return f"its login shell is {login.name}" if login.name else "its login shell is none of the sh family"


class ReadyShells:
    """The ready shell of one connection, if there is one. `why_not` is empty while nothing speaks against it."""

    def __init__(self, connection: Connection, slots: ChannelSlots, changes: Changes, *, wanted: bool) -> None:
        self._connection = connection
        self._slots = slots
        self._changes = changes
        self._shell: ReadyShell | None = None
        self._starting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._running = 0
        self._lost = 0
        self._until = 0.0
        self._name = ""
        changes.listen(self)
        self.why_not = "" if wanted else "`fast: false`"
        self.works = False

    def take(self, command: Command) -> tuple[ReadyShell, bytes] | None:
        """The ready shell with the line for it, for this command alone; None where it takes an exec request."""
        shell = self._shell
        if shell is None or not shell.is_ready or shell.made_at != self._changes.count or not command.parsed:
            return None
        line = fitting_line(command.text)
        if line is None:
            return None
        self._shell = None
        self._stop_waiting()
        return shell, line

    def begins(self) -> None:
        """A command is about to run."""
        self._running += 1
        if self._shell is None:
            self._stop_waiting()

    def ends(self, login: Login | None) -> None:
        """A command is over; where that went well, with a login that is known, the next one finds a shell ready."""
        self._running -= 1
        if self._shell is not None and (self._shell.is_spent or self._shell.made_at != self._changes.count):
            self.clear()
        if login is not None and login.name not in shells:
            self.why_not = self.why_not or _unfit(login)
        if self._running == 0 and self._shell is None and login is not None and not self.why_not:
            self._stop_waiting()
            loop = asyncio.get_running_loop()
            self._name, self._until = login.name, loop.time() + stands_s
            self._timer = loop.call_later(start_after_s, self._start)

    def went_stale(self) -> None:
        """Somebody else may have changed the host: another one is started when that is over, within the same minute."""
        if self._shell is not None:
            self.clear()
            if self._running == 0:
                self._look_again()

    def _look_again(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._until:
            self._timer = loop.call_later(calm_s, self._calmed, self._changes.count)

    def _calmed(self, count: int) -> None:
        if count == self._changes.count:
            self._start()
        else:
            self._look_again()

    def distrust(self, why: str) -> None:
        """No more of them on this connection."""
        self.why_not, self.works = why, False
        self.clear()

    def clear(self) -> bool:
        """Let the shell go; whether there was one."""
        shell, self._shell = self._shell, None
        self._stop_waiting()
        if shell is None:
            return False
        shell.close()
        if self._starting is not None:
            self._starting.cancel()
        return True

    def _start(self) -> None:
        if not self._slots.has_room:
            return
        shell = self._shell = ReadyShell(self._slots, self._changes.count)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._until, self.clear)
        self._starting = loop.create_task(self._started(shell, ready_request(shell.token, self._name)))
        self._starting.add_done_callback(lambda _: self._judge(shell))

    async def _started(self, shell: ReadyShell, request: str) -> None:
        """Never raises: nobody waits for it."""
        try:
            async with asyncio.timeout(start_wait_s):
                await self._connection.open_exec(request, shell)
                await shell.tried()
        except TimeoutError:
            shell.problem = f"its shell takes longer than {start_wait_s:g} s to start"
        except McpSshError:
            shell.close()

    def _judge(self, shell: ReadyShell) -> None:
        if self._shell is not shell:
            return
        if shell.is_ready:
            self.works, self._lost = True, 0
        elif shell.problem:
            self.distrust(shell.problem)
        else:
            self.clear()
            self._lost += 1
            if self._lost == most_lost:
                self.distrust("the host has no channel for them, or ends them")

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
