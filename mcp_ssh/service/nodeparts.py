"""What the services about hosts that come and go have in common."""

from dataclasses import dataclass

from mcp_ssh.config.addedstore import AddedStore
from mcp_ssh.ports import AuditSink, Clock
from mcp_ssh.service.judge import Configured
from mcp_ssh.service.keptfacts import KeptFacts
from mcp_ssh.service.keyrings import Keyrings
from mcp_ssh.service.ownkeys import OwnKeys
from mcp_ssh.service.pipeline import Pipeline
from mcp_ssh.service.reload import Reload
from mcp_ssh.sessions.pool import Pool


@dataclass(frozen=True, slots=True)
class NodeParts:
    """The parts of a daemon that they work with, as the composition root hands them over."""

    configuration: Configured
    pipeline: Pipeline
    pool: Pool
    keyrings: Keyrings
    keys: OwnKeys
    store: AddedStore
    reload: Reload
    audit: AuditSink
    clock: Clock
    kept: KeptFacts
