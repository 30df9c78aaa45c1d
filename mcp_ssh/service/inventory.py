"""The configured hosts, as a caller may see them: without a secret, and without a connection."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.host import Host, Inventory, Shell
from mcp_ssh.model.result import SessionView
from mcp_ssh.model.settings import Settings

tag_chars = 50


@dataclass(frozen=True, slots=True)
class HostView:
    """A host with the number of its open sessions."""

    host: Host
    sessions: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be done with a host, and within which limits. Times in seconds; None: no limit of its own.

    `confirm` is None where it depends on who asks; `file_roots` is empty where its files cannot be reached.
    """

    host: str
    enabled: bool
    shell: str
    platform: str | None
    transport: str
    access: str
    confirm: str | None
    tool_groups: tuple[str, ...]
    multiline: bool
    max_command_chars: int
    default_seconds: float
    max_seconds: float | None
    idle_seconds: float | None
    reply_within_seconds: float
    max_output_bytes: int
    max_concurrent: int | None
    file_roots: tuple[str, ...]
    file_deny_paths: tuple[str, ...]
    file_max_bytes: int | None


_of_posix = frozenset({"files", "system"})
"""Groups of tools that work on files and programs of a POSIX host, and not on a device's command line."""


def capabilities(host: Host, settings: Settings) -> Capabilities:
    """What the configuration lets one do with the host. Tells of no secret, not even by its name."""
    limits, is_posix = host.limits, host.shell is Shell.POSIX
    confirm = host.confirm or settings.confirm
    return Capabilities(
        host=host.name,
        enabled=host.enabled,
        shell=host.shell.value,
        platform=host.platform,
        transport=host.way.value,
        access=host.access.value,
        confirm=confirm.value if confirm is not None else None,
        tool_groups=tuple(group for group in settings.tool_groups if is_posix or group not in _of_posix),
        multiline=is_posix or host.multiline,
        max_command_chars=settings.max_command_chars,
        default_seconds=min(settings.command_timeout_s, limits.max_seconds or settings.command_timeout_s),
        max_seconds=limits.max_seconds,
        idle_seconds=limits.idle_seconds,
        reply_within_seconds=settings.reply_within_s,
        max_output_bytes=limits.max_output_bytes or settings.max_output_bytes,
        max_concurrent=limits.max_concurrent,
        file_roots=host.files.roots if is_posix else (),
        file_deny_paths=host.files.deny_paths if is_posix else (),
        file_max_bytes=host.files.max_bytes if is_posix else None,
    )


def listed(inventory: Inventory, open_sessions: Sequence[SessionView], tag: str | None = None) -> tuple[HostView, ...]:
    """The hosts, all or those with the tag, in the order of the file."""
    hosts = tuple(inventory.hosts.values()) if tag is None else _with_tag(inventory, tag)
    sessions = Counter(view.host for view in open_sessions)
    return tuple(HostView(host, sessions[host.name]) for host in hosts)


def _with_tag(inventory: Inventory, tag: str) -> tuple[Host, ...]:
    if len(tag) > tag_chars:
        raise InvalidArgumentError(f"the tag has {len(tag)} characters, the limit is {tag_chars}")
    hosts = inventory.tagged(tag)
    if not hosts:
        known = sorted({each for host in inventory.hosts.values() for each in host.tags})
        raise InvalidArgumentError(f"no host has the tag {tag!r}", hint=f"tags in use: {', '.join(known) or 'none'}")
    return hosts
