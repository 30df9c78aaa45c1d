"""A measurement in a process of its own: memory that others have left free would hide what it takes."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def fresh(measured: Callable[[Sequence[int]], T], sizes: Sequence[int]) -> T:
    """What it gives in a new interpreter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, sizes).result()
