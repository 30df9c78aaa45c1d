"""Logins that a person has a part in: what a host asks beside its secret, such as a one-time code.

A call that opens a session may put such a question, and no other. The login waits with its connection open while the
person is asked; the call ends with the question, and the next one brings the answer to the very same login. A login is
for who began it, on its host, once; an answer is handed to the host and kept nowhere.
"""

import asyncio
import secrets as random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from mcp_ssh.asking import Asking
from mcp_ssh.audit.record import Event
from mcp_ssh.model.errors import SessionLimitError
from mcp_ssh.model.host import Host
from mcp_ssh.model.loginerrors import (
    LoginDeclinedError,
    LoginQuestionError,
    LoginUnansweredError,
    NeedsLoginError,
)
from mcp_ssh.model.principal import Answer, Caller
from mcp_ssh.model.question import Question, person_wait_s
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import AuditSink, Secrets
from mcp_ssh.service.pipeline import Pipeline

T = TypeVar("T")
Begin = Callable[["Person | None"], Coroutine[object, object, T]]
"""Goes the whole way of a request; its login may ask the person, where there is one."""

most_waiting = 50
most_of_one = 5
kept_s = 60.0
"""How long the end of a login is kept for a call that brings an answer too late."""


@dataclass(slots=True, eq=False)
class Login:
    """One that is under way. `asked` is what the host `asker` waits for now; `given` becomes what the person says.

    The asker is the host itself, or one on the way to it.
    """

    caller: Caller
    host: str
    kind: str
    id: str = field(default_factory=lambda: f"l-{random.token_hex(8)}")
    left_s: float = field(default_factory=lambda: person_wait_s)
    waited_s: float = 0.0
    asked: Question | None = None
    asker: str = ""
    was_asked: bool = False
    given: "asyncio.Future[Answer] | None" = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[object] | None" = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who is asked during one login. `beside` makes of somebody's secrets those of somebody who can be asked."""

    login: Login
    audit: AuditSink

    def beside(self, secrets: Secrets) -> Asking:
        """The same secrets, and the person."""
        return _Beside(secrets, self)

    async def answers(self, host: Host, question: Question) -> Sequence[Secret]:
        """Wait for what they say, as long as there is time left."""
        login, loop = self.login, asyncio.get_running_loop()
        login.asked, login.asker, login.was_asked, login.given = question, host.name, True, loop.create_future()
        began = loop.time()
        self._note(host, {"decision": "needs_confirmation", "requests": len(question.prompts)})
        login.news.set()
        try:
            async with asyncio.timeout(login.left_s):
                answer = await login.given
        except TimeoutError:
            self._note(host, {"decision": "deny", "reason": f"nobody answered within {person_wait_s:.0f} s"})
            raise LoginUnansweredError(
                f"nobody answered what {host.name} asks within {person_wait_s:.0f} s; nothing was sent for it",
                hint="call ssh_connect again when the person is there",
            ) from None
        finally:
            login.left_s -= loop.time() - began
            login.waited_s += loop.time() - began
            login.asked = login.given = None
        return self._taken(host, question, answer)

    def _taken(self, host: Host, question: Question, answer: Answer) -> Sequence[Secret]:
        by = f"the person at {self.login.caller.client or 'the client'}"
        if not answer.accepted or len(answer.values) != len(question.prompts):
            words = answer.words if not answer.accepted else "left an answer out"
            self._note(host, {"decision": "deny", "reason": f"{by} {words or 'said no'}"})
            raise LoginDeclinedError(
                f"{by} {words or 'said no'} to what {host.name} asks; nothing was sent for it",
                hint="without an answer the host lets nobody in; ask the person you work for",
            )
        self._note(host, {"decision": "allow", "confirmed_by": by})
        return answer.values

    def _note(self, host: Host, fields: dict[str, object]) -> None:
        caller = self.login.caller
        common = {"principal": caller.principal.name, "client": caller.client, "host": host.name, "tool": "ssh_connect"}
        self.audit.note(Event.LOGIN.value, common | {"approval": self.login.id} | fields)


@dataclass(frozen=True, slots=True)
class _Beside:
    """`Asking`."""

    secrets: Secrets
    person: Person

    @property
    def waited_s(self) -> float:
        return self.person.login.waited_s

    def get(self, name: str) -> Secret:
        return self.secrets.get(name)

    async def answers(self, host: Host, question: Question) -> Sequence[Secret]:
        return await self.person.answers(host, question)


class Logins:
    """All that wait in this process. Holds nothing longer than it is of use."""

    def __init__(self, pipeline: Pipeline, audit: AuditSink) -> None:
        self._pipeline = pipeline
        self._audit = audit
        self._waiting: dict[str, Login] = {}

    async def carried(self, caller: Caller, host: str, kind: str, begin: Begin[T]) -> T:
        """The end of what `begin` does, or its next question as `LoginQuestionError`: call again with the answer.

        `kind` tells apart what may be begun on a host. Raises what `begin` raises.
        """
        answer = caller.answer
        if answer is not None and answer.approval.startswith("l-"):
            login = self._named(caller, host, kind, answer.approval)
            self._say(login, answer)
        elif not caller.can_ask:
            return await begin(None)
        else:
            login = self._begun(caller, host, kind, begin)
        return cast("T", await self._next(login))

    def _begun(self, caller: Caller, host: str, kind: str, begin: Begin[T]) -> Login:
        mine = sum(each.caller.principal.name == caller.principal.name for each in self._waiting.values())
        if mine >= most_of_one or len(self._waiting) >= most_waiting:
            raise SessionLimitError(
                f"{mine} of your logins wait for a person already; nothing was sent", hint="answer these first"
            )
        login = Login(caller, host, kind)
        login.task = self._pipeline.own(_with_person(begin, Person(login, self._audit)))
        return login

    def _named(self, caller: Caller, host: str, kind: str, name: str) -> Login:
        login = self._waiting.get(name)
        about = (caller.principal.name, host, kind)
        if login is None or (login.caller.principal.name, login.host, login.kind) != about:
            raise LoginUnansweredError(
                "the login that the answer was for is over; nothing was sent",
                hint="call ssh_connect again, and answer what is asked then",
            )
        return login

    def _say(self, login: Login, answer: Answer) -> None:
        if login.given is not None and not login.given.done():
            login.given.set_result(answer)

    async def _next(self, login: Login) -> object:
        """The end of the login, or what the host asks next."""
        task = login.task
        assert task is not None  # noqa: S101  it was begun
        login.news.clear()
        if login.asked is not None and login.given is not None and not login.given.done():
            login.news.set()
        hears = self._pipeline.own(login.news.wait())
        try:
            await asyncio.wait({task, hears}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            hears.cancel()
        if task.done():
            self._waiting.pop(login.id, None)
            return task.result()
        return self._ask(login)

    def _ask(self, login: Login) -> object:
        question = login.asked
        if question is None:  # it was answered, or nobody waits for the answer any more, in this very moment
            raise LoginUnansweredError("the host waits for no answer any more; nothing was sent", hint="call again")
        if login.id not in self._waiting and login.task is not None:
            self._waiting[login.id] = login
            login.task.add_done_callback(lambda _: self._later(login))
        raise LoginQuestionError(
            f"{login.asker} asks for more than its secret before it lets us in; nothing was sent for it",
            host=login.asker if login.asker == login.host else f"{login.asker}, on the way to {login.host},",
            login=login.id,
            question=question,
            hint="the person at the client is asked",
        )

    def _later(self, login: Login) -> None:
        """Forget a login that is over, once nobody can come with an answer any more."""
        asyncio.get_running_loop().call_later(kept_s, self._waiting.pop, login.id, None)


async def _with_person(begin: Begin[T], person: Person) -> T:
    """Once more where somebody else had begun to open the session, who asks nobody."""
    try:
        return await begin(person)
    except NeedsLoginError:
        if person.login.was_asked:
            raise
        return await begin(person)
