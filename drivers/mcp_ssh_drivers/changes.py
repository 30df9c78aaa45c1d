"""What may have changed a host, counted: whatever was prepared under another count is stale."""

from typing import Protocol
from weakref import WeakSet


class Stale(Protocol):
    """Whoever holds something that was prepared."""

    def went_stale(self) -> None:
        """It is stale now. Must be quick: a terminal that shows something says this with every piece."""
        ...


class Changes:
    """Belongs to all drivers of one host together. Who listens is forgotten when nobody else holds it."""

    def __init__(self) -> None:
        self.count = 0
        self._listeners: WeakSet[Stale] = WeakSet()

    def listen(self, listener: Stale) -> None:
        """Tell this one from now on."""
        self._listeners.add(listener)

    def note(self) -> None:
        """Something that may change the host begins, or is over."""
        self.count += 1
        for listener in self._listeners:
            listener.went_stale()
