"""The lines of `tests/vectors/safety`: a heading tells their family, platform and mode."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "vectors" / "safety"


@dataclass(frozen=True)
class Line:
    """One command of a file."""

    command: str
    family: str
    platform: str = "posix"
    mode: str | None = None

    def __str__(self) -> str:
        return f"{self.platform}-{self.command}"


def lines(name: str) -> Iterator[Line]:
    """All lines of a file such as `posix-dangerous`."""
    family, platform, mode = "", "posix", None
    for text in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if text.startswith("## "):
            family, platform, mode = (*(part.strip() for part in text[3:].split("|")), *[None] * 3)[:3]  # type: ignore[assignment]
            platform = platform or "posix"
        elif text and not text.startswith("# "):
            yield Line(text.replace("⏎", "\n"), family, platform, mode)
