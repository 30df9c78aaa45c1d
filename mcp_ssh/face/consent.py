"""A person's word by way of the client (MCP elicitation), in both protocol eras.

Up to 2025-11-25 the server asks while the call waits. From 2026-07-28 on the call ends with the question, and the
client calls again with the answer and with our state, which the SDK seals: it is the name of the approval, or of the
login that waits, and no more.
"""

import asyncio
from typing import Any

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least

from mcp_ssh.face import loginform
from mcp_ssh.face.hygiene import clean
from mcp_ssh.model.loginerrors import LoginQuestionError
from mcp_ssh.model.principal import Answer
from mcp_ssh.model.question import person_wait_s
from mcp_ssh.model.refusals import ApprovalRequiredError
from mcp_ssh.model.secret import Secret

input_required_since = "2026-07-28"
question_key = "approval"
answer_wait_s = 300.0
_no_fields: dict[str, Any] = {"type": "object", "properties": {}}
"""The answer is to accept or to decline; there is nothing to fill in."""
_one_secret: dict[str, Any] = {
    "type": "object",
    "properties": {"password": {"type": "string", "title": "One-time password", "description": "Used once, not kept"}},
    "required": ["password"],
}

Needed = ApprovalRequiredError | LoginQuestionError
"""What a person must say something to before a call can go on."""


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client can put a question to a person (`elicitation`, in its form for forms)."""
    try:
        capabilities = context.client_capabilities
    except ValueError:  # outside of a request
        return False
    asking = capabilities.elicitation if capabilities is not None else None
    return asking is not None and (asking.form is not None or asking.url is None)


def answer_of(context: Context[Any, Any]) -> Answer | None:
    """The answer that came with this call, in the era in which it does."""
    if not _asks_by_result(context) or context.request_state is None:
        return None
    given = (context.input_responses or {}).get(question_key)
    return _answer(str(context.request_state), given if isinstance(given, ElicitResult) else None)


async def ask(context: Context[Any, Any], needed: Needed) -> Answer | InputRequiredResult:
    """Put the question: the answer, or the result that makes the client put it."""
    name, params, wait_s = _question(needed)
    if _asks_by_result(context):
        return InputRequiredResult(input_requests={question_key: ElicitRequest(params=params)}, request_state=name)
    session, call = context.request_context.session, context.request_context.request_id
    try:
        async with asyncio.timeout(wait_s):
            given = await session.elicit_form(params.message, params.requested_schema, call)
    except (TimeoutError, MCPError, ValueError):  # nobody there, or a client that cannot after all
        given = None
    return _answer(name, given)


def _question(needed: Needed) -> tuple[str, ElicitRequestFormParams, float]:
    """Its name, its form, and how long an answer is waited for."""
    if isinstance(needed, LoginQuestionError):
        form = ElicitRequestFormParams(
            message=loginform.message(needed), requested_schema=loginform.fields(needed.question)
        )
        return needed.login, form, person_wait_s
    fields = _one_secret if needed.asks_secret else _no_fields
    form = ElicitRequestFormParams(message=clean(needed.question), requested_schema=fields)
    return needed.approval, form, answer_wait_s


def _answer(name: str, given: ElicitResult | None) -> Answer:
    accepted, words = _meant(given)
    return Answer(name, accepted, words, _filled_in(given) if given is not None and accepted else ())


def _asks_by_result(context: Context[Any, Any]) -> bool:
    version = context.protocol_version
    return version is not None and is_version_at_least(version, input_required_since)


def _meant(given: ElicitResult | None) -> tuple[bool, str]:
    """Whether it is a yes, and in words. A form that came back with a no in it is no yes."""
    if given is None or given.action == "cancel":
        return False, "gave no answer"
    if given.action != "accept" or any(value is False for value in (given.content or {}).values()):
        return False, "said no"
    return True, "said yes"


def _filled_in(given: ElicitResult) -> tuple[Secret, ...]:
    secret = (given.content or {}).get("password")
    return (Secret(secret),) if isinstance(secret, str) and secret else loginform.values(given.content)
