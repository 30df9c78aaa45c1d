"""The system group: what a POSIX host is, how its services are, and packages for it."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from mcp_ssh.face import systemschemas as schemas
from mcp_ssh.face.callers import Callers, ToolContext
from mcp_ssh.face.strict import StrictTool, strict_tool
from mcp_ssh.face.systemviews import of_installation, of_service, of_survey
from mcp_ssh.face.tools.arguments import Confirm, HostName, changes, reads, teller
from mcp_ssh.model.principal import Permission
from mcp_ssh.service.services import Services


def system_tools(services: Services, callers: Callers) -> list[StrictTool]:
    """The tools; `callers` tells who calls."""
    system, installer = services.system, services.installer

    async def ssh_system_info(
        host: HostName,
        ctx: ToolContext,
        refresh: Annotated[bool, Field(description="Ask again, whatever is known")] = False,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.SystemInfo]:
        """Tell what a posix host is: os, kernel, load, memory, disks, addresses, init system, package manager.

        Each fact has its source; what the host does not tell is absent. Kept for five minutes.
        """
        return of_survey(await system.info(callers.of(ctx), host, refresh=refresh, confirmed=confirm_dangerous))

    async def ssh_service_status(
        host: HostName,
        service: Annotated[str, Field(description="Its name, such as nginx", max_length=200)],
        ctx: ToolContext,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.ServiceStatus]:
        """Tell whether a service exists, is active and starts by itself (systemd, OpenRC, procd, init scripts)."""
        return of_service(await system.status(callers.of(ctx), host, service, confirmed=confirm_dangerous))

    async def ssh_install_package(
        host: HostName,
        packages: Annotated[list[str], Field(description="1 to 20 names", max_length=100)],
        ctx: ToolContext,
        update: Annotated[bool, Field(description="Refresh the package lists first")] = False,
        confirm_dangerous: Confirm = False,
    ) -> Annotated[CallToolResult, schemas.Installed]:
        """Install packages that are not there, with apt, dnf, yum, apk or opkg, as root or by sudo.

        Removes nothing, asks nothing, and tells versions before and after. `running` means that it goes on: ssh_read.
        """
        return of_installation(
            await installer.install(
                callers.of(ctx), host, packages, update=update, confirmed=confirm_dangerous, tell=teller(ctx)
            )
        )

    return [
        strict_tool(ssh_system_info, title="Tell what a host is", annotations=reads, needs=Permission.READ),
        strict_tool(ssh_service_status, title="Tell how a service is", annotations=reads, needs=Permission.READ),
        strict_tool(ssh_install_package, title="Install packages", annotations=changes, needs=Permission.INSTALL),
    ]
