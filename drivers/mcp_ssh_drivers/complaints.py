"""A device's own errors, found in its output a block at a time."""

import re
from collections.abc import Sequence


class Complaints:
    """Patterns of error lines.

    Where all begin at a line's start, the newline before it is searched for: a literal, ten times as fast as `^`.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        is_anchored = all(text.startswith("^") and "|^" not in text for text in patterns)
        parts = "|".join(f"(?:{text[1:] if is_anchored else text})" for text in patterns) or r"(?!)"
        self._pattern = re.compile(rf"\n(?:{parts})" if is_anchored else parts, re.MULTILINE)

    def find(self, text: str) -> str | None:
        """The first line of a block of lines that is an error."""
        block = f"\n{text}"
        found = self._pattern.search(block)
        if found is None:
            return None
        start = found.start() + 1 if block[found.start()] == "\n" else block.rfind("\n", 0, found.start()) + 1
        return block[start:].partition("\n")[0].strip()
