"""What the service offers, for a face to call."""

from dataclasses import dataclass

from mcp_ssh.outputs.rows import RowReader
from mcp_ssh.service.approvals import Approvals
from mcp_ssh.service.background import Background
from mcp_ssh.service.commands import Commands
from mcp_ssh.service.daemon import Daemon
from mcp_ssh.service.describe import Describer
from mcp_ssh.service.door import Door
from mcp_ssh.service.evidence import Calls
from mcp_ssh.service.files import Files
from mcp_ssh.service.fleets import Fleets
from mcp_ssh.service.installs import Installer
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.nodes import Nodes
from mcp_ssh.service.reading import Reader
from mcp_ssh.service.reload import Reload
from mcp_ssh.service.system import System
from mcp_ssh.service.tasks import Tasks
from mcp_ssh.service.terminals import Terminals
from mcp_ssh.service.tokens import Tokens
from mcp_ssh.service.transfers import Transfers


@dataclass(frozen=True, slots=True)
class Services:
    """One of each."""

    daemon: Daemon
    commands: Commands
    describer: Describer
    system: System
    installer: Installer
    terminals: Terminals
    reader: Reader
    tasks: Tasks
    background: Background
    fleets: Fleets
    approvals: Approvals
    tokens: Tokens
    keyrings: Keyrings
    reload: Reload
    door: Door
    calls: Calls
    rows: RowReader
    files: Files
    transfers: Transfers
    nodes: Nodes
