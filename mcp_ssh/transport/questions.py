"""What a host asks during a login by keyboard-interactive, and who answers: the secret that is known, or a person."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from mcp_ssh.asking import Asking
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.loginerrors import LoginUnansweredError, NeedsLoginError
from mcp_ssh.model.question import (
    Prompt,
    Question,
    most_heading_chars,
    most_prompt_chars,
    most_prompts,
    most_rounds,
)
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import Secrets


def who_is_asked(secrets: Secrets) -> Asking | None:
    """The person behind these secrets, if there is one."""
    return secrets if isinstance(secrets, Asking) else None


def waited_s(secrets: Secrets) -> float:
    """How long that person was waited for on the way so far."""
    asking = who_is_asked(secrets)
    return asking.waited_s if asking is not None else 0.0


class Questions:
    """One login's questions. `problem` says why one was not answered: then nothing was sent for it.

    While a person is waited for, the connect timeout `limit` stands still.
    """

    def __init__(self, host: Host, password: Secret | None, asking: Asking | None, limit: asyncio.Timeout) -> None:
        self._host = host
        self._password = password
        self._asking = asking
        self._limit = limit
        self._rounds = 0
        self._waits = False
        self.problem: McpSshError | None = None

    @property
    def waits(self) -> bool:
        """Whether a person is waited for now."""
        return self._waits

    async def answers(self, name: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str] | None:
        """One text for each prompt (its words, and whether what is typed for it is seen); None answers none of them."""
        if not prompts:
            return []
        secret = self._secret_at(prompts)
        asked = [prompt for place, prompt in enumerate(prompts) if place != secret]
        try:
            given = await self._by_person(name, instructions, asked) if asked else []
        except McpSshError as error:
            self.problem = error
            return None
        texts = [answer.reveal() for answer in given]
        if secret is not None and self._password is not None:
            texts.insert(secret, self._password.reveal())
            self._password = None  # once: a host that asks again did not like it
        return texts

    def _secret_at(self, prompts: Sequence[tuple[str, bool]]) -> int | None:
        """Which prompt our secret answers: the first hidden one that asks for a password, and never a visible one."""
        if self._password is None:
            return None
        hidden = (at for at, (text, is_seen) in enumerate(prompts) if not is_seen and "password" in text.lower())
        return next(hidden, None)

    async def _by_person(self, name: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> Sequence[Secret]:
        self._rounds += 1
        if self._asking is None:
            raise needs_login(self._host)
        if len(prompts) > most_prompts or self._rounds > most_rounds:
            raise NeedsLoginError(
                f"{self._host.name} asks more than {most_prompts} things at once, or more than {most_rounds} times; "
                "nothing was sent",
                hint="log in by hand and see what it wants",
            )
        heading = "\n".join(part for part in (name.strip(), instructions.strip()) if part)
        rows = tuple(Prompt(text[:most_prompt_chars], not is_seen) for text, is_seen in prompts)
        async with self._standing_still():
            return await self._asking.answers(self._host, Question(rows, heading[:most_heading_chars]))

    @contextlib.asynccontextmanager
    async def _standing_still(self) -> AsyncIterator[None]:
        now, until = asyncio.get_running_loop().time, self._limit.when()
        left_s = until - now() if until is not None else None
        self._limit.reschedule(None)
        self._waits = True
        yield  # not in a `finally`: what is cancelled here has lost its connection, and its limit is over
        self._waits = False
        if left_s is not None:
            self._limit.reschedule(now() + left_s)


def needs_login(host: Host) -> NeedsLoginError:
    """Nobody is there who could be asked."""
    return NeedsLoginError(
        f"{host.name} asks for more than its secret before it lets us in; nothing was sent for it",
        hint="ssh_connect asks a person, and further calls use the session that it opens "
        "(with `new_shell: true` for a shell)",
    )


def gone(host: Host) -> LoginUnansweredError:
    """The host closed the connection while the person was thinking."""
    return LoginUnansweredError(
        f"{host.name} waited no longer for the answer to what it asked; nothing was sent for it",
        hint="call ssh_connect again, and have the answer at hand",
    )
