"""One complete configuration, and the holder that swaps it whole or not at all."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mcp_ssh.model.faults import Fault
from mcp_ssh.model.host import Inventory
from mcp_ssh.model.policy import Policy
from mcp_ssh.model.principal import Token
from mcp_ssh.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Site:
    """Where MCP is served. `faces` holds `sse` and `http`; empty: stdio. `origins`: those of pages that may call."""

    faces: frozenset[str] = frozenset()
    host: str = "127.0.0.1"
    port: int = 8000
    public_base_url: str | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable, complete configuration; `path` is the file it came from.

    `left_out` are the faults of files of added hosts: those are not there, and all else is. `warnings` are what stands
    in the user's SSH configuration and is not done; `watched` the files and folders there that count beside `path`.
    """

    inventory: Inventory
    settings: Settings
    path: str
    tokens: tuple[Token, ...] = ()
    site: Site = Site()
    policy: Policy = field(default_factory=Policy)
    left_out: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    watched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reload changed, by host name. `settings` tells whether any setting did."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    settings: bool

    def among(self, names: Collection[str]) -> "Changes":
        """Those of these hosts."""

        def those(group: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in group if name in names)

        return Changes(those(self.added), those(self.removed), those(self.changed), self.settings)


class Configuration:
    """Holds the snapshot that is in force. Everybody asks it anew, nobody keeps a part."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        """Read the first snapshot. Raises `ConfigurationError`."""
        self._read = read
        self._current = read()

    @property
    def current(self) -> Snapshot:
        """The snapshot that is in force now."""
        return self._current

    def reload(self) -> Changes:
        """Read the file again. A file with faults changes nothing. Raises `ConfigurationError`."""
        before, after = self._current, self._read()
        self._current = after
        old, new = before.inventory.hosts, after.inventory.hosts
        return Changes(
            added=tuple(name for name in new if name not in old),
            removed=tuple(name for name in old if name not in new),
            changed=tuple(name for name in new if name in old and new[name] != old[name]),
            settings=(before.settings, before.site) != (after.settings, after.site),
        )
