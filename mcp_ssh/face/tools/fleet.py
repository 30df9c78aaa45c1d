"""The fleet group: one command on many hosts."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from mcp_ssh.face import schemas
from mcp_ssh.face.callers import Callers, ToolContext
from mcp_ssh.face.fleet import of_fleet, progress_of_fleet
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.face.tools.arguments import CommandText, Confirm, ReplyWithin, Timeout, changes
from mcp_ssh.model.command import Wish
from mcp_ssh.model.principal import Permission
from mcp_ssh.service.fleet import Fleet
from mcp_ssh.service.fleets import Choice, Teller
from mcp_ssh.service.services import Services

HostNames = Annotated[list[str] | None, Field(description="Names or globs", max_length=1_000)]
Tags = Annotated[str | None, Field(description="Tags such as `web & !canary`", max_length=500)]


def fleet_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""

    async def ssh_run_many(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        command: CommandText,
        ctx: ToolContext,
        hosts: HostNames = None,
        tags: Tags = None,
        parallel: Annotated[int | None, Field(description="Hosts at once")] = None,
        batch: Annotated[int | None, Field(description="Rolling: so many hosts, then the next")] = None,
        pause: Annotated[float, Field(description="Seconds between batches")] = 0,
        stop_on_error: Annotated[bool, Field(description="Begin no further host after one fails")] = False,
        timeout: Timeout = None,  # noqa: ASYNC109  a limit of the command on the host, not of this coroutine
        reply_within: ReplyWithin = None,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.FleetResult]:
        """Run one stateless command on many hosts, by names, globs, tags (both: those that fit both).

        Each is judged by itself; equal answers come once.
        """
        choice = Choice(tuple(hosts or ()), tags, parallel, batch, pause, stop_on_error)
        fleet = await services.fleets.run(
            callers.of(ctx),
            choice,
            Wish(command, timeout),
            reply_within_s=reply_within,
            confirmed=confirm_dangerous,
            tell=_teller(ctx),
        )
        return of_fleet(fleet)

    return [strict_tool(ssh_run_many, title="Run on many hosts", annotations=changes, needs=Permission.EXECUTE)]


def _teller(ctx: ToolContext) -> Teller:
    """Tells a client that asked for progress of each host that is over."""
    known = 0

    async def tell(fleet: Fleet) -> None:
        nonlocal known
        if len(fleet.rows) > known:
            done, total, message = progress_of_fleet(fleet, known)
            known = len(fleet.rows)
            await ctx.report_progress(done, total, message)

    return tell
