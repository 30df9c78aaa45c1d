"""Cancellations that are answered instead of raised, and work that none of them disturbs."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def answer_cancellation() -> None:
    """Take a cancellation as answered, so that awaits after it work again and `asyncio.timeout` keeps its count."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


async def undisturbed(work: Coroutine[object, object, T]) -> T:
    """What the work gives, whoever cancels meanwhile: what is being ended on a host is ended, and what ran is recorded.

    The work must be bounded in time. Cancellations that come while it goes on are answered by its end.
    """
    # A task of its own, because a cancellation goes to whatever a task waits for; it is waited for to its end, here.
    task = asyncio.get_running_loop().create_task(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            answer_cancellation()
    return task.result()
