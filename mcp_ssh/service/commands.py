"""Commands on hosts: connect, run, plan, and the sessions that stay open between them."""

from dataclasses import replace

from mcp_ssh.audit.record import Event
from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.errors import UnknownSessionError
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult, SessionView
from mcp_ssh.model.secret import Secret
from mcp_ssh.ports import AuditSink
from mcp_ssh.service import records
from mcp_ssh.service.activity import Run
from mcp_ssh.service.authorize import check_permission, known_host
from mcp_ssh.service.judge import Configured, Judge, Judged
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.limits import reply_within
from mcp_ssh.service.logins import Logins, Person
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.service.plan import Planned, planned
from mcp_ssh.service.request import request_of
from mcp_ssh.service.runs import Answer, Runs, Task, Teller
from mcp_ssh.service.shells import Shells
from mcp_ssh.sessions.pool import Pool
from mcp_ssh.sessions.session import Session


class Commands:
    """Questions about commands. Holds nothing of its own."""

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        configuration: Configured,
        judge: Judge,
        pipeline: Pipeline,
        pool: Pool,
        audit: AuditSink,
        runs: Runs,
        shells: Shells,
        keyrings: Keyrings,
        logins: Logins,
    ) -> None:
        self._logins = logins
        self._configuration = configuration
        self._judge = judge
        self._pipeline = pipeline
        self._pool = pool
        self._audit = audit
        self._runs = runs
        self._shells = shells
        self._keyrings = keyrings

    async def connect(self, caller: Caller, host: str, *, confirmed: bool = False) -> Done[None]:
        """Open the host's session, or find it open. Raises `LoginQuestionError` for what a person must answer."""

        async def nothing(session: Session, judged: Judged, left_s: float) -> None:
            del session, judged, left_s  # that the session stands is all that was asked

        async def begin(person: Person | None) -> Done[None]:
            request = request_of(caller, Operation.CONNECT, host, confirmed=confirmed)
            with self._keyrings.beside(request.id, person):
                return await self._pipeline.dispatch(request, nothing)

        return await self._logins.carried(caller, host, "session", begin)

    async def run(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        wish: Wish,
        *,
        reply_within_s: float | None = None,
        confirmed: bool = False,
        tell: Teller | None = None,
    ) -> Answer:
        """Run one stateless command on a channel of its own; the answer comes in time, the command may go on."""
        run = self.begin(caller, request_of(caller, Operation.RUN, host, wish, confirmed=confirmed))
        return await self._runs.first_answer(run, self.reply_within(reply_within_s), tell)

    async def start(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Run:
        """Start a command that goes on by itself; returns once it may run. Raises where nothing of it is sent."""
        run = self.begin(caller, request_of(caller, Operation.RUN_ASYNC, host, wish, confirmed=confirmed))
        await self._runs.begun(run)
        return run

    def begin(self, caller: Caller, request: Request) -> Run:
        """Start what the request asks for. Raises `TaskLimitError`; everything else is told by the run."""

        def begin(run: Run) -> Task:
            async def work(session: Session, judged: Judged, left_s: float) -> CommandResult:
                command = judged.command
                assert command is not None  # noqa: S101  a request to run has a command
                run.session = session
                session.commands += 1
                limited = replace(command, timeout_s=left_s, stdin=self._input(request))
                return await session.driver.run(limited, run.kept)

            return self._pipeline.start(request, work, decided=run.decided)

        assert request.wish is not None  # noqa: S101  a request to run has a command
        return self._runs.start(caller, request.host, request.wish.text, begin)

    def _input(self, request: Request) -> Secret | None:
        """What the command reads, looked up as late as can be."""
        name = request.wish.secret if request.wish is not None else None
        return self._keyrings.of(request.principal).get(name) if name is not None else None

    def reply_within(self, wanted_s: float | None) -> float:
        """By when a call answers. Raises `InvalidArgumentError`."""
        return reply_within(wanted_s, self._configuration.current.settings)

    async def plan(self, caller: Caller, host: str, wish: Wish, *, confirmed: bool = False) -> Planned:
        """The same steps as `run`, stopped before anything is recorded or sent. Opens no connection."""
        request = request_of(caller, Operation.PLAN, host, wish, confirmed=confirmed)
        return await planned(self._judge, request)

    def sessions(self, caller: Caller) -> tuple[SessionView, ...]:
        """The open sessions that stateless commands share, and the caller's own shells; the oldest first."""
        own = {"", *(shell.handle for shell in self._shells.of(caller))}
        hosts = self._configuration.current.inventory.hosts
        seen = {name for name, host in hosts.items() if caller.principal.sees(host)}
        return tuple(view for view in self._pool.sessions() if view.shell in own and view.host in seen)

    async def disconnect(self, caller: Caller, host: str, session: str | None = None) -> tuple[SessionView, ...]:
        """Close the host's shared session and the caller's shells there, or one of these; gives what they were.

        Commands on them end with outcome `unknown`.
        """
        known_host(host, self._configuration.current.inventory, caller.principal)
        check_permission(caller.principal)
        shells = self._shells.of(caller, host)
        views = tuple(view for view in self.sessions(caller) if view.host == host)
        if session is not None:
            views = tuple(view for view in views if session in {view.id, view.shell})
            shells = [shell for shell in shells if shell.handle == session or shell.handle in {v.shell for v in views}]
        if not views and not shells:
            which = "no open session" if session is None else f"no session {session[:200]!r}"
            raise UnknownSessionError(f"{host} has {which}", hint="ssh_list_sessions tells what is open")
        request = request_of(caller, Operation.DISCONNECT, host)
        for view in views:
            await self._audit.append(Event.DECIDED.value, records.of_request(request) | {"session": view.id})
            await self._pool.disconnect(view.id)
        for shell in shells:
            self._shells.forget(shell)
        return views
