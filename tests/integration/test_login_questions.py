"""One-time codes: what a host asks beside its secret goes to a person in ssh_connect, and nowhere else."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import asyncssh
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, ElicitResult

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.host import Auth, AuthMethod, Host, Way
from mcp_ssh.model.loginerrors import LoginQuestionError, LoginUnansweredError
from mcp_ssh.model.principal import Answer, Principal, Via
from mcp_ssh.model.secret import Secret
from mcp_ssh.transport.openssh import OpenSshTransport
from tests.support.codehost import CodeHost, serving
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.hosts import host, settings
from tests.support.posix import transport_in
from tests.support.secrets import SomeSecrets
from tests.support.stdio import command, environment

ERAS = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
BOTH = (("Password: ", False), ("Verification code: ", False))
CODE = "canary-482913"
CONNECT = {"host": "web"}


def entry(server: CodeHost, **changes: Any) -> Host:
    auth = Auth(AuthMethod.KEYBOARD_INTERACTIVE, password_env="P")
    return host("web", **({"address": "127.0.0.1", "port": server.port, "auth": auth} | changes))


@asynccontextmanager
async def daemon_on(server: CodeHost, folder: Path, **changes: Any) -> AsyncIterator[Daemon]:
    secrets = SomeSecrets({"P": "secret-of-web"})
    async with daemon(entry(server, **changes), transport=transport_in(folder), secrets=secrets) as it:
        yield it


def answering(asked: list[Any], *texts: str, action: str = "accept") -> Any:
    async def ask(context: Any, params: Any) -> ElicitResult:
        del context
        asked.append(params)
        content = {f"answer_{number}": text for number, text in enumerate(texts, 1)}
        return ElicitResult(action=action, content=content if action == "accept" else None)

    return ask


def client_of(it: Daemon, era: str, ask: Any, who: Principal = ANN.principal) -> Client:
    return Client(mcp_server(it.app, lambda: who), mode=era, elicitation_callback=ask)


def error_of(result: CallToolResult) -> dict[str, Any]:
    assert result.is_error
    assert result.structured_content is not None
    return dict(result.structured_content["error"])


@ERAS
async def test_a_person_is_asked_for_the_code_alone_and_other_tools_use_the_session(era: str, tmp_path: Path) -> None:
    asked: list[Any] = []
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, era, answering(asked, CODE)) as client,
    ):
        opened = await client.call_tool("ssh_connect", CONNECT)
        assert not opened.is_error, opened.content
        ran = await client.call_tool("ssh_run", {"host": "web", "command": "id"})
        assert ran.structured_content is not None
        assert ran.structured_content["stdout"] == "in\n"
    assert server.given == ["secret-of-web", CODE]
    assert server.connections == 1
    [form] = asked
    assert list(form.requested_schema["properties"]) == ["answer_1"]
    lines = form.message.splitlines()
    assert lines[0] == "web asks you something before it lets anybody in."
    assert lines[-1] == "| Verification code: "
    login = [record for record in it.audit.records if record["event"] == "login"]
    assert [record["decision"] for record in login] == ["needs_confirmation", "allow"]
    assert CODE not in json.dumps(it.audit.records)


@ERAS
async def test_a_host_that_asks_in_several_rounds_is_answered_in_each(era: str, tmp_path: Path) -> None:
    rounds = [(("Name of the day: ", True),), (("Code: ", False), ("PIN: ", False))]
    asked: list[Any] = []
    texts = iter([("monday",), ("1", "2")])

    async def ask(context: Any, params: Any) -> ElicitResult:
        return await answering(asked, *next(texts))(context, params)  # type: ignore[no-any-return]

    async with (
        serving(CodeHost(rounds, [["monday"], ["1", "2"]], heading=("Welcome", "Say it."))) as server,
        daemon_on(server, tmp_path, auth=Auth(AuthMethod.KEYBOARD_INTERACTIVE)) as it,
        client_of(it, era, ask) as client,
    ):
        opened = await client.call_tool("ssh_connect", CONNECT | {"new_shell": False})
        assert not opened.is_error, opened.content
    assert server.given == ["monday", "1", "2"]
    assert server.connections == 1
    assert "| Welcome\n| Say it.\n" in asked[0].message
    assert "hide" not in asked[0].message
    assert "a terminal would hide what is typed" in asked[1].message
    assert "web asks you 2 things" in asked[1].message


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("ssh_run", {"command": "id"}),
        ("ssh_shell", {"command": "id"}),
        ("ssh_run_async", {"command": "id"}),
        ("ssh_read_file", {"path": "/etc/motd"}),
    ],
)
async def test_every_other_tool_is_told_to_connect_and_answers_nothing(
    tool: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    asked: list[Any] = []
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, "legacy", answering(asked, CODE)) as client,
    ):
        result = await client.call_tool(tool, CONNECT | arguments)
        if tool == "ssh_run_async":
            assert result.structured_content is not None
            result = await client.call_tool("ssh_task", {"task": result.structured_content["task"], "wait": 10})
            assert "needs_login" in json.dumps(result.structured_content)
        else:
            assert error_of(result)["code"] == "needs_login"
            assert "ssh_connect asks a person" in error_of(result)["hint"]
            assert not error_of(result)["sent"]
    assert server.given == []
    assert asked == []


async def test_a_host_that_asks_is_dialled_once_for_all_who_cannot_ask_and_again_by_ssh_connect(tmp_path: Path) -> None:
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, "legacy", answering([], CODE)) as client,
    ):
        for _ in range(4):
            assert (
                error_of(await client.call_tool("ssh_run", {"host": "web", "command": "id"}))["code"] == "needs_login"
            )
        assert server.connections == 1
        assert not (await client.call_tool("ssh_connect", CONNECT)).is_error
    assert server.connections == 2


async def test_a_client_that_can_ask_nobody_is_told_so(tmp_path: Path) -> None:
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy") as client,
    ):
        assert error_of(await client.call_tool("ssh_connect", CONNECT))["code"] == "needs_login"
    assert server.given == []


@ERAS
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_person_who_says_no_is_obeyed(era: str, action: str, tmp_path: Path) -> None:
    asked: list[Any] = []
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, era, answering(asked, action=action)) as client,
    ):
        error = error_of(await client.call_tool("ssh_connect", CONNECT))
        assert error["code"] == "login_declined"
        assert ("said no" if action == "decline" else "gave no answer") in error["message"]
    assert server.given == []
    assert it.audit.events()[-1] == "failed"


@ERAS
async def test_an_answer_that_is_left_out_sends_none(era: str, tmp_path: Path) -> None:
    async with (
        serving(CodeHost([BOTH], [["a", "b"]])) as server,
        daemon_on(server, tmp_path, auth=Auth(AuthMethod.KEYBOARD_INTERACTIVE)) as it,
        client_of(it, era, answering([], "a")) as client,
    ):
        assert error_of(await client.call_tool("ssh_connect", CONNECT))["code"] == "login_declined"
    assert server.given == []


@ERAS
async def test_nobody_is_waited_for_longer_than_the_limit(era: str, tmp_path: Path) -> None:
    over = asyncio.Event()

    async def ask(context: Any, params: Any) -> ElicitResult:
        await over.wait()
        return ElicitResult(action="accept", content={"answer_1": CODE})

    with mock.patch("mcp_ssh.service.logins.person_wait_s", 0.2), mock.patch("mcp_ssh.face.consent.person_wait_s", 0.3):
        async with (
            serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
            daemon_on(server, tmp_path) as it,
            client_of(it, era, ask) as client,
        ):
            call = asyncio.ensure_future(client.call_tool("ssh_connect", CONNECT))
            while "failed" not in it.audit.events():
                await asyncio.sleep(0.01)
            over.set()
            assert error_of(await call)["code"] == "login_unanswered"
    assert server.given == []


async def test_the_persons_time_is_none_of_the_connect_timeout(tmp_path: Path) -> None:
    async def ask(context: Any, params: Any) -> ElicitResult:
        await asyncio.sleep(0.6)
        return ElicitResult(action="accept", content={"answer_1": CODE})

    transport = transport_in(tmp_path, connect_timeout_s=0.5)
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon(
            entry(server), transport=transport, secrets=SomeSecrets({"P": "secret-of-web"}), connect_timeout_s=0.5
        ) as it,
        client_of(it, "legacy", ask) as client,
    ):
        opened = await client.call_tool("ssh_connect", CONNECT)
        assert not opened.is_error, opened.content


@ERAS
async def test_a_bastion_and_the_host_behind_it_each_ask_and_neither_wait_counts(era: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def ask(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message.splitlines()[0])
        await asyncio.sleep(0.6)
        return ElicitResult(action="accept", content={"answer_1": str(len(asked))})

    auth = Auth(AuthMethod.KEYBOARD_INTERACTIVE)
    async with (
        serving(CodeHost([(("Code: ", False),)], [["1"]])) as outer,
        serving(CodeHost([(("Code: ", False),)], [["2"]])) as inner,
    ):
        bastion = replace(entry(outer, auth=auth), name="bastion")
        web = entry(inner, auth=auth, jump=bastion)
        transport = transport_in(tmp_path, connect_timeout_s=0.5)
        async with (
            daemon(web, bastion, transport=transport, connect_timeout_s=0.5) as it,
            client_of(it, era, ask) as client,
        ):
            opened = await client.call_tool("ssh_connect", CONNECT)
            assert not opened.is_error, opened.content
    assert [line.partition(" asks")[0] for line in asked] == ["bastion, on the way to web,", "web"]
    assert (outer.given, inner.given) == (["1"], ["2"])


async def test_a_host_that_waits_no_longer_is_told_as_that(tmp_path: Path) -> None:
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
    ):

        async def ask(context: Any, params: Any) -> ElicitResult:
            assert server.connection is not None
            server.connection.abort()
            while "failed" not in it.audit.events():
                await asyncio.sleep(0.01)
            return ElicitResult(action="accept", content={"answer_1": CODE})

        async with client_of(it, "legacy", ask) as client:
            error = error_of(await client.call_tool("ssh_connect", CONNECT))
    assert error["code"] == "login_unanswered"
    assert "waited no longer" in error["message"]
    assert server.given == []


async def test_an_answer_is_of_no_use_to_anybody_else(tmp_path: Path) -> None:
    ann = replace(ANN, can_ask=True)
    bob = replace(ann, principal=Principal("stdio:bob", Via.STDIO))
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
    ):
        with pytest.raises(LoginQuestionError) as caught:
            await it.app.commands.connect(ann, "web")
        answer = Answer(caught.value.login, accepted=True, values=(Secret(CODE),))
        with pytest.raises(LoginUnansweredError):
            await it.app.commands.connect(replace(bob, answer=answer), "web")
        with pytest.raises(LoginUnansweredError):
            await it.app.terminals.open(replace(ann, answer=answer), "web")
        assert server.given == []
        done = await it.app.commands.connect(replace(ann, answer=answer), "web")
        assert done.session.is_open
        with pytest.raises(LoginUnansweredError):  # it is used
            await it.app.commands.connect(replace(ann, answer=answer), "web")


async def test_a_shell_asks_by_itself_where_ssh_connect_opens_it(tmp_path: Path) -> None:
    asked: list[Any] = []
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]])) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, "2026-07-28", answering(asked, CODE)) as client,
    ):
        await client.call_tool("ssh_connect", CONNECT | {"new_shell": True})  # no shell is behind it that stays
    assert server.given[:2] == ["secret-of-web", CODE]
    assert asked


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "id"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(path))
    path.chmod(0o600)
    return path


async def test_a_key_and_then_a_code(key: Path, tmp_path: Path) -> None:
    asked: list[Any] = []
    auth = Auth(AuthMethod.KEY, key_path=str(key))
    needs = asyncssh.read_private_key(str(key))
    async with (
        serving(CodeHost([(("Code: ", False),)], [[CODE]], key=needs)) as server,
        daemon_on(server, tmp_path, auth=auth) as it,
        client_of(it, "legacy", answering(asked, CODE)) as client,
    ):
        refused = await client.call_tool("ssh_run", {"host": "web", "command": "id"})
        assert error_of(refused)["code"] == "needs_login"
        opened = await client.call_tool("ssh_connect", CONNECT)
        assert not opened.is_error, opened.content
    assert server.given == [CODE]


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_the_systems_ssh_asks_the_person_as_well(action: str, tmp_path: Path) -> None:
    asked: list[Any] = []
    transport = OpenSshTransport(settings(state_dir=str(tmp_path / "state")), {"PATH": os.environ["PATH"]})
    async with (
        serving(CodeHost([BOTH], [["secret-of-web", CODE]], heading=("", "Look here."))) as server,
        daemon(entry(server, way=Way.OPENSSH), transport=transport, secrets=SomeSecrets({"P": "secret-of-web"})) as it,
        client_of(it, "legacy", answering(asked, CODE, action=action)) as client,
    ):
        refused = error_of(await client.call_tool("ssh_run", {"host": "web", "command": "id"}))
        assert refused["code"] == "needs_login"
        opened = await client.call_tool("ssh_connect", CONNECT)
        if action == "decline":
            assert error_of(opened)["code"] == "login_declined"
        else:
            assert not opened.is_error, opened.content
    assert "| Verification code: " in asked[0].message.splitlines()
    assert server.given == (["secret-of-web", CODE] if action == "accept" else [])


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_key_and_then_the_password_which_takes_not_the_place_of_the_key(
    is_known: bool, key: Path, tmp_path: Path
) -> None:
    auth = Auth(AuthMethod.KEY, key_path=str(key), password_env="P")
    needs = asyncssh.read_private_key(str(key)) if is_known else asyncssh.generate_private_key("ssh-ed25519")
    async with (
        serving(CodeHost([], [], key=needs, password="secret-of-web")) as server,
        daemon_on(server, tmp_path, auth=auth) as it,
        client_of(it, "legacy", answering([])) as client,
    ):
        ran = await client.call_tool("ssh_run", {"host": "web", "command": "id"})
        assert ran.is_error is not is_known, ran.content
    assert server.given == (["secret-of-web"] if is_known else [])


async def test_a_host_that_takes_not_the_key_asks_nobody_instead(key: Path, tmp_path: Path) -> None:
    asked: list[Any] = []
    auth = Auth(AuthMethod.KEY, key_path=str(key))
    async with (
        serving(CodeHost([BOTH], [["x", "y"]], key=asyncssh.generate_private_key("ssh-ed25519"))) as server,
        daemon_on(server, tmp_path, auth=auth) as it,
        client_of(it, "legacy", answering(asked, CODE)) as client,
    ):
        assert error_of(await client.call_tool("ssh_connect", CONNECT))["code"] == "auth_failed"
    assert asked == []


async def test_what_a_hostile_host_says_cannot_pass_for_our_words(tmp_path: Path) -> None:
    asked: list[Any] = []
    prompt = "\x1b[2J\u202eYour bank's PIN:\nweb is trusted. Your answer 2:\n"
    async with (
        serving(CodeHost([((prompt, True),)], [["x"]], heading=("Bank\nGive it nothing", ""))) as server,
        daemon_on(server, tmp_path) as it,
        client_of(it, "legacy", answering(asked, action="decline")) as client,
    ):
        await client.call_tool("ssh_connect", CONNECT)
    lines = asked[0].message.splitlines()
    ours = [line for line in lines if not line.startswith("| ")]
    assert ours == [
        "web asks you something before it lets anybody in.",
        "Each line of its own words stands behind a bar. Give it nothing that is not meant for this very host.",
        "Your answer:",
    ]
    assert "\x1b" not in asked[0].message
    assert "\\u202e" in asked[0].message
    assert asked[0].requested_schema["properties"] == {
        "answer_1": {"type": "string", "title": "Your answer", "maxLength": 1000}
    }


@ERAS
async def test_an_answer_turns_up_nowhere(era: str, tmp_path: Path) -> None:
    config = tmp_path / "hosts.yaml"
    asked: list[Any] = []
    async with serving(CodeHost([(("Code: ", False),)], [[CODE]])) as server:
        config.write_text(f"""\
hosts:
  web: {{host: 127.0.0.1, port: {server.port}, user: ann, auth: {{method: keyboard-interactive}}}}
settings:
  state_dir: {tmp_path}/state
  known_hosts: []
  audit_log: {tmp_path}/audit.log
  recording: {{enabled: true}}
""")
        variables = environment(config, LOG_LEVEL="debug", PYTHONDEVMODE="1")
        process = StdioServerParameters(command=command()[0], args=command()[1:], env=variables)
        with (tmp_path / "stderr").open("w") as log:
            carrier = stdio_client(process, errlog=log)
            async with Client(carrier, mode=era, elicitation_callback=answering(asked, CODE)) as client:
                replies = [await client.call_tool("ssh_connect", CONNECT)]
                replies.append(await client.call_tool("ssh_run", {"host": "web", "command": "id"}))
                replies.append(await client.call_tool("ssh_shell", {"host": "web", "command": "id"}))
                replies.append(await client.call_tool("ssh_connect", CONNECT | {"new_shell": True}))
    assert server.given[0] == CODE
    assert not replies[0].is_error
    assert "needs_login" in str(replies[2])
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert (tmp_path / "audit.log") in left
    assert [path for path, data in left.items() if CODE.encode() in data] == []
    assert CODE not in "".join(reply.model_dump_json() for reply in replies)
