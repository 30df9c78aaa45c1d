"""The admin group: what whoever runs the daemon may want to do by way of an assistant."""

from typing import Annotated

from mcp_types import CallToolResult, ToolAnnotations

from mcp_ssh.face import schemas, views
from mcp_ssh.face.callers import Callers
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.model.principal import Permission
from mcp_ssh.service.services import Services


def admin_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""

    async def ssh_reload_config() -> Annotated[CallToolResult, schemas.Reloaded]:
        """Read hosts.yaml again, whole or not at all; tells what changed, or each fault and that the old one stays."""
        return views.of_changes(services.reload.for_principal(callers.principal()))

    changes = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    return [
        strict_tool(
            ssh_reload_config, title="Read the configuration again", annotations=changes, needs=Permission.MANAGE
        )
    ]
