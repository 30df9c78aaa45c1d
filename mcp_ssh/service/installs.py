"""Packages of POSIX hosts: what is there, installing what is not, and what that changed.

Each step is a command of its own, judged and recorded: what is installed now, the lists where they are to be refreshed,
the installation, what is installed then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcp_ssh.model.command import Operation, Wish
from mcp_ssh.model.errors import (
    DeadlineExceededError,
    McpSshError,
    NeedsRootError,
    UnsupportedHostError,
    WouldRemoveError,
)
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import Outcome
from mcp_ssh.ports import Stream
from mcp_ssh.service import packages as managed
from mcp_ssh.service.authorize import known_host
from mcp_ssh.service.judge import Configured
from mcp_ssh.service.packages import Manager, Versions
from mcp_ssh.service.runs import Answer, Teller
from mcp_ssh.service.steps import Call, Steps, text_of
from mcp_ssh.service.survey import Kind
from mcp_ssh.service.system import System

install_s = 600.0
least_reply_s = 1.0
most_looked_at = 20_000
"""How much of an output is searched for what went wrong, or is waited for."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What became of it. `answer` is the command that decided, None where there was nothing to do.

    `after` is None where nobody looked: the command still runs, or the host could not be asked again.
    """

    host: str
    manager: str
    before: Versions
    after: Versions | None
    answer: Answer | None = None
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """Name, version before and version after of each package that was asked for and is another one now."""
        after = self.before if self.after is None else self.after
        names = sorted({*self.before, *after})
        return tuple(
            (name, self.before.get(name), after.get(name)) for name in names if self.before.get(name) != after.get(name)
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """What a call wants of a host, and by when it answers."""

    call: Call
    host: Host
    manager: Manager
    kind: Kind
    packages: tuple[str, ...]
    answers_at: float


class Installer:
    """Installs packages. Holds nothing of its own."""

    def __init__(self, configuration: Configured, system: System, steps: Steps) -> None:
        self._configuration = configuration
        self._system = system
        self._steps = steps

    async def install(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        host: str,
        packages: Sequence[str],
        *,
        update: bool = False,
        confirmed: bool = False,
        tell: Teller | None = None,
    ) -> Installation:
        """Install what is not there; with `update` refresh the lists first, and leave to the host what that changes.

        Raises `InvalidArgumentError` before anything is sent, `UnsupportedHostError`, `NeedsRootError` and
        `WouldRemoveError` before anything is changed.
        """
        names = managed.checked(packages)
        answers_at = asyncio.get_running_loop().time() + self._steps.reply_within_s
        call = Call(caller, Operation.INSTALL, host, confirmed, tell)
        kind = await self._system.kind(call)
        entry = known_host(host, self._configuration.current.inventory, caller.principal)
        manager = _manager(entry, kind, names)
        return await self._installed(_Job(call, entry, manager, kind, names, answers_at), update=update)

    async def _installed(self, job: _Job, *, update: bool) -> Installation:
        before = await self._versions(job)
        nothing = Installation(job.host.name, job.manager.program, before, before)
        if not update and managed.are_installed(job.packages, before):
            return replace(nothing, notes=("all of it is installed already; nothing was changed",))
        _refuse_without_root(job)
        notes: tuple[str, ...] = ()
        if update:
            refreshed = await self._run(job, job.manager.refresh)
            if refreshed.done is None:
                said = (
                    "the package lists are still being refreshed, and nothing is installed yet: call again after that"
                )
                return replace(nothing, after=None, answer=refreshed, notes=(said,))
            notes = _notes_of_refresh(refreshed)
        stopped = await self._rehearsed(job)
        if stopped is not None:
            why = managed.troubles(_text(stopped)) if stopped.done is not None else ("it is only being rehearsed yet",)
            return replace(nothing, answer=stopped, notes=(*notes, *why, "nothing was installed"))
        answer = await self._run(job, managed.command(job.manager.install, job.packages))
        return await self._changed(job, replace(nothing, answer=answer, notes=notes))

    async def _changed(self, job: _Job, so_far: Installation) -> Installation:
        """With the versions that are there now."""
        answer = so_far.answer
        assert answer is not None  # noqa: S101  it was given just now
        if answer.done is None:
            waits = managed.waits(text_of(answer.run.so_far(Stream.STDOUT, most_looked_at)))
            said = "call again when it is over: what is installed then is told"
            return replace(so_far, after=None, notes=(*so_far.notes, *waits, said))
        result, text = answer.result, _text(answer)
        notes = so_far.notes + (managed.troubles(text) if result.exit_code != 0 else managed.waits(text))
        if result.outcome in {Outcome.TIMED_OUT, Outcome.CANCELLED}:
            notes += ("an installation that was broken off may have left packages half installed",)
        if result.outcome is Outcome.UNKNOWN:
            return replace(so_far, after=None, notes=notes)
        try:
            after = await self._versions(job)
        except McpSshError as error:
            said = f"what is installed now is not known: {error.code}: {error.message}"
            return replace(so_far, after=None, notes=(*notes, said))
        return replace(so_far, after=after, notes=notes)

    async def _versions(self, job: _Job) -> Versions:
        result = await self._steps.ask(job.call, managed.query(job.manager, job.packages))
        if result.outcome is not Outcome.COMPLETED or result.stdout.omitted:
            raise DeadlineExceededError(
                f"{job.host.name} did not tell all of what is installed; nothing was sent to install anything",
                hint="try again; its `max_output_bytes` may be too small for the answer",
            )
        return managed.versions(job.manager, job.packages, text_of(result.stdout))

    async def _rehearsed(self, job: _Job) -> Answer | None:
        """The rehearsal, where it did not go well. Raises `WouldRemoveError` where it would remove something."""
        if job.manager.rehearse is None:
            return None
        answer = await self._run(job, managed.command(job.manager.rehearse, job.packages))
        if answer.done is None or answer.result.outcome is not Outcome.COMPLETED or answer.result.stdout.omitted:
            return answer
        removed = managed.removals(text_of(answer.result.stdout))
        if removed:
            raise WouldRemoveError(
                f"{job.manager.program} would remove {', '.join(removed[:20])}; nothing was sent to install anything",
                hint="look at what that is; `ssh_run` can do it where that is meant",
            )
        return answer if answer.result.exit_code != 0 else None

    async def _run(self, job: _Job, command: str) -> Answer:
        """One of the manager's commands, as root."""
        left_s = max(least_reply_s, job.answers_at - asyncio.get_running_loop().time())
        return await self._steps.run(job.call, self._as_root(job, command), left_s)

    def _as_root(self, job: _Job, command: str) -> Wish:
        timeout_s = self._steps.within(job.host.name, install_s)
        if job.kind.is_root:
            return Wish(command, timeout_s)
        if job.host.sudo_env is None:
            return Wish(f"sudo -n {command}", timeout_s)
        return Wish(f"sudo -k -S -p '' {command}", timeout_s, secret=job.host.sudo_env)


def _manager(host: Host, kind: Kind, names: Sequence[str]) -> Manager:
    manager = managed.manager_of(kind.managers)
    if manager is None:
        known = ", ".join(managed.programs)
        raise UnsupportedHostError(
            f"{host.name} has none of {known}; nothing was sent to install anything",
            hint="ssh_run can install there, with the commands of that system",
        )
    managed.checked_for(manager, names)
    return manager


def _refuse_without_root(job: _Job) -> None:
    if not job.kind.is_root and not job.kind.has_sudo:
        raise NeedsRootError(
            f"{job.host.user} is not root on {job.host.name} and has no sudo; nothing was sent to install anything",
            hint="whoever runs mcp-ssh can give the login sudo there, or name another login",
        )


def _notes_of_refresh(answer: Answer) -> tuple[str, ...]:
    result = answer.result
    if result.outcome is Outcome.COMPLETED and result.exit_code == 0:
        return ()
    return ("the package lists could not be refreshed, or not all of them", *managed.troubles(_text(answer)))


def _text(answer: Answer) -> str:
    """The ends of both outputs of a command that is over: what went wrong stands there."""
    ends = (text_of(output)[-most_looked_at:] for output in (answer.result.stdout, answer.result.stderr))
    return "\n".join(ends)
