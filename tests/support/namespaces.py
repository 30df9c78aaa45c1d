"""Networks of this machine's own: namespaces in a row, of which each reaches its neighbours and nobody else."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.support.parts import require


@dataclass(frozen=True)
class Place:
    """One namespace with the address under which the one before it reaches it."""

    name: str
    address: str


@contextmanager
def row(count: int) -> Iterator[list[Place]]:
    """So many namespaces, the first beside our own network; gone with the context. Nobody forwards a packet."""
    _require_root()
    mark, net = f"mcp{secrets.token_hex(3)}", secrets.randbelow(250)
    places = [Place(f"{mark}-{n}", f"198.18.{net}.{4 * n + 2}") for n in range(count)]
    try:
        for number, place in enumerate(places):
            before = places[number - 1].name if number else ""
            _link(before, place, f"198.18.{net}.{4 * number + 1}", f"{mark}{number}")
        yield places
    finally:
        for place in places:
            subprocess.run(["ip", "netns", "del", place.name], check=False, capture_output=True)


def _require_root() -> None:
    """Without the right to make a namespace a test skips; in CI it fails."""
    require("ip")
    tried = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    if os.getuid() != 0 or tried.returncode != 0:
        message = "network namespaces take root and CAP_SYS_ADMIN"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def _link(before: str, place: Place, gate: str, mark: str) -> None:
    """A namespace, and the cable between it and the one before it."""
    near, far = f"{mark}a", f"{mark}b"
    _ip("netns", "add", place.name)
    _ip("netns", "exec", place.name, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
    _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", place.name)
    if before:
        _ip("link", "set", near, "netns", before)
    for inside, name, address in ((before, near, gate), (place.name, far, place.address)):
        where = ("-n", inside) if inside else ()
        _ip(*where, "addr", "add", f"{address}/30", "dev", name)
        _ip(*where, "link", "set", name, "up")
    _ip("-n", place.name, "link", "set", "lo", "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
