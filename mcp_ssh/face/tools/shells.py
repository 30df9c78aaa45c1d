"""The second half of the core group: shells, what is said in them, and outputs."""

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import Field

from mcp_ssh.face import answers, schemas
from mcp_ssh.face.callers import Callers, ToolContext
from mcp_ssh.face.rows import rows_of
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.face.tools.arguments import (
    CommandText,
    Confirm,
    HostName,
    MaxBytes,
    Parse,
    ReplyWithin,
    ShellHandle,
    Timeout,
    changes,
    reads,
    teller,
)
from mcp_ssh.model.command import Key, Wish
from mcp_ssh.model.principal import Permission
from mcp_ssh.ports import Stream
from mcp_ssh.service.reading import Place
from mcp_ssh.service.said import Said
from mcp_ssh.service.services import Services

KeyName = Literal["enter", "ctrl-c", "ctrl-d", "ctrl-z", "escape", "space"]


def shell_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""
    terminals, reader = services.terminals, services.reader

    async def ssh_shell(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        host: HostName,
        command: CommandText,
        ctx: ToolContext,
        session: ShellHandle = None,
        mode: Annotated[str | None, Field(description="cli: run it in `privileged` or `config`, then go back")] = None,
        timeout: Timeout = None,  # noqa: ASYNC109  as in ssh_run
        reply_within: ReplyWithin = None,
        max_output_bytes: MaxBytes = None,
        parse: Parse = False,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.RunResult]:
        """Run one command in your shell there: directory, variables and mode stay for the next.

        `waiting_input` brings a question: answer with ssh_send. The shell is yours alone.
        """
        answer, shell = await terminals.run(
            callers.of(ctx),
            host,
            Wish(command, timeout, max_output_bytes, mode),
            session=session,
            reply_within_s=reply_within,
            confirmed=confirm_dangerous,
            tell=teller(ctx),
        )
        rows = await rows_of(services.rows, answer, terminal=True) if parse else None
        return answers.of_answer(answer, shell, rows)

    async def ssh_send(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        host: HostName,
        ctx: ToolContext,
        text: Annotated[str | None, Field(description="One line to say", max_length=4000)] = None,
        key: Annotated[KeyName | None, Field(description="A key instead; ctrl-c interrupts")] = None,
        secret: Annotated[str | None, Field(description="A secret, by name", max_length=100)] = None,
        enter: Annotated[bool, Field(description="Press Enter after the text")] = True,
        session: Annotated[str | None, Field(description="Shell, or handle of a command", max_length=200)] = None,
        timeout: Timeout = None,  # noqa: ASYNC109  as in ssh_run
        reply_within: ReplyWithin = None,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.RunResult]:
        """Answer what asks in your shell, talk to a program that runs there, or interrupt a command."""
        said = Said(text, enter=enter, key=Key(key) if key is not None else None, secret=secret)
        answer, shell = await terminals.send(
            callers.of(ctx),
            host,
            said,
            session=session,
            timeout_s=timeout,
            reply_within_s=reply_within,
            confirmed=confirm_dangerous,
        )
        return answers.of_answer(answer, shell)

    async def ssh_read(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        handle: Annotated[str, Field(description="Handle of a command", max_length=200)],
        ctx: ToolContext,
        offset: Annotated[int, Field(description="First byte")] = 0,
        tail: Annotated[int | None, Field(description="Only the last lines, this many")] = None,
        grep: Annotated[str | None, Field(description="Only lines that fit this regex", max_length=500)] = None,
        stream: Annotated[Literal["stdout", "stderr"], Field(description="Which output")] = "stdout",
        wait: Annotated[float, Field(description="Seconds to wait for the command's end")] = 0,
    ) -> Annotated[CallToolResult, schemas.Reading]:
        """Read on in a long output, or look at a command that still runs. Touches no host."""
        place = Place(Stream(stream), offset, tail, grep)
        return answers.of_reading(await reader.read(callers.of(ctx), handle, place, wait))

    return [
        strict_tool(
            ssh_shell,
            title="Run a command in a shell",
            annotations=changes,
            needs=Permission.EXECUTE,
            answers_as="ssh_run",
        ),
        strict_tool(
            ssh_send,
            title="Answer or interrupt",
            annotations=changes,
            needs=Permission.EXECUTE,
            answers_as="ssh_run",
        ),
        strict_tool(ssh_read, title="Read an output", annotations=reads, needs=Permission.EXECUTE, touches_host=False),
    ]
