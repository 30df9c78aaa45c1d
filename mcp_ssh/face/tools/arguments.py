"""Arguments that several tools share, said once, and who calls."""

from typing import Annotated

from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_ssh.model.principal import Caller, Principal

HostName = Annotated[str, Field(description="A configured host, by its exact name", max_length=100)]
CommandText = Annotated[str, Field(description="Runs exactly as given")]
Timeout = Annotated[float | None, Field(description="Seconds until it is ended on the host")]
ReplyWithin = Annotated[float | None, Field(description="Seconds until this call answers; the command goes on")]
MaxBytes = Annotated[int | None, Field(description="Bytes kept of each output")]
ShellHandle = Annotated[str | None, Field(description="Shell handle; default: your own shell there", max_length=200)]
Confirm = Annotated[bool, Field(description="Only after a person agreed to the danger")]

ToolContext = Context[str]
"""Its lifespan context names the connection of a client."""

reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)


def caller_of(principal: Principal, ctx: ToolContext) -> Caller:
    """Who calls, by which program, on which connection."""
    params = ctx.request_context.session.client_params
    client = f"{params.client_info.name} {params.client_info.version}"[:100] if params is not None else ""
    return Caller(principal, client, ctx.request_context.lifespan_context)
