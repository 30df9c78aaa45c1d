"""The Protocol of somebody who can be asked during a login. A part of ports.py that has a file of its own."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mcp_ssh.model.host import Host
from mcp_ssh.model.question import Question
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Secrets


@runtime_checkable
class Asking(Secrets, Protocol):
    """`Secrets` of somebody beside whom a person sits, who can be asked for what no file holds: a one-time code."""

    @property
    def waited_s(self) -> float:
        """Seconds that the person was waited for so far, on all hosts of one way."""
        ...

    async def answers(self, host: Host, question: Question) -> Sequence[Secret]:
        """What the person says, one for each prompt. Bounded in time by whoever asks them.

        Raises `LoginDeclinedError` or `LoginUnansweredError`.
        """
        ...
