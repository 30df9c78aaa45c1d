"""The one way in of requests that call no tool: answered for whoever asks, recorded, and without a secret of ours."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST
from mcp_types.version import is_version_at_least
from pydantic import BaseModel

from mcp_ssh.audit.scrub import scrubbed_text
from mcp_ssh.face.callers import ToolContext
from mcp_ssh.face.consent import input_required_since
from mcp_ssh.face.hygiene import clean
from mcp_ssh.face.strict import Face
from mcp_ssh.face.uris import Kind, UnknownResourceError, located
from mcp_ssh.face.views import scrubbed
from mcp_ssh.model.errors import (
    InvalidArgumentError,
    McpSshError,
    PermissionMissingError,
    UnknownHostError,
    UnknownSessionError,
)
from mcp_ssh.model.principal import Caller

resource_not_found = -32002
"""Of the 2025 era; from 2026-07-28 on what is not there is an invalid parameter."""

telling_nothing = frozenset({"resources/templates/list", "prompts/list", "logging/setLevel"})
"""What says the same to everybody leaves no record when it is answered."""

Request = ServerRequestContext[str]
Answered = BaseModel | dict[str, Any]
Answer = Callable[[Request, Caller, Any], Answered | Awaitable[Answered]]


class Requests:
    """Makes handlers for the SDK."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def answering(
        self, method: str, answer: Answer, *, is_stream: bool = False
    ) -> Callable[[Request, Any], Awaitable[HandlerResult]]:
        """A handler of that method. A stream is recorded when it begins, all else when it is answered."""

        async def handle(ctx: Request, params: Any) -> HandlerResult:
            caller, about = None, _about(params)
            try:
                caller = self.caller(ctx)
                if is_stream:
                    self._asked(caller, method, about)
                given = answer(ctx, caller, params)
                result = await given if inspect.isawaitable(given) else given
            except McpSshError as error:
                if self._face.calls is not None:
                    self._face.calls.refused(caller, method, about, error)
                raise self._refusal(ctx, params, error) from None
            if not is_stream:
                self._asked(caller, method, about)
            if isinstance(result, BaseModel):
                result = result.model_dump(by_alias=True, mode="json", exclude_none=True)
            told: dict[str, Any] = scrubbed(result, self._face.needles)
            return told

        return handle

    def caller(self, ctx: Request) -> Caller:
        """Who asks. Raises `PermissionMissingError`."""
        return self._face.callers.of(ToolContext(request_context=ctx))

    def _asked(self, caller: Caller, method: str, about: Mapping[str, str]) -> None:
        if self._face.calls is not None and method not in telling_nothing:
            self._face.calls.asked(caller, method, about)

    def _refusal(self, ctx: Request, params: Any, error: McpSshError) -> MCPError:
        """The error as the protocol has it: one sentence, and its parts for programs."""
        data = {"code": error.code, "hint": error.hint}
        if isinstance(uri := getattr(params, "uri", None), str):
            data["uri"] = uri
        message = clean(f"{error.message}; hint: {error.hint}" if error.hint else error.message)
        code = _code(error, ctx.protocol_version, is_read="uri" in data)
        return MCPError(code, scrubbed_text(message, self._face.needles), scrubbed(data, self._face.needles))


def _code(error: McpSshError, version: str, *, is_read: bool) -> int:
    """The protocol's number for an error; `is_read`: of a request for what stands at an address."""
    match error:
        case UnknownHostError() | UnknownSessionError() | UnknownResourceError() if is_read:
            return INVALID_PARAMS if is_version_at_least(version, input_required_since) else resource_not_found
        case UnknownHostError() | UnknownSessionError() | InvalidArgumentError():
            return INVALID_PARAMS
        case PermissionMissingError():
            return INVALID_REQUEST
        case _:
            return INTERNAL_ERROR


def _about(params: Any) -> Mapping[str, str]:
    """What is on record of a request: the host or the output that it is about."""
    where = located(params.uri) if isinstance(getattr(params, "uri", None), str) else None
    if where is not None and where.name:
        return {"handle" if where.kind is Kind.OUTPUT else "host": where.name}
    if isinstance(handle := getattr(params, "task_id", None), str):
        return {"handle": handle}
    host = (getattr(params, "arguments", None) or {}).get("host")
    return {"host": host} if isinstance(host, str) else {}
