"""How something stands that goes on in the background."""

from enum import StrEnum


class State(StrEnum):
    """`COMPLETED`: it came to its end by itself, whatever its exit code.

    `FAILED`: it never ran, or a signal ended it. `UNKNOWN` is said whenever it is true.
    """

    PENDING = "pending"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


over = frozenset({State.COMPLETED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.UNKNOWN})
"""Nothing more comes of it."""
