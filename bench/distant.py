"""Goal 3: a host that is a round trip of 20 ms away, with pauses in which a client may make itself ready."""

import tempfile
from pathlib import Path

from bench.clients.client import target_of
from bench.clients.ours import Ours
from bench.relay import relay, round_trip_s
from bench.rounds import Plan
from bench.rows import Row, ratio
from bench.warm import beside, hello, measured, peers
from tests.support.sshd import Sshd

one_way_s, pause_s = 0.010, 0.15


def rows(*, quick: bool) -> list[Row]:
    """All through the same relay."""
    plan = Plan(2, 1, pause_s) if quick else Plan(20, 3, pause_s)
    trip_s = round_trip_s(one_way_s, 10 if quick else 100)
    with (
        tempfile.TemporaryDirectory() as name,
        Sshd(Path(name) / "sshd") as server,
        relay(server.port, one_way_s) as link,
    ):
        target = target_of(server, Path(name), link.port)
        found = measured({"ours": Ours(target), **peers(target)}, hello, plan)
    what = f"`{hello}` at 20 ms round trip"
    return [
        Row(3, f"{what}: ours / libssh2", ratio(found, "ours", "libssh2"), "×", 0.55),
        Row(3, f"{what}: ours / mux", ratio(found, "ours", "mux"), "×", 0.55),
        Row(3, "a ping and its answer through the relay", trip_s * 1e3, "ms"),
        *beside(3, what, found),
    ]
