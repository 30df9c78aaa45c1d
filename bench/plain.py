"""Goal 1: plain exec channels, back to back on a warm connection."""

import tempfile
from pathlib import Path

from bench.clients.client import target_of
from bench.clients.openssh import Mux, OpenSsh
from bench.clients.ours import Ours
from bench.rounds import Plan
from bench.rows import Row, ratio
from bench.warm import beside, hello, measured, peers
from tests.support.sshd import Sshd


def rows(*, quick: bool) -> list[Row]:
    """Our driver with its pre-started shells switched off, beside all others."""
    plan = Plan(3, 3) if quick else Plan(24, 10)
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd") as server:
        target = target_of(server, Path(name))
        found = measured({"ours": Ours(target, fast=False), **peers(target)}, hello, plan)
        anew = measured({"mux": Mux(target), "ssh": OpenSsh(target)}, hello, Plan(plan.rounds, 1))
    what = f"plain exec of `{hello}`"
    return [
        Row(1, f"{what}: ours / mux", ratio(found, "ours", "mux"), "×", 0.35),
        Row(1, f"{what}: ours / libssh2", ratio(found, "ours", "libssh2"), "×", 1.05),
        Row(1, f"{what}: a new ssh each / mux", ratio(anew, "ssh", "mux"), "×"),
        *beside(1, what, found),
    ]
