"""What a client shows to a person rather than to a model: resources, prompts, completions, and news of changes."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import (
    CompleteRequestParams,
    EmptyResult,
    GetPromptRequestParams,
    NotificationParams,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    SetLevelRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    UnsubscribeRequestParams,
)

from mcp_ssh.face import prompts
from mcp_ssh.face.completions import Completions
from mcp_ssh.face.requests import Answer, Request, Requests
from mcp_ssh.face.resources import Resources
from mcp_ssh.face.strict import Face
from mcp_ssh.face.subscriptions import Subscriptions
from mcp_ssh.face.taskext import TaskExtension
from mcp_ssh.face.taskforms import TaskForms
from mcp_ssh.face.tasknews import TaskNews
from mcp_ssh.face.uris import Kind, known
from mcp_ssh.face.watching import Sight
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError, UnknownHostError
from mcp_ssh.model.principal import Caller, Principal
from mcp_ssh.service.services import Services

Tools = Callable[[Principal], Sequence[str]]
"""The names of the tools that a principal is shown."""


class Guide:
    """All of it, for one server. Its lifespan and its end need to know `subscriptions`; `tasks` is an extension."""

    def __init__(self, services: Services, face: Face, tools: Tools) -> None:
        forms = TaskForms(services.tasks, services.daemon, face.needles)
        self._requests = Requests(face)
        self._daemon = services.daemon
        self._tools = tools
        self._resources = Resources(services.daemon, services.reader, face.needles)
        self._completions = Completions(services.daemon, services.reader)
        self.tasks = TaskExtension(services.tasks, forms, self._requests)
        news = TaskNews(services.tasks, forms)
        self.subscriptions = Subscriptions(face.callers.principal, self.see, services.reload, news)

    def bind(self, server: Server[str]) -> None:
        """Serve every request that is not about tools."""
        requests, told = self._requests, self.subscriptions
        rows: list[tuple[str, type[Any], Answer]] = [
            ("resources/list", PaginatedRequestParams, lambda _, who, p: self._resources.page(who.principal, p.cursor)),
            ("resources/templates/list", PaginatedRequestParams, lambda _, __, p: self._resources.templates(p.cursor)),
            ("resources/read", ReadResourceRequestParams, lambda _, who, p: self._resources.read(who, p.uri)),
            ("resources/subscribe", SubscribeRequestParams, self._subscribe),
            ("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe),
            ("prompts/list", PaginatedRequestParams, lambda _, __, p: prompts.listed(p.cursor)),
            ("prompts/get", GetPromptRequestParams, self._prompt),
            ("logging/setLevel", SetLevelRequestParams, self._level),
            ("completion/complete", CompleteRequestParams, lambda _, who, p: self._completions.complete(who, p)),
        ]
        for method, params, answer in rows:
            server.add_request_handler(method, params, requests.answering(method, answer))
        listen = requests.answering("subscriptions/listen", told.listen, is_stream=True)
        server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, listen)
        server.add_notification_handler("notifications/initialized", NotificationParams, self._initialized)

    def see(self, principal: Principal, addresses: Sequence[str]) -> Sight:
        """What a principal sees now."""
        rows = tuple(f"{row.uri} {row.description}" for row in self._resources.rows(principal))
        return Sight(tuple(self._tools(principal)), rows, {each: self._text(principal, each) for each in addresses})

    def _text(self, principal: Principal, address: str) -> str | None:
        try:
            return self._resources.facts(principal, known(address))
        except UnknownHostError:
            return None

    def _prompt(self, ctx: Request, caller: Caller, params: GetPromptRequestParams) -> Any:
        del ctx
        return prompts.filled(self._daemon, caller.principal, params.name, params.arguments)

    def _subscribe(self, ctx: Request, caller: Caller, params: SubscribeRequestParams) -> EmptyResult:
        where = known(params.uri)
        if where.kind is Kind.OUTPUT:
            raise InvalidArgumentError("an output cannot be subscribed to", hint="ssh_read with `wait` tells its end")
        self._resources.facts(caller.principal, where)  # one that is not there is not subscribed to
        self.subscriptions.subscribe(ctx, caller, params.uri)
        return EmptyResult()

    def _level(self, ctx: Request, caller: Caller, params: SetLevelRequestParams) -> EmptyResult:
        self.subscriptions.set_level(ctx, caller, params.level)
        return EmptyResult()

    def _unsubscribe(self, ctx: Request, caller: Caller, params: UnsubscribeRequestParams) -> EmptyResult:
        self.subscriptions.unsubscribe(ctx, caller, params.uri)
        return EmptyResult()

    async def _initialized(self, ctx: Request, params: NotificationParams) -> None:
        """A client of the 2025 era is there; from now on it hears of changes."""
        del params
        with contextlib.suppress(McpSshError):  # one that may not call is told so when it does
            self.subscriptions.begin(ctx, self._requests.caller(ctx))


async def truthful(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Server middleware: capabilities say what is told of: lists of tools and resources change, prompts never do."""
    result = await call_next(ctx)
    if ctx.method in {"initialize", "server/discover"} and isinstance(result, dict):
        offered = result["capabilities"]
        for name in ("tools", "resources", "prompts"):
            offered[name] = offered[name] | {"listChanged": name != "prompts"}
        if ctx.method == "server/discover":
            offered.pop("logging", None)  # of tasks this era has news of its own
        if ctx.method == "initialize":
            offered.pop("extensions", None)  # they are of the later era
    return result
