"""Tools that refuse what they do not know, in words that a model can act on.

The SDK accepts unknown arguments silently and hides every exception but its own behind "Error executing tool".
"""

import difflib
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, InputRequiredResult, ResourceLink, ToolAnnotations
from mcp_types.version import is_version_at_least
from pydantic import PrivateAttr, ValidationError

from mcp_ssh.audit.scrub import Needles
from mcp_ssh.face.callers import Callers
from mcp_ssh.face.consent import answer_of, ask, can_ask
from mcp_ssh.face.views import refusal, without_secrets
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError, PermissionMissingError
from mcp_ssh.model.loginerrors import LoginQuestionError
from mcp_ssh.model.principal import Caller, Permission, Principal
from mcp_ssh.model.question import most_rounds
from mcp_ssh.model.refusals import ApprovalRequiredError
from mcp_ssh.service.evidence import Calls

links_since = "2025-06-18"
"""The first revision of the protocol in which a result may hold links to resources."""


@dataclass(frozen=True, slots=True)
class Face:
    """What all tools of a server share: who calls, where that is recorded, and what no reply may hold."""

    callers: Callers = field(default_factory=lambda: Callers(_nobody))
    calls: Calls | None = None
    needles: Needles = field(default_factory=lambda: Needles(tuple))


def _nobody() -> Principal:
    raise PermissionMissingError("nobody calls")


class StrictTool(Tool):
    """A tool whose arguments are checked by name and type, and whose errors come back whole."""

    needs: Permission | None = None
    touches_host: bool = True
    _face: Face = PrivateAttr(default_factory=Face)

    def belong_to(self, face: Face) -> None:
        """Serve the callers of this server."""
        self._face = face

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool; whatever was foreseen comes back as a result with `is_error`, and nothing goes unrecorded."""
        try:
            self._refuse_unknown(arguments)
            result = await self._answered(arguments, context, convert_result)
        except McpSshError as error:
            if self._face.calls is not None:
                self._face.calls.refused(self._caller(context), self.name, arguments, error)
            return without_secrets(refusal(error), self._face.needles)
        if not self.touches_host and self._face.calls is not None:
            self._face.calls.asked(self._face.callers.of(context), self.name, arguments)
        return without_secrets(_as_spoken(result, context), self._face.needles)

    def _caller(self, context: Context[Any, Any]) -> Caller | None:
        try:
            return self._face.callers.of(context)
        except McpSshError:
            return None

    async def _answered(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool) -> Any:
        """Run it; where a person must agree and can be asked, ask, and run it once more with the answer.

        A person approves once a call; what a host asks during a login may take several rounds.
        """
        answer = answer_of(context)
        for _ in range(most_rounds + 2):
            try:
                with self._face.callers.answered(answer):
                    return await self._plainly(arguments, context, convert_result)
            except (ApprovalRequiredError, LoginQuestionError) as needed:
                is_answered = answer is not None and isinstance(needed, ApprovalRequiredError)
                if is_answered or not can_ask(context):
                    raise
                given = await ask(context, needed)
            if isinstance(given, InputRequiredResult):
                return given
            answer = given
        raise AssertionError  # a login has fewer rounds

    async def _plainly(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool) -> Any:
        """As the SDK runs it, with our errors as they are."""
        try:
            return await super().run(arguments, context, convert_result=convert_result)
        except ToolError as error:
            match error.__cause__:
                case McpSshError() as cause:
                    raise cause from None
                case ValidationError() as cause:
                    raise _invalid(cause) from None
                case _:
                    raise

    def _refuse_unknown(self, arguments: Mapping[str, Any]) -> None:
        known = self.parameters["properties"]
        for name in arguments:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                guess = f", did you mean {near[0]!r}?" if near else ""
                raise InvalidArgumentError(
                    f"unknown argument {name[:100]!r}{guess}; nothing was sent",
                    hint=f"{self.name} takes: {', '.join(known) or 'no arguments'}",
                )


def strict_tool(  # noqa: PLR0913  what a tool is, word by word
    fn: Callable[..., Any],
    *,
    title: str,
    annotations: ToolAnnotations,
    needs: Permission | None = None,
    touches_host: bool = True,
    answers_as: str | None = None,
) -> StrictTool:
    """A tool from a function: its name and docstring are the tool's, its schemas are strict and without ballast.

    Principals without the permission `needs` are not shown it. `answers_as` names the tool whose output schema is this
    one's as well: it stands there alone, since each copy is paid for in every conversation.
    """
    tool = StrictTool.from_function(fn, title=title, annotations=annotations)
    tool.fn_metadata.arg_model = _forbidding(tool.fn_metadata.arg_model)
    tool.parameters = _slim_input({"additionalProperties": False} | tool.parameters)
    tool.description = inspect.cleandoc(tool.description)
    if tool.fn_metadata.output_schema is not None:
        schema = _slim_output(tool.fn_metadata.output_schema)
        tool.fn_metadata.output_schema = schema if answers_as is None else _said_there(answers_as)
    assert isinstance(tool, StrictTool)  # noqa: S101  from_function makes what it is called on
    tool.needs, tool.touches_host = needs, touches_host
    return tool


def _said_there(tool: str) -> dict[str, Any]:
    return {"type": "object", "description": f"That of {tool}"}


def _as_spoken(result: Any, context: Context[Any, Any]) -> Any:
    """A result as the client's revision knows it: older clients may refuse the whole of one with a link in it."""
    version = context.protocol_version
    if isinstance(result, CallToolResult) and version is not None and not is_version_at_least(version, links_since):
        result.content = [block for block in result.content if not isinstance(block, ResourceLink)]
    return result


def _forbidding(model: type[Any]) -> type[Any]:
    """The model, strict. It is built once more, and never a third time: each takes a millisecond of the start."""
    return types.new_class(model.__name__, (model,), {"extra": "forbid", "strict": True})


def _slim(schema: Any) -> Any:
    """A schema without titles: they repeat the name, and every token of it is paid for in every conversation."""
    if isinstance(schema, dict):
        return {
            key: {name: _slim(value) for name, value in part.items()} if key == "properties" else _slim(part)
            for key, part in schema.items()
            if key != "title"
        }
    return [_slim(part) for part in schema] if isinstance(schema, list) else schema


def _slim_input(schema: Any) -> Any:
    """An argument that may be left out need not say that it may be null as well; whoever sends null is understood.

    Nor does a text say how long it may be: none comes near that, and whose does is told the figure.
    """
    slim = _slim(schema)
    words = {f"#/$defs/{name}": part for name, part in slim.pop("$defs", {}).items()}
    slim["properties"] = {name: _slim_argument(part, words) for name, part in slim["properties"].items()}
    return slim


def _slim_argument(part: dict[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in part.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1 and part.get("default", ...) is None:
        part = kinds[0] | {key: value for key, value in part.items() if key not in {"anyOf", "default"}}
    whole = words.get(str(part.get("$ref")), {}) | part
    dropped = {"$ref", "maxLength"} | ({"default"} if whole.get("default") is False else set())
    return {key: value for key, value in whole.items() if key not in dropped}


_ballast = frozenset({"title", "description", "default", "required", "sparse", "$defs"})


def _slim_output(schema: Any, named: Mapping[str, Any] | None = None) -> Any:
    """Names and types: what is always there needs no default, what is used once no name; nobody reads the sentences."""
    if isinstance(schema, list):
        return [_slim_output(part, named) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if named is None:
        named = {**schema.get("$defs", {}), "sparse": schema.get("sparse", False)}
    elif "properties" in schema:  # what has properties is an object; only the whole must say so
        schema = {key: part for key, part in schema.items() if key != "type"}
    if "$ref" in schema:
        return _slim_output(named[schema["$ref"].removeprefix("#/$defs/")], named)
    kinds = schema.get("anyOf", ())
    if named.get("sparse") and len(kinds) == 2 and kinds[1] == {"type": "null"}:  # noqa: PLR2004
        return _slim_output(kinds[0], named)
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and isinstance(kinds[0].get("type"), str):  # noqa: PLR2004
        return _slim_output(kinds[0], named) | {"type": [kinds[0]["type"], "null"]}
    return {
        key: {name: _slim_output(value, named) for name, value in part.items()}
        if key == "properties"
        else _slim_output(part, named)
        for key, part in schema.items()
        if key not in _ballast and not (key == "additionalProperties" and part is True) and not _is_plain(key, part)
    }


def _is_plain(key: str, part: Any) -> bool:
    """Whether it says no more of an array than that all of it is of one plain kind, as its name tells."""
    return key == "items" and part.keys() == {"type"}


def _invalid(error: ValidationError) -> InvalidArgumentError:
    faults = [f"{'.'.join(str(part) for part in row['loc'])}: {row['msg'][:200].lower()}" for row in error.errors()]
    return InvalidArgumentError(f"{'; '.join(faults)}; nothing was sent", hint="correct the arguments and call again")
