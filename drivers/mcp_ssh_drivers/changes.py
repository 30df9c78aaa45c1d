"""What may have changed a host, counted: whatever was prepared under another count is stale."""

from dataclasses import dataclass


@dataclass(slots=True)
class Changes:
    """Belongs to all drivers of one host together."""

    count: int = 0

    def note(self) -> None:
        """Something that may change the host begins, or is over."""
        self.count += 1
