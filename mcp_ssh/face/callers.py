"""Who calls: for whom, by which program, on which connection, and what a person there said to a question."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mcp.server.mcpserver import Context

from mcp_ssh.face.consent import can_ask
from mcp_ssh.model.principal import Answer, Caller, Principal

streamable_path = "/mcp"
ToolContext = Context[str]
"""Its lifespan context names the connection of a client."""
Who = Callable[[], Principal]
"""For whom the call is that is answered now."""


class Callers:
    """Makes callers; one for a server."""

    def __init__(self, who: Who) -> None:
        self._who = who
        self._answer: ContextVar[Answer | None] = ContextVar("answer", default=None)

    def principal(self) -> Principal:
        """For whom the call is that is answered now. Raises `PermissionMissingError` for a token that is gone."""
        return self._who()

    def of(self, ctx: ToolContext) -> Caller:
        """Who calls, as far as the program says it."""
        params = ctx.request_context.session.client_params
        client = f"{params.client_info.name} {params.client_info.version}"[:100] if params is not None else ""
        return Caller(self._who(), client, _conversation(ctx), can_ask(ctx), self._answer.get())

    @contextmanager
    def answered(self, answer: Answer | None) -> Iterator[None]:
        """Calls in here come with that answer of a person."""
        before = self._answer.set(answer)
        try:
            yield
        finally:
            self._answer.reset(before)


def _conversation(ctx: ToolContext) -> str:
    """The connection that a call belongs to: the stream's, or the session's of Streamable HTTP.

    A request of the 2026 era over HTTP has none: empty.
    """
    request = ctx.request_context.request
    if request is None or not request.url.path.endswith(streamable_path):
        return str(ctx.request_context.lifespan_context)
    return str(request.headers.get("mcp-session-id", ""))
