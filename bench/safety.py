"""The classifier on the vectors: what it finds, what it blocks without need, and how long it takes.

`python -m bench.safety` prints recall and false alarms by file and family, and the time of one judgement; files of
`{"command", "driver" or "platform", "mode"?, "expect": "blocked" | "allowed"}` lines may be given to be measured, too.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mcp_ssh.cli.classify import verdict_of
from mcp_ssh.model.decision import Level

folder = Path(__file__).parents[1] / "tests" / "vectors" / "safety"


@dataclass(frozen=True)
class Case:
    """A command with what is expected of it."""

    command: str
    platform: str
    mode: str | None
    blocked: bool
    family: str


def of_text(name: str, *, blocked: bool) -> Iterator[Case]:
    """Our own lines."""
    family, platform, mode = "", "posix", None
    for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            parts = [part.strip() for part in line[3:].split("|")]
            family, platform, mode = parts[0], [*parts, "posix"][1], [*parts, "", ""][2] or None
        elif line and not line.startswith("# "):
            yield Case(line.replace("⏎", "\n"), platform, mode, blocked, family)


def of_json(path: Path) -> Iterator[Case]:
    """Lines of a JSONL file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        platform = str(row.get("platform") or row.get("driver") or "posix")
        yield Case(row["command"], platform, row.get("mode"), row["expect"] == "blocked", str(row.get("category", "")))


def measure(name: str, cases: Iterable[Case], *, show: bool) -> dict[str, object]:
    """Recall, false alarms and times of these cases."""
    wrong, seen, times = Counter[bool](), Counter[bool](), list[float]()
    for case in cases:
        began = time.perf_counter()
        verdict = verdict_of(case.command, case.platform, case.mode)
        times.append(time.perf_counter() - began)
        seen[case.blocked] += 1
        if (verdict.level is Level.DANGEROUS) is not case.blocked:
            wrong[case.blocked] += 1
            if show:
                print("missed:" if case.blocked else "false alarm:", case.family, case.platform, ascii(case.command))  # noqa: T201
    times.sort()
    return {
        "file": name,
        "destructive": seen[True],
        "recall": round(1 - wrong[True] / seen[True], 4) if seen[True] else None,
        "harmless": seen[False],
        "false_alarms": round(wrong[False] / seen[False], 4) if seen[False] else None,
        "p50_ms": round(statistics.median(times) * 1e3, 3),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 3),
    }


def all_files() -> list[tuple[str, list[Case]]]:
    """Our own vectors and the examples beside them."""
    own = [
        (kind, [*of_text(f"{kind}-dangerous", blocked=True), *of_text(f"{kind}-harmless", blocked=False)])
        for kind in ("posix", "network")
    ]
    examples = [case for path in sorted((folder / "examples").glob("*.jsonl")) for case in of_json(path)]
    return [*own, ("examples", examples)]


def long_lines() -> dict[str, object]:
    """Milliseconds, the best of five, for 64 kB that once made judges slow."""
    found: dict[str, object] = {"file": "64 kB"}
    for part in ("dd ", "<<A ", "$(", "a=b;", "x|"):
        line = (part * (65_536 // len(part) + 1))[:65_536]
        times = list[float]()
        for _ in range(5):
            began = time.perf_counter()
            verdict_of(line, "posix", None)
            times.append(time.perf_counter() - began)
        found[part] = round(min(times) * 1e3, 1)
    return found


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--show", action="store_true", help="each case that was judged wrongly")
    options = parser.parse_args()
    for path in options.files:
        print(json.dumps(measure(path.name, of_json(path), show=options.show)))  # noqa: T201
    for name, cases in all_files() if not options.files else []:
        print(json.dumps(measure(name, cases, show=options.show)))  # noqa: T201
    if not options.files:
        print(json.dumps(long_lines()))  # noqa: T201


if __name__ == "__main__":
    main()
