"""Our client in a process of its own, so that what it takes of memory is nobody else's: a line in, a line out."""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import IO, Self, cast

from bench.clients.client import Target, answer_wait_s
from bench.clients.ours import Ours
from bench.memory import most_kib
from bench.warm import hello


@dataclass(frozen=True, slots=True)
class Told:
    """One command: how long it took, what came, and what the process grew by since its first small command."""

    seconds: float
    sent: int
    sha256: str
    grown_kib: int


class Apart:
    """The process, from the parent's side."""

    def __init__(self, target: Target) -> None:
        words = [sys.executable, "-m", "bench.apart", json.dumps(asdict(target))]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, command: str) -> Told:
        """Run it there."""
        cast("IO[str]", self._process.stdin).write(command + "\n")
        cast("IO[str]", self._process.stdin).flush()
        line = cast("IO[str]", self._process.stdout).readline()
        if not line:
            raise RuntimeError("our client ended; what it said stands above")
        return Told(**json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=answer_wait_s)


async def _serve(target: Target) -> None:
    client = Ours(target)
    await client.open()
    await client.run(hello)
    before = most_kib()
    while command := sys.stdin.readline().rstrip("\n"):
        began = time.perf_counter()
        result = await client.result(command)
        took = time.perf_counter() - began
        told = Told(took, result.stdout.sent, result.stdout.sha256, most_kib() - before)
        sys.stdout.write(json.dumps(asdict(told)) + "\n")
        sys.stdout.flush()
    await client.close()


if __name__ == "__main__":
    asyncio.run(_serve(Target(**json.loads(sys.argv[1]))))
