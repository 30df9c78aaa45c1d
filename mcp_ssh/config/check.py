"""Pieces of the document against the schema; faults in words, with line, key and the nearest valid key."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mcp_ssh.config.lines import Document, Path
from mcp_ssh.model.faults import Fault

M = TypeVar("M", bound=BaseModel)

_words = {
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "missing": "is required",
}


class Checker:
    """Collects the faults of one document."""

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._document = document
        self._faults: list[Fault] = []
        self._at: set[Path] = set()

    @property
    def faults(self) -> list[Fault]:
        """All faults so far, in the order of the file."""
        return sorted(self._faults, key=lambda fault: fault.line)

    def add(self, path: Path, message: str) -> None:
        """Note a fault at a path; of several at one path (the branches of a union) the first stays."""
        if path in self._at:
            return
        self._at.add(path)
        key = ".".join(str(part) for part in path)
        self._faults.append(Fault(self._file, self._document.line(path), key or "(file)", message))

    def mapping(self, value: Any, path: Path) -> Mapping[str, Any]:
        """The value as a mapping; anything else is a fault, and gives an empty one."""
        if isinstance(value, Mapping):
            return value
        self.add(path, "must be a mapping of keys to values" + (", it is empty" if value is None else ""))
        return {}

    def unknown(self, key: str, known: Iterable[str], path: Path) -> None:
        """Note a key that is not known, with the nearest that is."""
        near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
        self.add((*path, key), f"unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))

    def validate(self, model: type[M], value: Any, path: Path) -> M | None:
        """The value as the model; None if it has faults."""
        if not isinstance(value, Mapping):
            self.mapping(value, path)
            return None
        nulls = [key for key, part in value.items() if part is None]
        for key in nulls:
            self._null(model, key, path)
        try:
            entry = model.model_validate({key: part for key, part in value.items() if part is not None})
        except ValidationError as error:
            for row in error.errors():
                at = row.get("ctx", {}).get("at")
                self._translate(model, row["type"], (*row["loc"], at) if at else row["loc"], row["msg"], path)
            return None
        return None if any(key in model.model_fields and not _takes_null(model, key) for key in nulls) else entry

    def rest(self, model: type[M], value: Any, path: Path) -> tuple[M, set[str]]:
        """What is good of a value that has faults, and the names of the keys that are not."""
        if not isinstance(value, Mapping):
            return model(), set(model.model_fields)
        bad = {path_at[len(path)] for path_at in self._at if len(path_at) > len(path) and path_at[: len(path)] == path}
        good = {key: part for key, part in value.items() if key in model.model_fields and key not in bad}
        return model.model_validate(good), {str(key) for key in bad}

    def _null(self, model: type[BaseModel], key: str, path: Path) -> None:
        if key not in model.model_fields:
            self.unknown(key, model.model_fields, path)
        elif not _takes_null(model, key):
            self.add((*path, key), "has no value; give one, or leave the key out")

    def _translate(self, model: type[BaseModel], kind: str, loc: tuple[int | str, ...], text: str, path: Path) -> None:
        where = (*path, *(part for part in loc if not _is_branch(part)))
        if kind == "extra_forbidden":
            self.unknown(str(loc[-1]), _fields_at(model, loc[:-1]), where[:-1])
        else:
            self.add(where, _words.get(kind, text.replace("Input should be", "must be")))


def _is_branch(part: int | str) -> bool:
    """Pydantic names the branch of a union in its location; the file has no such level."""
    return isinstance(part, str) and (part.startswith("literal[") or part in {"bool", "int", "str"})


def _takes_null(model: type[BaseModel], key: str) -> bool:
    return (
        key in {"keys_dir", "profiles_dir", "secrets_dir", "secret_command", "transfer_dir"}
        and key in model.model_fields
    )


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterable[str]:
    for part in loc:
        field = model.model_fields.get(str(part))
        inner = [each for each in _arguments(field.annotation if field else None) if _is_model(each)]
        if inner:
            model = inner[0]
    return model.model_fields


def _arguments(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *getattr(annotation, "__args__", ()))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
