"""The way of one command to its channel: its slot, and the execution that may or may not have been sent."""

import secrets

from mcp_ssh.model.command import Command
from mcp_ssh.model.errors import DeadlineExceededError
from mcp_ssh.ports import Channel, Output
from mcp_ssh_drivers.execshell import LoginShell, exec_request
from mcp_ssh_drivers.execution import Execution
from mcp_ssh_drivers.ready import ReadyShell
from mcp_ssh_drivers.slots import ChannelSlots


class Attempt:
    """Belongs to whoever runs the command, who releases it."""

    def __init__(self, slots: ChannelSlots, command: Command, output: Output | None) -> None:
        self._slots = slots
        self._command = command
        self._output = output
        self._holds_slot = False
        self._execution: Execution | None = None

    async def take_slot(self) -> None:
        """Wait for a slot, unless it has one."""
        if not self._holds_slot:
            await self._slots.take()
            self._holds_slot = True

    def by_request(self, shell: LoginShell) -> tuple[Execution, str]:
        """A fresh execution, and the text of its request."""
        token = secrets.token_hex(8)
        self._execution = self._fresh(None if shell is LoginShell.UNKNOWN else token)
        return self._execution, exec_request(self._command.text, shell, token)

    def by_shell(self, ready: ReadyShell, line: bytes) -> Execution:
        """An execution whose command is sent."""
        self._execution = self._fresh(ready.token)
        ready.give(self._execution, line)
        if self._execution.channel is not None:
            self.give_input(self._execution.channel)
        return self._execution

    def _fresh(self, token: str | None) -> Execution:
        return Execution(self._slots, token, self._command.max_output_bytes, self._output)

    def give_input(self, channel: Channel) -> None:
        """What the command reads: one line, or nothing at all."""
        if self._command.stdin is not None:
            channel.write(self._command.stdin.reveal().encode("utf-8", "surrogateescape") + b"\n")
        channel.write_eof()

    def refused(self, *, learn: bool) -> None:
        """The host opened no channel: the slot goes back until there is room. `learn` the limit from that."""
        if learn:
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
