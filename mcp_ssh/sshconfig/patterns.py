"""Patterns of ssh_config(5), PATTERNS: `*` and `?` alone, lists with commas, and `!` that says no to all of it."""

from collections.abc import Sequence


def fits(text: str, pattern: str) -> bool:
    """Whether the whole text fits one pattern, in time that grows with text times pattern and no faster."""
    at = where = 0
    star, back = -1, 0  # the last star, and the first character that it has not taken yet
    while at < len(text):
        if where < len(pattern) and pattern[where] == "*":
            star, back, where = where, at, where + 1
        elif where < len(pattern) and pattern[where] in {"?", text[at]}:
            at, where = at + 1, where + 1
        elif star >= 0:
            back += 1
            at, where = back, star + 1
        else:
            return False
    return not pattern[where:].strip("*")


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
