"""Which transport a host is reached by."""

from collections.abc import Mapping, Sequence

from mcp_ssh.model.host import Host, Way
from mcp_ssh.model.settings import Settings
from mcp_ssh.ports import Connection, Secrets, Through, Transport
from mcp_ssh.transport.ssh import SshTransport
from mcp_ssh.transport.tunnels import Tunnels


class Ways:
    """A `Transport` that is to each host the one that its entry names."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], tunnels: Tunnels | None = None) -> None:
        self._settings = settings
        self._environ = environ
        in_process = SshTransport(settings, tunnels)
        self._ways: dict[Way, Transport] = {Way.ASYNCSSH: in_process, Way.TUNNEL: in_process}

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """As the host's own transport does."""
        if host.way not in self._ways:
            self._ways[host.way] = self._by_program(host.way)
        return await self._ways[host.way].connect(host, addresses, secrets, through)

    def _by_program(self, way: Way) -> Transport:
        """A way that another program leads. Few have one, so nobody pays at the start for what drives it."""
        if way is Way.OPENSSH:
            from mcp_ssh.transport.openssh import OpenSshTransport  # noqa: PLC0415  as above

            return OpenSshTransport(self._settings, self._environ)
        from mcp_ssh.transport.console import CommandTransport  # noqa: PLC0415  as above

        return CommandTransport(self._environ)
