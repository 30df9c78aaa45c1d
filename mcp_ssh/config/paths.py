"""Paths as the file writes them, made absolute."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """`~` is `home`, whoever runs the daemon; relative paths start in `base`, the folder of the file."""

    home: Path
    base: Path

    def absolute(self, text: str) -> str:
        """The path without `~` and `..`; links are left as they are."""
        if text == "~" or text.startswith("~/"):
            return os.path.normpath(self.home / text[2:])
        return os.path.normpath(self.base / text)

    def key(self, text: str, keys_dir: str | None) -> str | None:
        """The path of a private key; None if a relative one would leave `keys_dir`."""
        if keys_dir is None or text.startswith(("~", "/")):
            return self.absolute(text)
        folder = self.absolute(keys_dir)
        path = os.path.normpath(os.path.join(folder, text))  # noqa: PTH118  normpath has no counterpart in pathlib
        return path if path.startswith(folder.rstrip("/") + "/") else None
