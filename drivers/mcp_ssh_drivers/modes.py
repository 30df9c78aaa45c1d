"""The modes of a device as a graph: which steps lead from one to another."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_ssh_drivers.profile import Step


@dataclass(frozen=True, slots=True)
class Move:
    """One step: what to send, the mode it must lead to, and whether a password is asked for on the way."""

    send: str
    to: str
    password: bool = False


class NoWayError(ValueError):
    """There is no way between these modes."""


def way(enter: Mapping[str, Step], here: str, there: str) -> list[Move]:
    """The shortest way. Each mode has one door: in from the mode `before` it, and out to that again."""
    up, down = _chain(enter, here), _chain(enter, there)
    common = next((mode for mode in up if mode in down), None)
    if common is None:
        raise NoWayError(f"there is no way from mode {here!r} to mode {there!r}")
    leaving = [Move(enter[mode].leave, enter[mode].before) for mode in up[: up.index(common)]]
    entering = [Move(enter[mode].send, mode, enter[mode].password) for mode in reversed(down[: down.index(common)])]
    return leaving + entering


def _chain(enter: Mapping[str, Step], mode: str) -> list[str]:
    """The mode and all modes before it."""
    chain = [mode]
    while chain[-1] in enter and enter[chain[-1]].before not in chain:
        chain.append(enter[chain[-1]].before)
    return chain
