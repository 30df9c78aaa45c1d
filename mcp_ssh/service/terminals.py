"""Shells: commands that keep their state, and what is said to programs that run or ask in them."""

import asyncio
from dataclasses import replace

from mcp_ssh.model.command import Command, Context, Key, Operation, Request, Speech, Wish
from mcp_ssh.model.decision import Assumes
from mcp_ssh.model.errors import DeadlineExceededError, InvalidArgumentError, NothingAsksError, StateChangedError
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult
from mcp_ssh.ports import ShellDriver
from mcp_ssh.service.activity import Run
from mcp_ssh.service.authorize import known_host, refuse_unless_sudo_reads
from mcp_ssh.service.judge import Configured, Judged
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.limits import reply_within
from mcp_ssh.service.logins import Logins, Person
from mcp_ssh.service.pipeline import Done, Pipeline, Work
from mcp_ssh.service.request import request_of
from mcp_ssh.service.runs import Answer, Runs, Task, Teller
from mcp_ssh.service.said import Said
from mcp_ssh.service.shells import Shell, Shells
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session

said_wait_s = 0.5
"""How long words to a program that runs are given to show what they do."""


class Terminals:
    """What can be asked of shells."""

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        configuration: Configured,
        pipeline: Pipeline,
        pool: Pool,
        runs: Runs,
        shells: Shells,
        keyrings: Keyrings,
        logins: Logins,
    ) -> None:
        self._logins = logins
        self._configuration = configuration
        self._pipeline = pipeline
        self._pool = pool
        self._runs = runs
        self._shells = shells
        self._keyrings = keyrings

    async def open(self, caller: Caller, host: str, *, confirmed: bool = False) -> tuple[Done[None], Shell]:
        """A new shell on the host, at its prompt. Raises `LoginQuestionError` for what a person must answer."""
        return await self._logins.carried(
            caller, host, "shell", lambda person: self._opened(caller, host, person, confirmed=confirmed)
        )

    async def _opened(
        self, caller: Caller, host: str, person: Person | None, *, confirmed: bool
    ) -> tuple[Done[None], Shell]:
        shell = self._shells.new(caller, self._host(caller, host).name)

        async def opened(session: Session, judged: Judged, left_s: float) -> None:
            del judged
            await self._made_ready(shell, session, left_s)

        request = request_of(caller, Operation.CONNECT, host, confirmed=confirmed)
        try:
            with self._keyrings.beside(request.id, person):
                return await self._pipeline.dispatch(request, opened, shell.handle), shell
        except BaseException:
            self._shells.forget(shell)
            raise

    async def run(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        wish: Wish,
        *,
        session: str | None = None,
        reply_within_s: float | None = None,
        confirmed: bool = False,
        tell: Teller | None = None,
    ) -> tuple[Answer, Shell]:
        """Run one command in a shell; the answer comes in time, the command may go on."""
        within_s = reply_within(reply_within_s, self._configuration.current.settings)
        shell = self._shells.pick(caller, self._host(caller, host).name, session)
        mode = shell.mode if wish.mode is None else None
        context = Context(mode=mode, directory=shell.directory)
        request = request_of(caller, Operation.SHELL, host, wish, confirmed=confirmed, context=context)

        def begin(run: Run) -> Task:
            async def work(on: Session, judged: Judged, left_s: float) -> CommandResult:
                until = asyncio.get_running_loop().time() + left_s
                driver, renewed = await self._made_ready(shell, on, left_s)
                left_s = until - asyncio.get_running_loop().time()  # the opening is part of the command's time
                _compare(judged, driver.mode, shell.directory)
                shell.last_command, shell.run, run.session = wish.text, run, on
                result = await driver.run(_limited(judged, left_s), run.kept)
                return replace(await self._after(shell, on, result), renewed=renewed)

            return self._pipeline.start(request, work, shell.handle, run.decided)

        run = self._runs.start(caller, host, wish.text, begin)
        return await self._runs.first_answer(run, within_s, tell), shell

    async def send(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        said: Said,
        *,
        session: str | None = None,
        timeout_s: float | None = None,
        reply_within_s: float | None = None,
        confirmed: bool = False,
    ) -> tuple[Answer, Shell | None]:
        """Say something to the program that runs or asks in a shell, or interrupt a command by its handle."""
        within_s = reply_within(reply_within_s, self._configuration.current.settings)
        said.check()
        entry = self._host(caller, host)
        if session is not None and session.startswith("r-"):
            return await self._stopped(host, said, self._runs.named(caller, session), within_s), None
        shell = self._shells.known(caller, entry.name, session)
        driver = shell.driver if shell is not None else None
        if shell is None or driver is None:
            raise NothingAsksError("no shell is open there; nothing was sent", hint="ssh_shell opens one")
        active = shell.active_run
        if active is None and driver.question is None:
            raise NothingAsksError(
                "nothing runs and nothing asks in this shell; nothing was sent", hint="run commands with ssh_shell"
            )
        if said.secret is not None:
            await self._fetched(caller, entry, within_s)
        speech, context = self._speech(caller, entry, shell, driver, said)
        wish = Wish(said.shown, timeout_s)
        request = request_of(caller, Operation.SEND, host, wish, confirmed=confirmed, context=context)
        if active is not None and active.session is not None and (task := active.task) is not None:
            await self._pipeline.dispatch(request, _typed(active, speech), active.session)
            wait_s = within_s if said.key is Key.CTRL_C else min(said_wait_s, within_s)
            return await self._runs.answer(active, wait_s, task), shell
        return await self._answered(caller, shell, speech, request, within_s), shell

    async def leave(self, caller: Caller, run: Run) -> None:
        """Interrupt the program whose question ended this run."""
        shell = next((each for each in self._shells.of(caller, run.host) if each.run is run), None)
        if shell is not None:
            await self.send(caller, run.host, Said(key=Key.CTRL_C), session=shell.handle)

    # --- inside

    def _host(self, caller: Caller, name: str) -> Host:
        return known_host(name, self._configuration.current.inventory, caller.principal)

    async def _fetched(self, caller: Caller, host: Host, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._keyrings.fetch(caller.principal, host)
        except TimeoutError:
            raise DeadlineExceededError(
                f"the call's {within_s:g} s were over before the secret was found; nothing was sent",
                hint="whatever `secret_command` asks is slow, or waits for a person",
            ) from None

    async def _made_ready(self, shell: Shell, session: Session, left_s: float) -> tuple[ShellDriver, bool]:
        """The open driver of the session, and whether it took the place of one that was lost."""
        driver = session.shell
        assert driver is not None  # noqa: S101  the seat is a shell's
        renewed = shell.session is not None and shell.session is not session
        await driver.open(left_s, shell.directory)
        shell.session, shell.mode = session, driver.mode
        shell.directory = driver.directory or shell.directory
        return driver, renewed

    async def _after(self, shell: Shell, session: Session, result: CommandResult) -> CommandResult:
        """Remember where the shell is; one that cannot be used any more is closed."""
        session.commands += 1
        shell.mode, shell.directory = result.mode, result.directory or shell.directory
        if session.shell is not None and not session.shell.is_usable:
            await self._pool.disconnect(session.id)
        return result

    def _speech(
        self, caller: Caller, host: Host, shell: Shell, driver: ShellDriver, said: Said
    ) -> tuple[Speech, Context]:
        """What is said, and what its judgement is about."""
        question = driver.question
        if said.key is Key.CTRL_C:
            return Speech(key=said.key), Context(stops=True)
        if said.secret is not None:
            if said.secret not in {host.enable_env, host.sudo_env}:
                raise InvalidArgumentError(
                    f"{host.name} has no secret {said.secret[:100]!r}; nothing was sent",
                    hint="only the names under `enable_env` and `sudo_env` of the host can be given",
                )
            if not driver.asks_secret:
                raise NothingAsksError(
                    "nothing asks for a secret now; nothing was sent",
                    hint="a secret is only given where one is asked for",
                )
            refuse_unless_sudo_reads(shell.last_command, host, from_stdin=False)
            answers = Context(question=question, answers=shell.last_command)
            return Speech(secret=self._keyrings.of(caller.principal).get(said.secret)), answers
        if driver.asks_secret:
            raise InvalidArgumentError(
                "a secret is asked for, and a secret is never text from you; nothing was sent",
                hint="give the name of one with `secret`, or leave it with key ctrl-c",
            )
        listed = said.text is not None and driver.answers(said.text)
        context = Context(question=question, answers=shell.last_command if listed else None)
        return Speech(text=said.text or "", enter=said.enter, key=said.key), context

    async def _answered(
        self, caller: Caller, shell: Shell, speech: Speech, request: Request, within_s: float
    ) -> Answer:
        def begin(run: Run) -> Task:
            async def work(on: Session, judged: Judged, left_s: float) -> CommandResult:
                driver = on.shell
                if driver is None or on is not shell.session or not _still_asks(driver, request.context):
                    raise StateChangedError(
                        "the question is not the one that was answered any more; nothing was sent",
                        hint="look with ssh_read or ssh_list_sessions, and call again",
                    )
                if shell.run is not None:
                    shell.run.next = run
                shell.run, run.session = run, on
                return await self._after(shell, on, await driver.say(speech, _limited(judged, left_s), run.kept))

            return self._pipeline.start(request, work, shell.handle, run.decided)

        run = self._runs.start(caller, shell.host, shell.last_command, begin)
        return await self._runs.first_answer(run, within_s)

    async def _stopped(self, host: str, said: Said, run: Run | None, within_s: float) -> Answer:
        """Interrupt a stateless command."""
        if said.key is not Key.CTRL_C:
            raise InvalidArgumentError(
                "a command of ssh_run has no input; nothing was sent", hint="key ctrl-c ends it; ssh_shell has input"
            )
        task = run.task if run is not None else None
        if run is None or task is None or run.host != host:
            raise NothingAsksError("the command is over; nothing was sent", hint="ssh_read tells how it ended")
        task.cancel()
        return await self._runs.answer(run, within_s, task)


def _still_asks(driver: ShellDriver, context: Context) -> bool:
    return context.stops or driver.question == context.question


def _typed(run: Run, speech: Speech) -> Work[None]:
    """Only for the very command that they were meant for: it may be over by now, and another one run in its place."""

    async def typed(session: Session, judged: Judged, left_s: float) -> None:
        del judged, left_s
        driver = session.shell
        if driver is None or run.task is None or run.session is not session:
            raise NothingAsksError(
                "the command that this was meant for is over; nothing was sent", hint="ssh_read tells how it ended"
            )
        driver.type(speech)

    return typed


def _limited(judged: Judged, left_s: float) -> Command:
    command = judged.command
    assert command is not None  # noqa: S101  whatever goes into a shell has a text
    return replace(command, timeout_s=left_s)


def _compare(judged: Judged, mode: str, directory: str) -> None:
    """Under the session's lock: is the shell where the judgement took it to be?"""
    assumed = judged.verdict.assumes if judged.verdict is not None else Assumes()
    for what, then, now in (("mode", assumed.mode, mode), ("directory", assumed.directory, directory)):
        if not then or then == now:
            continue
        raise StateChangedError(
            f"the shell was in {what} {then!r} when the command was judged and is in {now!r} now; nothing was sent",
            hint="another command came between, or the shell was lost and opened anew; call again if it is meant here",
        )
