"""Goal 2: a warm command as an assistant calls it, with a pause between two calls in which a client may make ready."""

import tempfile
from pathlib import Path

from bench.clients.client import Target, target_of
from bench.clients.ours import Ours
from bench.rounds import Plan
from bench.rows import Row, ratio
from bench.warm import beside, hello, measured, peers, who
from tests.support.sshd import Sshd

pause_s = 0.02


def rows(*, quick: bool) -> list[Row]:
    """A builtin of the shell, and a program that it has to start."""
    plan = Plan(2, 2, pause_s) if quick else Plan(24, 5, pause_s)
    with tempfile.TemporaryDirectory() as name, Sshd(Path(name) / "sshd") as server:
        target = target_of(server, Path(name))
        return [*of_command(target, hello, 0.45, plan), *of_command(target, who, 0.70, plan)]


def of_command(target: Target, command: str, bound: float, plan: Plan) -> list[Row]:
    """One command, by all."""
    found = measured({"ours": Ours(target), **peers(target)}, command, plan)
    what = f"`{command}`, {pause_s * 1e3:g} ms between calls"
    return [
        Row(2, f"{what}: ours / libssh2", ratio(found, "ours", "libssh2"), "×", bound),
        Row(2, f"{what}: ours / mux", ratio(found, "ours", "mux"), "×"),
        *beside(2, what, found),
    ]
