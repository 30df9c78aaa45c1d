"""The tasks group: commands in the background."""

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mcp_ssh.face import fileviews, fleet, schemas, tasks
from mcp_ssh.face.callers import Callers, ToolContext
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.face.tools.arguments import CommandText, Confirm, HostName, Timeout, changes, reads
from mcp_ssh.model.command import Wish
from mcp_ssh.model.principal import Permission
from mcp_ssh.ports import Stream
from mcp_ssh.service.activity import Activity, Run
from mcp_ssh.service.fleet import Fleet
from mcp_ssh.service.reading import Place
from mcp_ssh.service.services import Services
from mcp_ssh.service.transfer import Transfer

TaskHandle = Annotated[str, Field(description="Handle of a task", max_length=200)]
Wait = Annotated[float, Field(description="Seconds to wait for its end")]


def task_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""

    async def ssh_run_async(
        host: HostName,
        command: CommandText,
        ctx: ToolContext,
        timeout: Timeout = None,  # noqa: ASYNC109  a limit of the command on the host, not of this coroutine
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.TaskState]:
        """Start a command in the background (an hour unless `timeout` says else); as ssh_run otherwise."""
        wish = Wish(command, timeout)
        return tasks.of_state(await services.tasks.start(callers.of(ctx), host, wish, confirmed=confirm_dangerous))

    async def ssh_task(
        ctx: ToolContext,
        task: Annotated[str | None, Field(description="Its handle; default: list yours", max_length=200)] = None,
        wait: Wait = 0,
    ) -> Annotated[CallToolResult, schemas.TaskView]:
        """Tell how a task stands; once it is over, its result. Commands that outlived their call are tasks too."""
        caller = callers.of(ctx)
        if task is None:
            return tasks.of_tasks(services.tasks.all_of(caller))
        return _shown(await services.tasks.look(caller, task, wait))

    async def ssh_task_output(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        task: TaskHandle,
        ctx: ToolContext,
        line: Annotated[int | None, Field(description="From this line on, the first is 1")] = None,
        offset: Annotated[int, Field(description="From this byte on")] = 0,
        tail: Annotated[int | None, Field(description="Only the last lines")] = None,
        stream: Annotated[Literal["stdout", "stderr"], Field(description="Which output")] = "stdout",
        wait: Wait = 0,
    ) -> Annotated[CallToolResult, schemas.TaskReading]:
        """Read a task's output, while it runs or after it. The newest is kept; what was dropped is counted."""
        place = Place(Stream(stream), offset, tail, line=line)
        return tasks.of_output(await services.reader.read(callers.of(ctx), task, place, wait), place.stream)

    async def ssh_cancel(task: TaskHandle, ctx: ToolContext) -> Annotated[CallToolResult, schemas.TaskState]:
        """End a task on its host, with everything that it started."""
        return tasks.of_state(await services.tasks.cancel(callers.of(ctx), task))

    run = Permission.EXECUTE
    return [
        strict_tool(ssh_run_async, title="Start a command", annotations=changes, needs=run),
        strict_tool(ssh_task, title="Look at a task", annotations=reads, needs=run, touches_host=False),
        strict_tool(ssh_task_output, title="Read a task's output", annotations=reads, needs=run, touches_host=False),
        strict_tool(
            ssh_cancel,
            title="End a task",
            annotations=changes,
            needs=run,
            touches_host=False,
            answers_as="ssh_run_async",
        ),
    ]


def _shown(activity: Activity) -> CallToolResult:
    match activity:
        case Run():
            return tasks.of_task(activity)
        case Fleet():
            return fleet.of_fleet(activity)
        case Transfer():
            return fileviews.of_transfer(activity)
        case _:
            return tasks.of_state(activity)
