"""What a prompt is: a full match of the drawn tail, strong if it is the one that was learned.

A pattern alone is weak: `Total: 5#` looks like a prompt. So the base (the host's own part of the prompt) is learned at
login and again after commands that may change it, and from then on only base plus a mode's suffix is strong.
"""

import re
from dataclasses import dataclass

max_tail_chars = 4_096


@dataclass(frozen=True, slots=True)
class PromptFound:
    """A prompt on the tail. `suffix` is what follows the base, such as `(config-if)#`; the mode is read from it."""

    text: str
    base: str
    suffix: str
    mode: str
    is_strong: bool


class PromptReader:
    """Reads prompts of one session. `modes` are patterns on the suffix by name; the last that fits is the mode.

    `view` is what may follow the learned base: with it a view behind a name is told from a longer name.
    """

    def __init__(self, pattern: str, modes: dict[str, str], view: str | None = None) -> None:
        self._pattern = re.compile(pattern)
        self._view = re.compile(view) if view is not None else None
        self._modes = {name: re.compile(text) for name, text in modes.items()}
        self._base: str | None = None

    @property
    def base(self) -> str | None:
        """The learned base."""
        return self._base

    def learn(self, found: PromptFound) -> None:
        """From now on this base is strong."""
        self._base = found.base

    def forget(self) -> None:
        """The prompt may be another one after this: only weak matches until it is learned again."""
        self._base = None

    def read(self, tail: str) -> PromptFound | None:
        """The prompt that the whole tail is, if it is one."""
        text = tail.rstrip()
        if not text or len(text) > max_tail_chars:
            return None
        found = self._pattern.fullmatch(text) or self._pattern.fullmatch(tail)
        if found is None:
            return None
        base = found.groupdict().get("base")
        if base is None:  # an operator's own pattern has no groups: all of it but the closing character is the base
            base = text[:-1]
            suffix = text[-1:]
        else:
            base = self._known_base(text, found.start("base")) or base
            suffix = text[found.start("base") + len(base) :]
        return PromptFound(text, base, suffix, self._mode(suffix), base == self._base)

    def _known_base(self, text: str, start: int) -> str | None:
        """The learned base, if it stands there with a view behind it."""
        if self._view is None or self._base is None or not text.startswith(self._base, start):
            return None
        return self._base if self._view.fullmatch(text, start + len(self._base)) else None

    def begins(self, line: str) -> bool:
        """Whether a line of output begins with the learned prompt: then the device shows its own transcript."""
        return self._base is not None and bool(self._base) and line.startswith(self._base) and line != self._base

    def _mode(self, suffix: str) -> str:
        fitting = [name for name, pattern in self._modes.items() if pattern.search(suffix)]
        return fitting[-1] if fitting else ""
