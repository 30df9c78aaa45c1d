"""A network of its own for a device: a namespace with one line to us, gone when the context ends."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.support.parts import require


@dataclass(frozen=True)
class Namespace:
    """`here` and `there` are the addresses of both ends; `inside` goes before a command that is to run there."""

    name: str
    here: str
    there: str

    @property
    def inside(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]


@contextmanager
def namespace() -> Iterator[Namespace]:
    """One that nobody else has."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network namespace")
    require("ip")
    mark, net = secrets.token_hex(4), f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(256)}"
    made = Namespace(f"mt-{mark}", f"{net}.1", f"{net}.2")
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", f"mh{mark}", "type", "veth", "peer", "name", f"md{mark}", "netns", made.name)
        _ip("addr", "add", f"{made.here}/30", "dev", f"mh{mark}")
        _ip("link", "set", f"mh{mark}", "up")
        _ip("-n", made.name, "addr", "add", f"{made.there}/30", "dev", f"md{mark}")
        for device in (f"md{mark}", "lo"):
            _ip("-n", made.name, "link", "set", device, "up")
        yield made
    finally:
        _ip("netns", "del", made.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
