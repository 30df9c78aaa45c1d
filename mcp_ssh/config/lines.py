"""YAML as plain data that remembers on which line each key stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

max_nodes = 100_000

Path = tuple[str | int, ...]


class YamlError(ValueError):
    """The text is no YAML that we take; `line` is where it ends to be."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(slots=True)
class Document:
    """The data, the line of each key path, and the keys that stand twice (of which YAML would keep the last)."""

    data: Any
    lines: Mapping[Path, int]
    duplicates: list[Path] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of the path, or of the nearest part of it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Document:
    """Parse. Raises `YamlError`."""
    try:
        loader = yaml.SafeLoader(text)
        walk = _Walk(loader)
        root = loader.get_single_node()
        data = None if root is None else walk.value(root, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(line, f"not YAML: {error.reason}") from None
    except YamlError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(1, f"not YAML: {str(error).partition(chr(10))[0] or type(error).__name__}") from None
    return Document(data, walk.lines, walk.duplicates)


class _Walk:
    """One pass over the node tree. Aliases are followed, so the number of visits is what must be bounded."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._visits = 0
        self.lines: dict[Path, int] = {}
        self.duplicates: list[Path] = []

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._visits += 1
        line = node.start_mark.line + 1
        if self._visits > max_nodes:
            raise YamlError(line, f"more than {max_nodes} values; aliases multiply")
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self._note_duplicates(node, path)
        self._loader.flatten_mapping(node)  # `<<: *anchor`; merged keys come first, own ones win
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            self.lines[*path, key] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*path, key))
        return result

    def _note_duplicates(self, node: yaml.MappingNode, path: Path) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self._key(key_node)
            if key in seen:
                self.duplicates.append((*path, key))
                self.lines[*path, key] = key_node.start_mark.line + 1
            seen.add(key)

    @staticmethod
    def _key(node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlError(node.start_mark.line + 1, "a key must be a plain word")
        return str(node.value)
