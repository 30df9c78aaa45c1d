"""Patterns of the operator, searched in time that is linear in the text.

RE2 takes all that it can; a pattern with look-around or back-references, which RE2 refuses by design, runs in a
backtracking engine with a time limit, and running out of it counts as a hit: an expensive pattern may be a nuisance, it
may not be a hole.
"""

from dataclasses import dataclass
from typing import Protocol

import re2
import regex

max_pattern_chars = 1_000
search_timeout_s = 0.05


class PatternError(ValueError):
    """The text is no pattern; the message names the fault."""


class _Engine(Protocol):
    def search(self, text: str) -> tuple[int, int] | None: ...


@dataclass(frozen=True, slots=True)
class _Linear:
    compiled: "re2._Regexp"

    def search(self, text: str) -> tuple[int, int] | None:
        found = self.compiled.search(text)
        return (int(found.start()), int(found.end())) if found else None


@dataclass(frozen=True, slots=True)
class _Backtracking:
    compiled: "regex.Pattern[str]"

    def search(self, text: str) -> tuple[int, int] | None:
        try:
            found = self.compiled.search(text, timeout=search_timeout_s)
        except TimeoutError:
            return (0, len(text))
        return found.span() if found else None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `text` is as the operator wrote it. Case counts, and it may match anywhere."""

    text: str
    _engine: _Engine

    def search(self, text: str) -> tuple[int, int] | None:
        """Where the pattern first matches, as (start, end); the whole text if that took too long."""
        # RE2 works on UTF-8, which has no lone surrogates; they are invisible to an operator's pattern either way.
        return self._engine.search(text.encode("utf-8", "replace").decode("utf-8"))


def compile_pattern(text: str) -> Pattern:
    """Compile once, when the configuration is loaded. Raises `PatternError`."""
    if len(text) > max_pattern_chars:
        raise PatternError(f"the pattern has {len(text)} characters, the limit is {max_pattern_chars}")
    if not text:
        raise PatternError("an empty pattern would match every command")
    options = re2.Options()
    options.log_errors = False
    try:
        return Pattern(text, _Linear(re2.compile(text, options)))
    except re2.error:
        pass
    try:
        return Pattern(text, _Backtracking(regex.compile(text)))
    except regex.error as error:
        raise PatternError(f"not a regular expression: {error}") from None
