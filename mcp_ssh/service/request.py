"""Calls become requests here: each has an id of its own, under which all of its records stand."""

import secrets

from mcp_ssh.model.command import Context, Operation, Request, Wish
from mcp_ssh.model.files import FileWish
from mcp_ssh.model.nodes import NodeWish
from mcp_ssh.model.principal import Caller


def request_of(  # noqa: PLR0913  a request has that many parts
    caller: Caller,
    operation: Operation,
    host: str,
    wish: Wish | None = None,
    *,
    confirmed: bool = False,
    context: Context | None = None,
    file: FileWish | None = None,
    is_part: bool = False,
    node: NodeWish | None = None,
) -> Request:
    """A request with an id of its own."""
    return Request(
        id=secrets.token_hex(8),
        principal=caller.principal,
        operation=operation,
        host=host,
        wish=wish,
        confirmed=confirmed,
        client=caller.client,
        context=context or Context(),
        can_ask=caller.can_ask,
        answer=caller.answer,
        file=file,
        is_part=is_part,
        node=node,
    )
