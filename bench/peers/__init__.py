"""Ours beside other servers that run commands over SSH, spoken to over stdio by the SDK's own client.

Each server runs as its manual says, against one sshd on loopback; ours with its judgement, and with an audit log that
is on the disk before a command is sent. Nobody else's has both. `make peers` installs the others; whoever is missing is
told as missing. `python -m bench.peers` takes some minutes, `--quick` some seconds.
"""

import statistics
from collections.abc import Collection, Iterator

from bench.peers.known import own
from bench.peers.measuring import Found, little, measured, usual
from bench.peers.peer import Kind
from bench.peers.running import expected
from bench.rows import Rounds, Row, median, ratio

goal = 10
chars_a_token = 4
persistent = "mcp-ssh-gateway run"
absent = "not installed"


def rows(*, quick: bool) -> list[Row]:
    """The goals, and beside them what each server takes."""
    found = measured(little if quick else usual)
    return [*goals(found), *times(found), *starts(found), *sizes(found), *missing(found)]


def goals(found: Found) -> Iterator[Row]:
    """Ours by the fastest of those that open a channel for each command, and by the shell that stays open."""
    channels = {f"{what.peer} {what.tool}" for what in found.calls if what.kind is Kind.EXEC and what.peer != own.name}
    for command in expected:
        for apart in (True, False):
            rounds = found.rounds(command, apart=apart)
            how = f"{command}, {'20 ms between calls' if apart else 'back to back'}"
            yield _goal(f"ssh_run / fastest exec peer: {how}", rounds, "ours ssh_run", channels)
            yield _goal(f"ssh_shell / gateway's shell: {how}", rounds, "ours ssh_shell", {persistent})


def _goal(what: str, rounds: Rounds, way: str, rivals: Collection[str]) -> Row:
    """The worst of the ratios, so that it holds against each of them."""
    ratios = {rival: ratio(rounds, way, rival) for rival in rivals if rival in rounds}
    if not ratios:
        return Row(goal, what, 0, absent)
    worst = max(ratios, key=lambda rival: ratios[rival])
    note = f"{worst}: {median(rounds, worst):.2f} ms, ours {median(rounds, way):.2f}"
    return Row(goal, what, ratios[worst], "×", 1.0, note=note)


def times(found: Found) -> Iterator[Row]:
    """Each tool on each command, and the part of ours that is MCP alone."""
    yield Row(None, "ours: a call that touches nothing", statistics.median(found.empty_ms), "ms")
    for command in expected:
        apart, at_once = (found.rounds(command, apart=each) for each in (True, False))
        for way in apart:
            note = f"{median(at_once, way):.2f} back to back"
            yield Row(None, f"{way}: {command}", median(apart, way), "ms", note=note)


def starts(found: Found) -> Iterator[Row]:
    """From the spawn of each to its first answer."""
    for name, seconds in found.starts.items():
        yield Row(None, f"{name}: start to initialize", statistics.median(seconds), "s")


def sizes(found: Found) -> Iterator[Row]:
    """What an assistant reads of each before the first word."""
    for name, chars in found.chars.items():
        yield Row(None, f"{name}: tools/list", chars, "characters", note=f"about {chars // chars_a_token} tokens")


def missing(found: Found) -> Iterator[Row]:
    """Those that were not measured."""
    for name, why in found.missing.items():
        yield Row(None, name, 0, why, note="make peers" if why == absent else "")
