"""What this process has of memory, in KiB, by the kernel's count (proc(5))."""

from pathlib import Path

status = Path("/proc/self/status")


def now_kib() -> int:
    """What is resident now."""
    return _field("VmRSS")


def most_kib() -> int:
    """The most that ever was."""
    return _field("VmHWM")


def _field(name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
