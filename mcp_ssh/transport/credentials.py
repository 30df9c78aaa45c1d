"""What there is to log in with."""

import contextlib
from dataclasses import dataclass

import asyncssh

from mcp_ssh.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """What there is to log in with. `agent` signs for keys of its own; whoever gathered them closes it.

    `told` is for a person whose login failed: what could not be used, and whose certificate was shown.
    """

    keys: tuple[asyncssh.SSHKeyPair, ...] = ()
    password: Secret | None = None
    keyboard_only: bool = False
    agent: asyncssh.SSHAgentClient | None = None
    told: str = ""

    def methods(self) -> str:
        """The SSH authentication methods to try, in order; what a host wants beside a key comes after it."""
        if self.keys:
            return (
                "publickey,keyboard-interactive" if self.password is None else "publickey,password,keyboard-interactive"
            )
        return "keyboard-interactive" if self.keyboard_only else "password,keyboard-interactive"

    async def close(self) -> None:
        """Let go of the agent, once nothing is to be signed any more."""
        if self.agent is not None:
            self.agent.close()
            with contextlib.suppress(OSError):
                await self.agent.wait_closed()
