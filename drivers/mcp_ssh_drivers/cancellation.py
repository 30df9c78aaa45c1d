"""A cancellation that is answered instead of raised."""

import asyncio


def answer_cancellation() -> None:
    """Take a cancellation as answered, so that awaits after it work again and `asyncio.timeout` keeps its count."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
