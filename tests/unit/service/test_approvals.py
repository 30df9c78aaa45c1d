"""A person's yes: for one request as it was judged, once, for five minutes, under the configuration it was given."""

from dataclasses import replace

import pytest

from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    AuditUnavailableError,
    McpSshError,
)
from mcp_ssh.model.policy import Confirm
from mcp_ssh.model.principal import Answer, Caller, Permission, Principal, Via
from mcp_ssh.model.refusals import ApprovalRequiredError, ApprovalUnknownError, ConfirmationRequiredError, DeniedError
from mcp_ssh.service.approvals import most_of_one, valid_s
from tests.support.daemon import Daemon, Ledger, daemon
from tests.support.hosts import host

TOKEN = Principal("token:ops", Via.NETWORK, frozenset({Permission.EXECUTE}))
BOT = Caller(TOKEN, "bot 1.0", "c")
HOSTS = host("web"), host("db")


async def refused(it: Daemon, command: str = "reboot", caller: Caller = BOT, name: str = "web") -> McpSshError:
    with pytest.raises(McpSshError) as caught:
        await it.app.commands.run(caller, name, Wish(command))
    return caught.value


async def waits(it: Daemon, command: str = "reboot") -> str:
    error = await refused(it, command)
    assert isinstance(error, ApprovalRequiredError)
    return error.approval


async def test_what_an_operator_approved_runs_once() -> None:
    async with daemon(*HOSTS) as it:
        approval = await waits(it)
        assert [each.id for each in it.app.approvals.waiting()] == [approval]
        await it.app.approvals.decide(approval, "operator ann", accepted=True)
        assert it.app.approvals.waiting() == []
        await it.app.commands.run(BOT, "web", Wish("reboot"))
        assert isinstance(await refused(it), ApprovalRequiredError)
    records = it.audit.of_commands()
    assert [record["event"] for record in records] == [
        "decided", "approval", "decided", "override", "finished", "decided",
    ]  # fmt: skip
    asked, given, decided, override = records[:4]
    assert asked["decision"] == "needs_confirmation"
    assert asked["approval"] == given["approval"] == decided["approval"] == override["approval"] == approval
    assert (given["decision"], given["confirmed_by"]) == ("approved", "operator ann")
    assert (decided["decision"], decided["confirmed_by"], decided["override"]) == ("allow", "operator ann", True)


async def test_what_an_operator_denied_is_refused_and_says_by_whom() -> None:
    async with daemon(*HOSTS) as it:
        await it.app.approvals.decide(await waits(it), "operator ann", accepted=False)
        error = await refused(it)
        assert (error.code, error.message) == ("denied", "not run: operator ann said no")
        assert it.transport.attempts == []


@pytest.mark.parametrize("change", ["one byte", "another host", "another principal", "a reload", "too late", "a shell"])
async def test_an_approval_is_for_nothing_else(change: str) -> None:
    async with daemon(*HOSTS) as it:
        await it.app.approvals.decide(await waits(it), "operator ann", accepted=True)
        caller, name, command = BOT, "web", "reboot"
        match change:
            case "one byte":
                command = "reboot "
            case "another host":
                name = "db"
            case "another principal":
                caller = Caller(replace(TOKEN, name="token:other"), "bot 1.0", "c")
            case "a reload":
                it.reload()
            case "too late":
                await it.clock.advance(valid_s)
        if change == "a shell":
            with pytest.raises(ApprovalRequiredError):
                await it.app.terminals.run(BOT, "web", Wish("reboot"))
        else:
            assert isinstance(await refused(it, command, caller, name), ApprovalRequiredError)
        assert it.transport.attempts == []


async def test_the_same_call_again_waits_under_the_same_name_and_others_under_theirs() -> None:
    async with daemon(*HOSTS) as it:
        first, again, other = await waits(it), await waits(it), await waits(it, "halt")
        assert first == again != other
        for number in range(most_of_one + 5):
            await waits(it, f"reboot # {number}")
        waiting = [each.id for each in it.app.approvals.waiting()]
        assert len(waiting) == most_of_one
        assert first not in waiting


@pytest.mark.parametrize("moment", ["unknown", "twice", "too late", "after a reload"])
async def test_an_answer_to_nothing_is_told(moment: str) -> None:
    async with daemon(*HOSTS) as it:
        approval = await waits(it)
        match moment:
            case "unknown":
                approval = "a-unknown"
            case "twice":
                await it.app.approvals.decide(approval, "operator ann", accepted=True)
            case "too late":
                await it.clock.advance(valid_s)
            case "after a reload":
                it.reload()
        with pytest.raises(ApprovalUnknownError):
            await it.app.approvals.decide(approval, "operator ann", accepted=True)


async def test_an_answer_that_cannot_be_recorded_does_not_count() -> None:
    async with daemon(*HOSTS, audit=Ledger(full_from="approval")) as it:
        approval = await waits(it)
        with pytest.raises(AuditUnavailableError):
            await it.app.approvals.decide(approval, "operator ann", accepted=True)
        it.audit.is_full, it.audit.full_from = False, None
        assert isinstance(await refused(it), ApprovalRequiredError)


STDIO = Caller(Principal("stdio:ann", Via.STDIO), "cli 1.0", "c")
OVERRIDE = Caller(replace(TOKEN, permissions=frozenset({Permission.EXECUTE, Permission.OVERRIDE})), "bot 1.0", "c")


@pytest.mark.parametrize(
    ("confirm", "caller", "can_ask", "without_flag", "with_flag"),
    [
        # nothing said: the model on stdio and with override, an operator over the network
        (None, STDIO, False, ConfirmationRequiredError, None),
        (None, STDIO, True, ApprovalRequiredError, ApprovalRequiredError),
        (None, BOT, False, ApprovalRequiredError, ApprovalRequiredError),
        (None, BOT, True, ApprovalRequiredError, ApprovalRequiredError),
        (None, OVERRIDE, False, ConfirmationRequiredError, None),
        (None, OVERRIDE, True, ApprovalRequiredError, ApprovalRequiredError),
        # a person where the client can ask one, else the model
        (Confirm.AUTO, STDIO, False, ConfirmationRequiredError, None),
        (Confirm.AUTO, STDIO, True, ApprovalRequiredError, ApprovalRequiredError),
        (Confirm.AUTO, BOT, False, ConfirmationRequiredError, None),
        (Confirm.AUTO, BOT, True, ApprovalRequiredError, ApprovalRequiredError),
        # a person, always
        (Confirm.HUMAN, STDIO, False, ApprovalRequiredError, ApprovalRequiredError),
        (Confirm.HUMAN, STDIO, True, ApprovalRequiredError, ApprovalRequiredError),
        (Confirm.HUMAN, OVERRIDE, False, ApprovalRequiredError, ApprovalRequiredError),
        # the model's word, and a person's where it gives none
        (Confirm.MODEL, STDIO, False, ConfirmationRequiredError, None),
        (Confirm.MODEL, STDIO, True, ApprovalRequiredError, None),
        (Confirm.MODEL, BOT, False, ConfirmationRequiredError, None),
        # nobody
        (Confirm.NEVER, STDIO, False, DeniedError, DeniedError),
        (Confirm.NEVER, STDIO, True, DeniedError, DeniedError),
        (Confirm.NEVER, OVERRIDE, True, DeniedError, DeniedError),
    ],
)
async def test_who_may_say_yes(
    confirm: Confirm | None,
    caller: Caller,
    can_ask: bool,
    without_flag: type[DeniedError],
    with_flag: type[DeniedError] | None,
) -> None:
    async with daemon(host("web", confirm=confirm)) as it:
        who = replace(caller, can_ask=can_ask)
        for flag, expected in ((False, without_flag), (True, with_flag)):
            if expected is None:
                await it.app.commands.run(who, "web", Wish("reboot"), confirmed=flag)
                assert it.audit.of_commands()[-3]["confirmed_by"] == "model"
                continue
            with pytest.raises(DeniedError) as caught:
                await it.app.commands.run(who, "web", Wish("reboot"), confirmed=flag)
            assert type(caught.value) is expected
            says_flag = "confirm_dangerous" in caught.value.hint
            assert says_flag is (expected is ConfirmationRequiredError)  # a refusal teaches no way round it


ASKING = replace(STDIO, can_ask=True)


@pytest.mark.parametrize("change", ["none", "one byte", "another host", "another principal", "a reload", "no", "again"])
async def test_an_answer_by_the_client_is_for_the_question_that_it_was_asked(change: str) -> None:
    async with daemon(*HOSTS) as it:
        error = await refused(it, caller=ASKING)
        assert isinstance(error, ApprovalRequiredError)
        assert error.question.endswith("\n| reboot")
        caller = replace(ASKING, answer=Answer(error.approval, accepted=change != "no"))
        name, command = "db" if change == "another host" else "web", "reboot " if change == "one byte" else "reboot"
        if change == "another principal":
            caller = replace(caller, principal=replace(STDIO.principal, name="stdio:bob"))
        if change == "a reload":
            it.reload()
        if change in {"none", "again"}:
            await it.app.commands.run(caller, name, Wish(command))
        if change != "none":
            again = await refused(it, command, caller, name)
            assert again.code == "denied"
            assert it.audit.of_commands()[-1]["decision"] == "deny"
        assert it.audit.events().count("override") == (change in {"none", "again"})


async def test_a_plan_asks_nobody() -> None:
    async with daemon(*HOSTS) as it:
        planned = await it.app.commands.plan(BOT, "web", Wish("reboot"))
        assert planned.judged.decision.asks_person
        assert it.app.approvals.waiting() == []
