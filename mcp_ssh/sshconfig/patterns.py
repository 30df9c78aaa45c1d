"""Patterns of ssh_config(5), PATTERNS: `*` and `?` alone, lists with commas, and `!` that says no to all of it."""

import functools
import re
from collections.abc import Sequence


@functools.lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Stars in a row are one: more of them would only make the matching slow.
    parts = re.split(r"(\*+|\?)", pattern)
    return re.compile("".join(".*" if part[:1] == "*" else "." if part == "?" else re.escape(part) for part in parts))


def fits(text: str, pattern: str) -> bool:
    """Whether the whole text fits one pattern."""
    return _compiled(pattern).fullmatch(text) is not None


def fits_line(name: str, patterns: Sequence[str]) -> bool:
    """Whether a `Host` line with these patterns is about the name."""
    if any(fits(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fits(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def fits_list(text: str, patterns: str, *, lower: bool = False) -> bool:
    """Whether the text fits a list with commas, as a condition of `Match` has it."""
    if lower:
        text, patterns = text.lower(), patterns.lower()
    return fits_line(text, [each for each in patterns.split(",") if each])


def is_pattern(word: str) -> bool:
    """Whether a word of a `Host` line means more than one name, or takes names away."""
    return word.startswith("!") or any(char in word for char in "*?")
