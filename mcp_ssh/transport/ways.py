"""Which transport a host is reached by."""

from collections.abc import Mapping, Sequence

from mcp_ssh.model.host import Host, Way
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets, Through, Transport
from mcp_ssh.transport.console import CommandTransport
from mcp_ssh.transport.openssh import OpenSshTransport
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh.transport.tunnels import Tunnels


class Ways:
    """A `Transport` that is to each host the one that its entry names."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], tunnels: Tunnels | None = None) -> None:
        in_process = SshTransport(settings, tunnels)
        self._ways: Mapping[Way, Transport] = {
            Way.ASYNCSSH: in_process,
            Way.TUNNEL: in_process,
            Way.OPENSSH: OpenSshTransport(settings, environ),
            Way.COMMAND: CommandTransport(environ),
        }

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """As the host's own transport does."""
        return await self._ways[host.way].connect(host, addresses, secrets, through)
