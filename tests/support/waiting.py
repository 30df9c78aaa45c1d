"""Waiting in a test for what is bound to happen."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], object], complaint: str = "it did not come about in ten seconds") -> None:
    """Return as soon as it holds, while the loop goes on; AssertionError with the complaint after ten seconds."""
    try:
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(complaint) from None
