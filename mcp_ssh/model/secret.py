"""A secret that cannot be printed by accident."""

from typing import final


@final
class Secret:
    """Holds a secret text. Its `repr`, `str` and format are stars; `reveal()` is the one way to the text.

    It does not pickle, and it compares by identity, so that neither a traceback with locals nor a cache key leaks it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Call it where the text is used, not where it is passed on."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('****')"

    def __str__(self) -> str:
        return "****"

    def __format__(self, spec: str) -> str:
        return format("****", spec)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")
