"""Carries a command over many hosts, for as long as a call waits and beyond."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.model.result import CommandResult
from mcp_ssh.ports import Clock
from mcp_ssh.service.activity import Run
from mcp_ssh.service.approvals import Approvals, refusal
from mcp_ssh.service.background import Background
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.fleet import Fleet, Rollout, Row, batches, is_short
from mcp_ssh.service.judge import Configured, Judge, Judged
from mcp_ssh.service.limits import reply_within
from mcp_ssh.service.pipeline import Done, Pipeline
from mcp_ssh.service.rates import Rates
from mcp_ssh.service.request import request_of
from mcp_ssh.service.selection import selected

longest_pause_s = 3_600.0
end_wait_s = 20.0
fleet_output_bytes = 65_536
"""What is kept of each output of a host until its row is made, where the caller says nothing else."""

Teller = Callable[[Fleet], Awaitable[None]]
"""Hears of a fleet each time that something changed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which hosts are meant, and how they are gone through; None leaves it to the settings."""

    names: Sequence[str] = ()
    tags: str | None = None
    parallel: int | None = None
    batch: int | None = None
    pause_s: float = 0.0
    stops: bool = False


class Fleets:
    """Starts commands on many hosts and waits for them."""

    def __init__(  # noqa: PLR0913  the composition root hands over each part by name
        self,
        *,
        configuration: Configured,
        judge: Judge,
        approvals: Approvals,
        rates: Rates,
        pipeline: Pipeline,
        commands: Commands,
        background: Background,
        clock: Clock,
    ) -> None:
        self._configuration = configuration
        self._judge = judge
        self._approvals = approvals
        self._rates = rates
        self._pipeline = pipeline
        self._commands = commands
        self._background = background
        self._clock = clock

    async def run(  # noqa: PLR0913  each argument is one of the tool's own
        self,
        caller: Caller,
        choice: Choice,
        wish: Wish,
        *,
        reply_within_s: float | None = None,
        confirmed: bool = False,
        tell: Teller | None = None,
    ) -> Fleet:
        """Run a command on each host; returns when all are over, or in time: then it goes on.

        Raises where nothing was sent to anybody: the choice is none, or a person must agree first, once for all.
        Whoever stops waiting cancels it; what came until then is kept as a task.
        """
        snapshot = self._configuration.current
        within_s = reply_within(reply_within_s, snapshot.settings)
        rollout = self._rollout(choice)
        hosts = selected(snapshot.inventory, caller.principal, choice.names, choice.tags)
        self._rates.spend(caller.principal, command=False)
        wish = replace(wish, max_output_bytes=wish.max_output_bytes or fleet_output_bytes)
        requests = {
            host.name: request_of(caller, Operation.RUN_MANY, host.name, wish, confirmed=confirmed, is_part=True)
            for host in hosts
        }
        await self._agreed(requests, rollout)
        name = hosts[0].name if len(hosts) == 1 else f"{len(hosts)} hosts"
        fleet = Fleet(name, wish.text, self._background.room(caller, "f"), hosts=hosts, rollout=rollout)
        self._background.follow(fleet, self._pipeline.own(self._carry(caller, fleet, requests)))
        return await self._first_answer(fleet, within_s, tell)

    def _rollout(self, choice: Choice) -> Rollout:
        most = self._configuration.current.settings.max_parallel
        for name, value, limit in (
            ("parallel", choice.parallel, most),
            ("batch", choice.batch, None),
        ):
            if value is not None and (value < 1 or (limit is not None and value > limit)):
                until = f" and {limit}, the limit of settings.max_parallel" if limit is not None else " on"
                raise InvalidArgumentError(f"{name} {value} is not from 1{until}; nothing was sent")
        if not 0 <= choice.pause_s <= longest_pause_s:
            raise InvalidArgumentError(
                f"pause {choice.pause_s:g} is not within 0 and {longest_pause_s:g} seconds; nothing was sent"
            )
        if choice.pause_s and choice.batch is None:
            raise InvalidArgumentError("a pause is between batches; nothing was sent", hint="give `batch` as well")
        return Rollout(choice.parallel or most, choice.batch, choice.pause_s, choice.stops)

    async def _agreed(self, requests: dict[str, Request], rollout: Rollout) -> None:
        """Raise `ApprovalRequiredError` where a person must agree: before any host is asked, once for all of them."""
        slots = asyncio.Semaphore(rollout.parallel)

        async def judged(request: Request) -> Judged | None:
            async with slots:
                try:
                    authorized = self._judge.authorized(request)
                    addresses = await self._judge.addresses(authorized.host)
                    hops = await self._judge.hops(authorized.host)
                    return self._judge.decided(request, authorized, addresses, hops)
                except McpSshError:
                    return None  # its own row tells it

        found = await asyncio.gather(*(judged(request) for request in requests.values()))
        asked = [
            each
            for each in found
            if each is not None
            and each.decision.effect is Effect.CONFIRM
            and each.decision.asks_person
            and each.request.answer is None
            and not self._approvals.is_answered(each, "")
        ]
        if asked:
            approval = self._approvals.ask(asked[0], "", asked[1:])
            for each in asked:
                await self._pipeline.record_decision(each, approval.id)
            refused = refusal(asked[0], approval.id, asked[1:])
            refused.is_recorded = True
            raise refused

    async def _first_answer(self, fleet: Fleet, within_s: float, tell: Teller | None) -> Fleet:
        until = asyncio.get_running_loop().time() + within_s
        try:
            async with asyncio.timeout_at(until):
                while fleet.task is not None:
                    await fleet.changed.wait()
                    fleet.changed.clear()
                    if tell is not None:
                        await tell(fleet)
        except TimeoutError:
            self._background.told(fleet)
        except asyncio.CancelledError:
            self._background.told(fleet)  # what came until now is not lost
            if fleet.task is not None:
                fleet.task.cancel()
            raise
        if fleet.error is not None:
            raise fleet.error
        if fleet.task is None:
            self._background.forget(fleet)
        return fleet

    async def _carry(self, caller: Caller, fleet: Fleet, requests: dict[str, Request]) -> bool:
        """Over all hosts; whether it was not cancelled."""
        slots = asyncio.Semaphore(fleet.rollout.parallel)
        for number, batch in enumerate(batches(fleet.hosts, fleet.rollout.batch)):
            if number and fleet.rollout.pause_s and fleet.may_begin():
                await self._clock.sleep(fleet.rollout.pause_s)
            async with asyncio.TaskGroup() as group:
                for host in batch:
                    group.create_task(self._one(caller, fleet, host, requests[host.name], slots))
        return True

    async def _one(self, caller: Caller, fleet: Fleet, host: Host, request: Request, slots: asyncio.Semaphore) -> None:
        async with slots:
            if not fleet.may_begin():
                return
            try:
                run = self._commands.begin(caller, request)
            except McpSshError as error:
                fleet.add(Row(host.name, error=error))
                return
            fleet.runs[host.name] = run
            fleet.add(await self._row(run))

    async def _row(self, run: Run) -> Row:
        """The end of a command; whoever stops waiting ends it on its host, and still gets its row."""
        task = run.task
        assert task is not None  # noqa: S101  it was started in this very moment
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=end_wait_s)
        if not task.done() or task.cancelled():
            self._background.forget(run)
            return Row(run.host)
        error = task.exception()
        if error is not None:
            self._background.forget(run)
            return Row(run.host, error=run.error)
        result = cast("Done[CommandResult]", task.result()).result
        if is_short(result):
            self._background.forget(run)
            return Row(run.host, result)
        return Row(run.host, result, handle=run.handle)
