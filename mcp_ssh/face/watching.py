"""Who is told when a reload changes what it can see: pure comparison of what was seen and what is seen now.

Nobody is told of what it does not see: each look is made for the principal that asked to be told, by the rights that it
has at that moment.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent, ToolsListChanged

from mcp_ssh.face.tasknotes import TaskNote, TaskNotes

most_addresses = 200
"""That one client may be told of."""


News = ServerEvent | TaskNote
"""What a client may be told of."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a principal sees: its tools, its rows of resources/list, and what stands at addresses (None: nothing)."""

    tools: tuple[str, ...]
    rows: tuple[str, ...]
    texts: Mapping[str, str | None]


Look = Callable[[Sequence[str]], Sight | None]
"""What is seen now, with what stands at these addresses; None where the one who asked may see nothing any more."""


@dataclass(slots=True, eq=False)
class Watch:
    """One client that is told. `tell` hands it one event; `end` ends a stream that is there for nothing else.

    `notes` is what happened to its tasks, where it is told of that.
    """

    look: Look
    tell: Callable[[News], Awaitable[None]]
    end: Callable[[], None] = lambda: None
    addresses: dict[str, None] = field(default_factory=dict)
    seen: Sight | None = None
    notes: TaskNotes | None = None

    def news(self) -> Sequence[ServerEvent]:
        """What has changed since the last look. One that may see nothing any more is ended."""
        before, self.seen = self.seen, self.look(tuple(self.addresses))
        if self.seen is None:
            self.end()
        return changes(before, self.seen) if before is not None and self.seen is not None else ()

    def add(self, address: str) -> None:
        """Tell of what stands at this address as well."""
        self.addresses[address] = None
        now = self.look([address])
        if now is not None and self.seen is not None:  # what else has changed by now is still news
            self.seen = replace(self.seen, texts={**self.seen.texts, **now.texts})


def changes(before: Sight, after: Sight) -> Sequence[ServerEvent]:
    """What a client is told between two looks; nothing where it would read the same."""
    events: list[ServerEvent] = []
    if before.tools != after.tools:
        events.append(ToolsListChanged())
    if before.rows != after.rows:
        events.append(ResourcesListChanged())
    texts = before.texts
    return [*events, *(ResourceUpdated(at) for at, text in after.texts.items() if at in texts and texts[at] != text)]
