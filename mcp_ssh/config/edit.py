"""hosts.yaml as a file that people write: changed entry by entry, comments and unknown keys kept, written whole.

What is written was read by the loader before: a change that would bring a fault changes nothing.
"""

import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import Platforms, parse
from mcp_ssh.model.faults import ConfigurationError, Fault

_fresh = "# Hosts of mcp-ssh. hosts.example.yaml shows everything that a host can have.\nhosts: {}\n"


class HostsDocument:
    """The file as it is now, with changes that are not written yet."""

    def __init__(self, path: Path, platforms: Platforms) -> None:
        """Read the file; one that is not there counts as empty. Raises `ConfigurationError` if it is no YAML."""
        self.path = path
        self._platforms = platforms
        self._yaml = YAML()
        self._yaml.preserve_quotes = True
        self._yaml.width = 4_096
        try:
            self._before = path.read_text("utf-8")
        except FileNotFoundError:
            self._before = ""
        except (OSError, UnicodeDecodeError) as error:
            raise self._fault(f"cannot be read: {error}") from None
        try:
            self._data = self._yaml.load(self._before or _fresh)
        except YAMLError as error:
            raise self._fault(f"is no YAML: {error}") from None
        if not isinstance(self._data, CommentedMap) or not isinstance(self._data.get("hosts", {}), Mapping | None):
            raise self._fault("must be a mapping with `hosts`")
        indent = 4 if "\n    " in self._before and "\n  " not in self._before.replace("\n    ", "") else 2
        self._yaml.indent(mapping=indent, sequence=indent + 2, offset=indent)

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        """The entries by name."""
        return dict(self._data.get("hosts") or {})

    @property
    def keys_dir(self) -> str | None:
        """`settings.keys_dir` as it stands there."""
        found = (self._data.get("settings") or {}).get("keys_dir")
        return found if isinstance(found, str) else None

    def put(self, name: str, fields: Mapping[str, Any]) -> None:
        """Set these keys of a host, made if it is new; a value of None takes the key out. Others are left alone."""
        if not isinstance(self._data.get("hosts"), CommentedMap) or self._data["hosts"].fa.flow_style():
            self._data["hosts"] = CommentedMap(self._data.get("hosts") or {})
        entry = self._data["hosts"].setdefault(name, CommentedMap())
        for key, value in fields.items():
            if value is None:
                entry.pop(key, None)
            elif isinstance(value, Mapping):
                flow = CommentedMap(value)
                flow.fa.set_flow_style()
                entry[key] = flow
            elif entry.get(key) != value:
                entry[key] = value

    def remove(self, name: str) -> None:
        """Take a host out."""
        self._data["hosts"].pop(name, None)

    def text(self) -> str:
        """The file as it would be written."""
        out = io.StringIO()
        self._yaml.dump(self._data, out)
        return out.getvalue()

    def check(self) -> None:
        """Whether a change brings a fault. Raises `ConfigurationError` with those that were not there before."""
        before = {(fault.key, fault.message) for fault in self._faults(self._before or _fresh)}
        new = [fault for fault in self._faults(self.text()) if (fault.key, fault.message) not in before]
        if new:
            raise ConfigurationError(new)

    def _faults(self, text: str) -> Sequence[Fault]:
        try:
            parse(text, self.path, Environment(self.path, Path.home()), self._platforms)
        except ConfigurationError as error:
            return error.faults
        return ()

    def save(self) -> None:
        """Write whole or not at all, readable by its owner alone. Raises `ConfigurationError`; then nothing changed.

        A file that somebody else has changed meanwhile is not written over.
        """
        self.check()
        now = self.path.read_text("utf-8") if self.path.exists() else ""
        if now != self._before:
            raise self._fault("was changed by somebody else meanwhile; nothing was written, start again")
        text = self.text()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        real = self.path.resolve()  # a link stays one
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=".hosts-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(real)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._before = text

    def _fault(self, message: str) -> ConfigurationError:
        return ConfigurationError([Fault(str(self.path), 1, "(file)", message)])
