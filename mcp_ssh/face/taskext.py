"""The MCP extension for tasks, `io.modelcontextprotocol/tasks` in its revision of 2026-07-28.

A client that declares it gets a task in place of an answer where a call outlives `reply_within`, and asks for the rest
by `tasks/get`. Others get the handle in words, as ever. What is a task is the server's to say.
"""

from collections.abc import Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import HEADER_MISMATCH, CallToolRequestParams, CallToolResult, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from mcp_ssh.face.requests import Request, Requests
from mcp_ssh.face.taskforms import TaskForms, extension
from mcp_ssh.model.principal import Caller
from mcp_ssh.service.tasks import Tasks

tools = frozenset({"ssh_run", "ssh_shell", "ssh_run_many", "ssh_transfer"})
"""Whose calls may outlive their answer."""


class TaskParams(RequestParams):
    """Which task is meant."""

    task_id: str = Field(alias="taskId", max_length=200)


class UpdateParams(TaskParams):
    """Answers to what a task asked; none of ours asks, so each is for nothing that is outstanding, and ignored."""

    input_responses: dict[str, Any] = Field(default_factory=dict, alias="inputResponses")


class TaskExtension(Extension):
    """Tasks of the service, for clients that know the extension."""

    identifier = extension

    def __init__(self, tasks: Tasks, forms: TaskForms, requests: Requests) -> None:
        self._tasks = tasks
        self._forms = forms
        self._requests = requests

    def methods(self) -> Sequence[MethodBinding]:
        """Those of the extension, in the era that has it."""
        rows = (
            ("tasks/get", TaskParams, self._get),
            ("tasks/cancel", TaskParams, self._cancel),
            ("tasks/update", UpdateParams, self._update),
        )
        versions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding(method, params, self._requests.answering(method, answer), versions)
            for method, params, answer in rows
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Give a task in place of an answer that says that the call goes on."""
        result = await call_next(ctx)
        if params.name not in tools or not isinstance(result, CallToolResult) or not declares(ctx):
            return result
        told = result.structured_content or {}
        handle = told.get("task") or told.get("handle")
        activity = self._tasks.find(self._requests.caller(ctx), handle) if isinstance(handle, str) else None
        if activity is None or activity.task is None:
            return result
        return {"resultType": "task", **self._forms.seed(activity)}

    async def _get(self, ctx: Request, caller: Caller, params: TaskParams) -> dict[str, Any]:
        _check(ctx, params)
        return self._forms.of(await self._tasks.look(caller, params.task_id))

    async def _cancel(self, ctx: Request, caller: Caller, params: TaskParams) -> dict[str, Any]:
        _check(ctx, params)
        await self._tasks.cancel(caller, params.task_id)
        return {}

    async def _update(self, ctx: Request, caller: Caller, params: UpdateParams) -> dict[str, Any]:
        _check(ctx, params)
        await self._tasks.look(caller, params.task_id)
        return {}


def declares(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether this request says that its client knows the extension, in an era that has it."""
    if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return False
    capabilities = ctx.session.client_capabilities
    return capabilities is not None and extension in (capabilities.extensions or {})


def _check(ctx: Request, params: TaskParams) -> None:
    """Only who declares the extension may ask, and the header that a proxy routes by must name the same task."""
    require_client_extension(ctx, extension)
    headers = getattr(ctx.request, "headers", {})
    given = headers.get(MCP_NAME_HEADER)
    if given is not None and decode_header_value(given) != params.task_id:
        raise MCPError(
            HEADER_MISMATCH, f"{MCP_NAME_HEADER} header does not match the request body's 'taskId' parameter"
        )
