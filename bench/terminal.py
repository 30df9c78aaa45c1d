"""Megabytes through the terminal engine: is the work linear, how much of it is matching, is memory bounded?

`python -m bench.terminal` takes about ten seconds; `--quick` a second, for the tests.
"""

import argparse
import json
import re
import time
import tracemalloc
from collections.abc import Iterator, Sequence

from bench.rows import Row
from mcp_ssh_drivers.capture import HeadTail
from mcp_ssh_drivers.complaints import Complaints
from mcp_ssh_drivers.dialogue import Dialogue
from mcp_ssh_drivers.exchange import Arrived
from mcp_ssh_drivers.profile import Profile
from mcp_ssh_drivers.prompt import PromptReader
from mcp_ssh_drivers.registry import known

kept_bytes = 1_048_576
chunk_bytes = 32_768
quick_sizes, usual_sizes = (200_000, 1_000_000), (10_000_000, 50_000_000)
linear_slack = 1.25
line = b"GigabitEthernet1/0/%d is up, line protocol is up (connected), 5 minute input rate 1234 bits/sec, 5#\r\n"


def stream(size: int) -> Iterator[bytes]:
    """That many bytes of a device's output, in chunks as a channel gives them."""
    block = b"".join(line % number for number in range(1_000))
    whole = block * (size // len(block) + 1)
    for start in range(0, size, chunk_bytes):
        yield whole[start : min(start + chunk_bytes, size)]


def matching(profile: Profile, size: int) -> float:
    """CPU seconds for the patterns alone, on the same text: errors on all of it, the rest on each unfinished line."""
    complaints = Complaints(profile.errors)
    patterns = [*(each.match for each in profile.pager), *(each.match for each in profile.questions)]
    tails = [re.compile(pattern) for pattern in patterns]
    prompts = PromptReader(profile.prompt, profile.modes)
    texts = [chunk.decode("ascii").replace("\r", "") for chunk in stream(size)]
    began = time.process_time()
    for text in texts:
        done, _, tail = text.rpartition("\n")
        complaints.find(done)
        if prompts.read(tail) is None:
            for pattern in tails:
                pattern.search(tail)
    return time.process_time() - began


def run(profile: Profile, size: int) -> float:
    """CPU seconds for one command's output of that size."""
    dialogue = Dialogue(profile, PromptReader(profile.prompt, profile.modes))
    now = 0.0
    dialogue.received(b"\r\nsw1#", now)
    now = dialogue.wake_at or now
    _arrive(dialogue, now)
    output = HeadTail(kept_bytes)
    dialogue.send("show interfaces", output, now, at_once=True)
    dialogue.received(b"show interfaces\r\n", now)
    chunks = list(stream(size))
    began = time.process_time()
    for chunk in chunks:
        now += 0.0001
        dialogue.received(chunk, now)
    spent = time.process_time() - began
    dialogue.received(b"\r\nsw1#", now)
    _arrive(dialogue, dialogue.wake_at or now)
    return spent


def _arrive(dialogue: Dialogue, now: float) -> None:
    if not any(isinstance(action, Arrived) for action in dialogue.woken(now)):
        raise RuntimeError("the prompt was not seen")


def peak_bytes(profile: Profile, size: int) -> int:
    """The most memory that a command's output took beside its chunks."""
    chunks = list(stream(size))
    dialogue = Dialogue(profile, PromptReader(profile.prompt, profile.modes))
    dialogue.received(b"\r\nsw1#", 0.0)
    dialogue.woken(dialogue.wake_at or 0.0)
    dialogue.send("show interfaces", HeadTail(kept_bytes), 1.0, at_once=True)
    tracemalloc.start()
    for number, chunk in enumerate(chunks):
        dialogue.received(chunk, 1.0 + number / 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure(sizes: Sequence[int], rounds: int) -> dict[str, float]:
    """All figures; the rounds of all sizes are interleaved, and the least of each counts."""
    profile = known()["cisco_ios"]
    spent: dict[int, list[float]] = {size: [] for size in sizes}
    matched: list[float] = []
    for _ in range(rounds):
        for size in sizes:
            spent[size].append(run(profile, size))
        matched.append(matching(profile, sizes[-1]))
    small, large = sizes[0], sizes[-1]
    return {
        "bytes_ratio": large / small,
        "cpu_ratio": min(spent[large]) / min(spent[small]),
        "cpu_s_small": min(spent[small]),
        "cpu_s_large": min(spent[large]),
        "matching_s_large": min(matched),
        "peak_bytes_small": peak_bytes(profile, small),
        "peak_bytes_large": peak_bytes(profile, large),
    }


def rows(*, quick: bool) -> list[Row]:
    """Goal 8: what the search for prompts and complaints costs, and that the whole work is linear."""
    found = figures(quick=quick)
    what = f"{(quick_sizes if quick else usual_sizes)[-1] // 1_000_000} MB through a terminal"
    longer = found["bytes_ratio"]
    return [
        Row(8, f"{what}: search for the prompt", found["matching_s_large"], "s of CPU", 0.1),
        Row(8, f"{what}: CPU for {longer:g} × the bytes", found["cpu_ratio"], "×", longer * linear_slack),
        Row(8, f"{what}: all of the engine", found["cpu_s_large"], "s of CPU"),
        Row(8, f"{what}: memory beside what is kept", (found["peak_bytes_large"] - kept_bytes) / 1e6, "MB"),
    ]


def figures(*, quick: bool) -> dict[str, float]:
    """What `measure` finds of the usual sizes, or of small ones."""
    return measure(quick_sizes, 1) if quick else measure(usual_sizes, 3)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(figures(quick=parser.parse_args().quick), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
