"""A person's yes through the SDK's own client, in both protocol eras."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, ErrorData, InputRequiredResult, InputResponses

from mcp_ssh.face import consent
from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.principal import Principal
from mcp_ssh.service.approvals import valid_s
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host
from tests.unit.face.test_tools import text_of

ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
HOSTS = host("web"), host("db")
REBOOT = {"host": "web", "command": "reboot"}
Reply = Callable[[], ElicitResult | ErrorData]


def accepts() -> ElicitResult:
    return ElicitResult(action="accept", content={})


def says(action: Literal["accept", "decline", "cancel"], **content: Any) -> Reply:
    return lambda: ElicitResult(action=action, content=content if action == "accept" else None)


@asynccontextmanager
async def person(
    it: Daemon, era: str, reply: Reply = accepts, who: Principal = ANN.principal
) -> AsyncIterator[tuple[Client, list[str]]]:
    """A client whose person is asked, and the questions that came."""
    asked: list[str] = []

    async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        del context
        asked.append(params.message)
        return reply()

    async with Client(mcp_server(it.app, lambda: who), mode=era, elicitation_callback=ask) as client:
        yield client, asked


def code_of(result: CallToolResult) -> str:
    assert result.is_error, text_of(result)
    assert result.structured_content is not None
    return str(result.structured_content["error"]["code"])


@ERAS
@pytest.mark.parametrize("tool", ["ssh_run", "ssh_shell"])
async def test_who_accepts_lets_it_run_once_and_is_asked_again_the_next_time(era: str, tool: str) -> None:
    async with daemon(*HOSTS) as it, person(it, era) as (client, asked):
        if tool == "ssh_run":
            for _ in range(2):
                result = await client.call_tool(tool, REBOOT)
                assert not result.is_error, text_of(result)
            assert it.audit.events().count("override") == 2
        else:
            await client.call_tool(tool, REBOOT)  # the shell of the test's host ends nowhere; it was let in, and asked
            await client.call_tool(tool, REBOOT)
        assert len(asked) == 2
        assert asked[0].splitlines() == [
            "stdio:ann wants to run this on web (192.0.2.1).",
            "Why you are asked: it takes the host down (posix.power)",
            "Each line of it stands behind a bar:",
            "| reboot",
        ]
    [given, *_] = [record for record in it.audit.records if record["event"] == "approval"]
    assert given["decision"] == "approved"
    assert str(given["confirmed_by"]).startswith("the person at ")


@ERAS
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (says("decline"), "said no"),
        (says("cancel"), "gave no answer"),
        (says("accept", approve=False), "said no"),
        (lambda: ErrorData(code=-1, message="no person here"), "gave no answer"),
    ],
)
async def test_who_does_not_accept_is_obeyed(era: str, reply: Reply, words: str) -> None:
    async with daemon(*HOSTS) as it, person(it, era, reply) as (client, asked):
        try:
            result = await client.call_tool("ssh_run", REBOOT | {"confirm_dangerous": True})
        except Exception as error:  # noqa: BLE001  in the later era the client's own error ends its call
            assert "no person here" in str(error)  # noqa: PT017
        else:
            assert code_of(result) == "denied"
            assert words in text_of(result)
            assert it.audit.of_commands()[-1]["decision"] == "deny"
        assert len(asked) == 1
        assert it.transport.attempts == []
        assert "override" not in it.audit.events()


@ERAS
async def test_the_models_flag_goes_past_no_person_who_can_be_asked(era: str) -> None:
    async with daemon(*HOSTS) as it, person(it, era, says("decline")) as (client, asked):
        assert code_of(await client.call_tool("ssh_run", REBOOT | {"confirm_dangerous": True})) == "denied"
        assert len(asked) == 1


@ERAS
async def test_the_question_shows_what_would_be_invisible(era: str) -> None:
    async with daemon(*HOSTS) as it, person(it, era, says("decline")) as (client, asked):
        await client.call_tool("ssh_run", {"host": "web", "command": "echo ok \u202e\u200b\x1b[2J; reboot"})
        assert "\\u202e\\u200b" in asked[0]
        assert "\x1b" not in asked[0]


async def test_a_person_who_does_not_answer_in_time_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "answer_wait_s", 0.05)

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        await asyncio.sleep(30)
        raise AssertionError

    async with (
        daemon(*HOSTS) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy", elicitation_callback=never) as client,
    ):
        result = await client.call_tool("ssh_run", REBOOT)
        assert code_of(result) == "denied"
        assert "gave no answer" in text_of(result)


@pytest.mark.parametrize("when", ["a reload", "too late"])
async def test_an_answer_dies_with_the_configuration_and_with_time_while_it_is_waited_for(when: str) -> None:
    async with daemon(*HOSTS) as it:

        async def late(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            if when == "a reload":
                it.reload()
            else:
                await it.clock.advance(valid_s)
            return ElicitResult(action="accept", content={})

        server = mcp_server(it.app, lambda: ANN.principal)
        async with Client(server, mode="legacy", elicitation_callback=late) as client:
            result = await client.call_tool("ssh_run", REBOOT)
        assert code_of(result) == "denied"
        assert "used, too old or unknown" in text_of(result)
        assert it.transport.attempts == []


# --- by hand, in the era in which the client carries question and answer


YES: InputResponses = {"approval": accepts()}


async def question(client: Client, arguments: dict[str, Any]) -> str:
    needed = await client.session.call_tool("ssh_run", arguments, allow_input_required=True)
    assert isinstance(needed, InputRequiredResult)
    assert needed.request_state is not None
    return needed.request_state


async def retried(client: Client, arguments: dict[str, Any], state: str | None) -> CallToolResult:
    result = await client.session.call_tool(
        "ssh_run", arguments, input_responses=YES, request_state=state, allow_input_required=True
    )
    assert isinstance(result, CallToolResult), result
    return result


async def test_an_answer_that_is_sent_again_is_worth_nothing() -> None:
    async with daemon(*HOSTS) as it, person(it, "2026-07-28") as (client, _):
        state = await question(client, REBOOT)
        assert not (await retried(client, REBOOT, state)).is_error
        again = await retried(client, REBOOT, state)
        assert code_of(again) == "denied"
        assert "used, too old or unknown" in text_of(again)
        assert it.audit.events().count("override") == 1


@pytest.mark.parametrize("change", ["one byte", "another host", "another principal", "a reload", "too late"])
async def test_an_answer_is_for_the_question_that_was_asked(change: str) -> None:
    async with daemon(*HOSTS) as it, person(it, "2026-07-28") as (client, _):
        state = await question(client, REBOOT)
        match change:
            case "one byte":
                arguments = REBOOT | {"command": "reboot "}
            case "another host":
                arguments = REBOOT | {"host": "db"}
            case _:
                arguments = REBOOT
        if change == "a reload":
            it.reload()
        if change == "too late":
            await it.clock.advance(valid_s)
        if change == "another principal":
            other = replace(ANN.principal, name="stdio:bob")
            server = mcp_server(it.app, lambda: other)
            async with Client(server, mode="2026-07-28", elicitation_callback=lambda *_: None) as theirs:  # type: ignore[arg-type]
                with pytest.raises(Exception, match=r"(?i)state"):  # sealed by another server: the SDK refuses it
                    await retried(theirs, arguments, state)
        else:
            try:
                result = await retried(client, arguments, state)
            except Exception as error:  # noqa: BLE001  the SDK's seal is for the arguments as well
                assert "requestState" in str(error)  # noqa: PT017
            else:
                assert code_of(result) == "denied"
        assert it.transport.attempts == []
        assert "override" not in it.audit.events()


async def test_a_state_that_somebody_made_up_is_refused() -> None:
    async with daemon(*HOSTS) as it, person(it, "2026-07-28") as (client, _):
        await question(client, REBOOT)
        [waiting] = it.app.approvals.waiting()
        with pytest.raises(Exception, match=r"(?i)state"):
            await retried(client, REBOOT, waiting.id)
        assert it.transport.attempts == []


@ERAS
async def test_a_client_that_can_ask_nobody_is_told_what_helps(era: str) -> None:
    async with daemon(*HOSTS) as it, Client(mcp_server(it.app, lambda: ANN.principal), mode=era) as client:
        result = await client.call_tool("ssh_run", REBOOT)
        assert code_of(result) == "confirmation_required"
        assert not (await client.call_tool("ssh_run", REBOOT | {"confirm_dangerous": True})).is_error
