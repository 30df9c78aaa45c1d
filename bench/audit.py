"""The audit log: what its whole path costs a command, and how fast a log is verified.

`python -m bench.audit` prints milliseconds a command for one caller and for sixteen at once, with and without what can
be switched on, in interleaved rounds; then the seconds that 100,000 records take to verify, and a record's size.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mcp_ssh.app import SystemClock
from mcp_ssh.audit.chain import Link, seal
from mcp_ssh.audit.disk.reading import verified
from mcp_ssh.audit.disk.sink import AuditLog, Options
from mcp_ssh.audit.keys import key_of
from mcp_ssh.audit.record import Event, Form, fields_of
from mcp_ssh.audit.redact import redact

secret = "0123456789abcdef" * 2


def new_key() -> str:
    """A private Ed25519 key."""
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(*form).decode()


ways = {
    "plain": Options(),
    "endings synced, too": Options(sync_always=True),
    "hmac": Options(key=key_of(secret)),
    "ed25519": Options(key=key_of(new_key())),
}
decided = {
    "id": "0123456789abcdef",
    "principal": "token:ops",
    "client": "a-client 2.1.0",
    "host": "prod-web-1",
    "tool": "ssh_run",
    "command": "systemctl status nginx --no-pager | head -20",
    "verdict": "read_only",
    "decision": "allow",
    "reason": "nothing dangerous was found",
}
finished = {
    **{name: decided[name] for name in ("id", "principal", "client", "host", "tool", "command")},
    "session": "0123456789ab",
    "address": "10.0.0.11:22",
    "user": "ubuntu",
    "host_key": "SHA256:" + "A" * 43,
    "outcome": "completed",
    "exit_code": 0,
    "duration_ms": 12.3,
    "bytes": 1_234,
    "output_sha256": "0" * 64,
}


async def command(log: AuditLog) -> None:
    """The records of one command."""
    await log.append(Event.DECIDED, decided)
    log.note(Event.STARTED, {name: decided[name] for name in ("id", "host", "tool")})
    await log.append(Event.FINISHED, finished)


async def cost(folder: Path, name: str, callers: int, commands: int) -> float:
    """Milliseconds a command."""
    path = folder / f"{name.replace(' ', '-')}-{callers}.log"
    async with AuditLog(str(path), SystemClock(), lambda: ("hunter2hunter2",), ways[name]) as log:
        began = time.perf_counter()
        for _ in range(commands // callers):
            await asyncio.gather(*(command(log) for _ in range(callers)))
        return (time.perf_counter() - began) / (commands // callers * callers) * 1e3


def costs(rounds: int, commands: int) -> dict[str, dict[str, float]]:
    """Medians of interleaved rounds."""
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name in ways:
                for callers in (1, 16):
                    found.setdefault((name, callers), []).append(
                        asyncio.run(cost(Path(folder), name, callers, commands))
                    )
    return {
        name: {f"{callers} at once": round(statistics.median(found[name, callers]), 3) for callers in (1, 16)}
        for name in ways
    }


def written(path: Path, count: int) -> int:
    """A log of that many records, and its bytes."""
    last = Link()
    with path.open("w", encoding="ascii") as file:
        for number in range(count):
            fields = fields_of(
                Event.DECIDED if number % 2 else Event.FINISHED, decided if number % 2 else finished, number, Form()
            )
            line, last = seal(fields, last)
            file.write(line + "\n")
    return path.stat().st_size


def verifying(count: int) -> dict[str, object]:
    """Seconds to verify, the best of three."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.log"
        size = written(path, count)
        times = list[float]()
        for _ in range(3):
            began = time.perf_counter()
            report = verified(path)
            times.append(time.perf_counter() - began)
            assert report.ok  # noqa: S101  a bench of nothing is no bench
            assert report.records == count  # noqa: S101  as above
    return {"records": count, "seconds": round(min(times), 3), "bytes a record": size // count}


def redacting() -> float:
    """Microseconds to redact a command."""
    text, times = str(decided["command"]), list[float]()
    for _ in range(200):
        began = time.perf_counter()
        redact(text, ("hunter2hunter2",))
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1e6, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of it, to see that it runs")
    options = parser.parse_args(arguments)
    rounds, commands, records = (1, 32, 1_000) if options.quick else (7, 800, 100_000)
    print(json.dumps({"ms a command": costs(rounds, commands)}))  # noqa: T201
    print(json.dumps({"redaction, µs": redacting()}, ensure_ascii=False))  # noqa: T201
    print(json.dumps({"verify": verifying(records)}))  # noqa: T201


if __name__ == "__main__":
    main()
