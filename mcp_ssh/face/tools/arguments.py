"""Arguments that several tools share, said once, and who calls."""

from collections.abc import Callable
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_ssh.face.hygiene import clean, drawn_over
from mcp_ssh.model.principal import Caller, Principal
from mcp_ssh.service.runs import Run, Teller

HostName = Annotated[str, Field(description="A configured host, by its exact name", max_length=100)]
CommandText = Annotated[str, Field(description="Runs exactly as given")]
Timeout = Annotated[float | None, Field(description="Seconds until it is ended on the host")]
ReplyWithin = Annotated[float | None, Field(description="Seconds until this call answers; the command goes on")]
MaxBytes = Annotated[int | None, Field(description="Bytes kept of each output")]
ShellHandle = Annotated[str | None, Field(description="Shell handle; default: your own shell there", max_length=200)]
Confirm = Annotated[bool, Field(description="Only after a person agreed to the danger")]

streamable_path = "/mcp"
ToolContext = Context[str]
"""Its lifespan context names the connection of a client."""
Who = Callable[[], Principal]
"""For whom the call is that is answered now."""

reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)


def caller_of(who: Who, ctx: ToolContext) -> Caller:
    """Who calls, by which program, on which connection."""
    params = ctx.request_context.session.client_params
    client = f"{params.client_info.name} {params.client_info.version}"[:100] if params is not None else ""
    return Caller(who(), client, _conversation(ctx))


def _conversation(ctx: ToolContext) -> str:
    """The connection that a call belongs to: the stream's, or the session's of Streamable HTTP.

    A request of the 2026 era over HTTP has none: empty.
    """
    request = ctx.request_context.request
    if request is None or not request.url.path.endswith(streamable_path):
        return str(ctx.request_context.lifespan_context)
    return str(request.headers.get("mcp-session-id", ""))


def teller(ctx: ToolContext) -> Teller:
    """Tells a client that asked for progress that a command goes on, with its last line."""

    async def tell(run: Run) -> None:
        await ctx.report_progress(round(run.age_s, 1), message=clean(drawn_over(run.last_line()))[:200] or None)

    return tell
