"""A start without the garbage collector: nothing that a daemon imports or wires at its start is ever garbage."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Started = Callable[[], None]
"""Tells that the start is over."""


@contextmanager
def starting() -> Iterator[Started]:
    """The collector rests until the start is over, and never looks at what is there then. In the end it works again."""
    gc.disable()
    try:
        yield _started
    finally:
        gc.enable()


def _started() -> None:
    gc.freeze()
    gc.enable()
