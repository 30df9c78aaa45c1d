"""The configured hosts, as a caller may see them: without a secret, and without a connection."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Host, Inventory
from mcp_ssh.model.result import SessionView

tag_chars = 50


@dataclass(frozen=True, slots=True)
class HostView:
    """A host with the number of its open sessions."""

    host: Host
    sessions: int


def listed(inventory: Inventory, open_sessions: Sequence[SessionView], tag: str | None = None) -> tuple[HostView, ...]:
    """The hosts, all or those with the tag, in the order of the file."""
    hosts = tuple(inventory.hosts.values()) if tag is None else _with_tag(inventory, tag)
    names = [view.host for view in open_sessions]
    return tuple(HostView(host, names.count(host.name)) for host in hosts)


def _with_tag(inventory: Inventory, tag: str) -> tuple[Host, ...]:
    if len(tag) > tag_chars:
        raise InvalidArgumentError(f"the tag has {len(tag)} characters, the limit is {tag_chars}")
    hosts = inventory.tagged(tag)
    if not hosts:
        known = sorted({each for host in inventory.hosts.values() for each in host.tags})
        raise InvalidArgumentError(f"no host has the tag {tag!r}", hint=f"tags in use: {', '.join(known) or 'none'}")
    return hosts
