"""The nodes group: hosts that are added while the daemon runs, and how far any host is."""

from typing import Annotated

from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mcp_ssh.face import nodeschemas as schemas
from mcp_ssh.face.callers import Callers, ToolContext
from mcp_ssh.face.nodeviews import of_added, of_changed, of_key, of_status
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.face.tools.arguments import HostName, changes, reads
from mcp_ssh.model.principal import Permission
from mcp_ssh.service.adding import NewHost
from mcp_ssh.service.services import Services


def node_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""
    nodes = services.nodes

    async def ssh_add_host(  # noqa: PLR0913, PLR0917  each argument is one of the tool's own
        name: Annotated[str, Field(description="What it is to be called", max_length=100)],
        host: Annotated[str, Field(description="Host name or IP address", max_length=255)],
        user: Annotated[str, Field(description="Login on it", max_length=64)],
        ctx: ToolContext,
        port: int = 22,
        password_secret: Annotated[
            str | None, Field(description="Secret BOOTSTRAP_… with its password, by name; else a person is asked")
        ] = None,
        host_key: Annotated[str | None, Field(description="SHA256:… that it must show, if known")] = None,
    ) -> Annotated[CallToolResult, schemas.NodeChanged]:
        """Add a posix host by a password that is used once: our public key is installed and proved.

        A person must agree. Only within the operator's network list. Never put a password into an argument.
        """
        new = NewHost(name, host, user, port, password_secret, host_key)
        return of_added(await nodes.adder.add(callers.of(ctx), new))

    async def ssh_remove_host(
        host: HostName,
        ctx: ToolContext,
        remove_key: Annotated[bool, Field(description="Take our key off it first")] = True,
    ) -> Annotated[CallToolResult, schemas.NodeChanged]:
        """Remove an added host. Hosts of hosts.yaml are its operator's."""
        return of_changed(await nodes.remove(callers.of(ctx), host, remove_key=remove_key))

    async def ssh_enable_host(
        host: HostName, ctx: ToolContext, enabled: bool = True
    ) -> Annotated[CallToolResult, schemas.NodeChanged]:
        """Switch an added host on, or off."""
        return of_changed(await nodes.enable(callers.of(ctx), host, enabled=enabled))

    async def ssh_host_status(host: HostName, ctx: ToolContext) -> Annotated[CallToolResult, schemas.NodeStatus]:
        """Tell whether a host could be reached, its last error and when it is tried again. Sends nothing."""
        return of_status(nodes.readiness.status(callers.of(ctx).principal, host))

    async def ssh_public_key(ctx: ToolContext) -> Annotated[CallToolResult, schemas.OwnKey]:
        """Tell the public key that mcp-ssh logs in to added hosts with."""
        return of_key(await nodes.public_key(callers.of(ctx).principal))

    manages, switches = Permission.MANAGE, ToolAnnotations(destructive_hint=False, idempotent_hint=True)
    told_there = "ssh_add_host"
    return [
        strict_tool(ssh_add_host, title="Add a host", annotations=changes, needs=manages),
        strict_tool(ssh_remove_host, title="Remove a host", annotations=changes, needs=manages, answers_as=told_there),
        strict_tool(ssh_enable_host, title="Enable a host", annotations=switches, needs=manages, answers_as=told_there),
        strict_tool(
            ssh_host_status, title="Tell how far a host is", annotations=reads, needs=manages, touches_host=False
        ),
        strict_tool(ssh_public_key, title="Tell our public key", annotations=reads, needs=manages, touches_host=False),
    ]
