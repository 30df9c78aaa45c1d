"""Arguments that several tools share, said once."""

from typing import Annotated

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_ssh.face.callers import ToolContext
from mcp_ssh.face.tasks import progress_of
from mcp_ssh.service.activity import Run
from mcp_ssh.service.runs import Teller

HostName = Annotated[str, Field(description="A configured host's exact name", max_length=100)]
CommandText = Annotated[str, Field(description="Runs exactly as given")]
Timeout = Annotated[float | None, Field(description="Seconds until it is ended on the host")]
ReplyWithin = Annotated[float | None, Field(description="Seconds until this call answers; it goes on")]
MaxBytes = Annotated[int | None, Field(description="Bytes kept of each output")]
ShellHandle = Annotated[str | None, Field(description="Shell handle; default: your own shell there", max_length=200)]
Parse = Annotated[bool, Field(description="Also as rows, on network devices")]
Confirm = Annotated[bool, Field(description="Only if a person agreed to it")]

reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# That a tool changes something, in an open world, is what the protocol takes for granted where nothing is said.
changes = ToolAnnotations(destructive_hint=True)


def teller(ctx: ToolContext) -> Teller:
    """Tells a client that asked for progress that a command goes on, with its last line."""

    async def tell(run: Run) -> None:
        await ctx.report_progress(round(run.age_s, 1), message=progress_of(run))

    return tell
