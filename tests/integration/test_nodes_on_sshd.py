"""Hosts that are added by a password and leave again, on a real sshd with a login of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pexpect
import pytest
import structlog
from mcp import Client
from mcp_types import ElicitResult, TextContent

from mcp_ssh.app import App, running
from mcp_ssh.config.environment import Environment
from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyChangedError,
    HostKeyUnknownError,
    InvalidArgumentError,
    McpSshError,
)
from mcp_ssh.model.fileerrors import DiskFullError, FileDeniedError, NoSuchFileError, NotAFileError
from mcp_ssh.model.nodeerrors import HostsFolderError, HostThereError, IdentityError, KeyNotTakenError
from mcp_ssh.model.principal import Answer, Caller, Principal, Via
from mcp_ssh.model.refusals import ApprovalRequiredError, DeniedError
from mcp_ssh.model.secret import Secret
from mcp_ssh.service.adding import AddedHost, NewHost
from mcp_ssh.transport.identity import Identity
from tests.support.accounts import Account, account
from tests.support.disks import disk
from tests.support.sshd import Sshd, free_port, processes_with

pytestmark = pytest.mark.integration

PERSON = Caller(Principal("stdio:ann", Via.STDIO), "tests", can_ask=True)
OTHERS = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEl1 ann@laptop\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Sshd]]:
    with account() as login, Sshd(tmp_path_factory.mktemp("nodes") / "sshd", extra=login.sshd_lines) as server:
        yield login, server


@pytest.fixture
def login(lab: tuple[Account, Sshd]) -> Iterator[Account]:
    """The login, with an empty home."""
    found = lab[0]
    yield found
    subprocess.run(["rm", "-rf", str(found.keys.parent)], check=True)
    found.own(found.home)


@pytest.fixture
def server(lab: tuple[Account, Sshd]) -> Sshd:
    return lab[1]


def written(folder: Path, rest: str = "", settings: str = "", network: str = "allow_cidrs: [127.0.0.0/8]") -> Path:
    path = folder / "hosts.yaml"
    path.write_text(f"""\
hosts: {{{rest}}}
settings:
  state_dir: {folder}/state
  known_hosts: []
  audit_log: {folder}/audit.log
  tool_groups: [core, nodes]
  {settings}
policy: {{network: {{{network}}}}}
""")
    return path


@asynccontextmanager
async def daemon_of(config: Path, interval_s: float = 0.0, **environ: str) -> AsyncIterator[App]:
    environment = Environment(config, config.parent)
    async with running(replace(environment, reload_interval_s=interval_s, log_level="error"), environ) as app:
        yield app


def new(login: Account, server: Sshd, name: str = "edge", **changes: Any) -> NewHost:
    return replace(NewHost(name, "127.0.0.1", login.name, server.port), **changes)


async def added(app: App, wanted: NewHost, password: str) -> AddedHost:
    """As a person adds it: asked, he says yes and gives the password."""
    with pytest.raises(ApprovalRequiredError) as asked:
        await app.nodes.adder.add(PERSON, wanted)
    assert asked.value.asks_secret
    answer = Answer(asked.value.approval, accepted=True, values=(Secret(password),))
    return await app.nodes.adder.add(replace(PERSON, answer=answer), wanted)


def names(folder: Path) -> list[str]:
    found = folder / "state" / "hosts.d"
    return sorted(path.name for path in found.glob("*.yaml")) if found.exists() else []


def our_line(folder: Path) -> bytes:
    return Identity(str(folder / "state")).public().line.encode() + b"\n"


async def test_a_host_is_added_by_its_password_used_by_key_and_removed_with_it(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    async with daemon_of(written(tmp_path)) as app:
        done = await added(app, new(login, server), login.password)
        assert done.host_key.fingerprint == server.fingerprint
        assert done.is_known
        assert login.keys.read_bytes() == our_line(tmp_path)
        assert login.keys.stat().st_mode & 0o7777 == 0o600
        assert login.keys.parent.stat().st_mode & 0o7777 == 0o700
        run = await app.commands.run(PERSON, "edge", Wish("id -un"))
        assert run.result.stdout.head.strip() == login.name.encode()
        removed = await app.nodes.remove(PERSON, "edge")
        assert removed.key_removed
        assert login.keys.read_bytes() == b""
        assert "edge" not in app.configuration.current.inventory.hosts
    assert names(tmp_path) == []
    events = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    of_add = [each["event"] for each in events[: [each["event"] for each in events].index("finished") + 1]]
    assert [each for each in of_add if each not in {"log.open", "session.close"}] == [
        "decided", "approval", "decided", "override", "connect", "session.open", "started",
        "connect", "session.open", "inventory", "reload", "finished",
    ]  # fmt: skip
    inventory = next(each for each in events if each["event"] == "inventory")
    assert (inventory["action"], inventory["user"], inventory["host_key"]) == ("add", login.name, server.fingerprint)
    assert {each.get("confirmed_by") for each in events if each["event"] == "override"} == {"the person at tests"}


async def test_another_daemon_hears_of_a_host_that_was_added_and_of_one_that_left(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    async def until(app: App, *, there: bool) -> None:
        async with asyncio.timeout(20):
            while ("edge" in app.configuration.current.inventory.hosts) is not there:
                await asyncio.sleep(0.01)

    config = written(tmp_path)
    async with daemon_of(config) as one, daemon_of(config, interval_s=0.02) as other:
        await added(one, new(login, server), login.password)
        await until(other, there=True)
        assert (await other.commands.run(PERSON, "edge", Wish("echo up"))).result.exit_code == 0
        await one.nodes.enable(PERSON, "edge", enabled=False)
        async with asyncio.timeout(20):
            while other.configuration.current.inventory.hosts["edge"].enabled:
                await asyncio.sleep(0.01)
        await one.nodes.remove(PERSON, "edge", remove_key=False)
        await until(other, there=False)


async def test_the_systems_ssh_logs_in_by_the_key_of_mcp_ssh_too(tmp_path: Path, login: Account, server: Sshd) -> None:
    own = f"own: {{host: 127.0.0.1, port: {server.port}, user: {login.name}, transport: openssh"
    login.put_keys(our_line(tmp_path))
    async with daemon_of(written(tmp_path, own + ", auth: {method: gateway}}")) as app:
        assert (await app.commands.run(PERSON, "own", Wish("echo up"))).result.stdout.head == b"up\n"
        Identity(str(tmp_path / "state")).begin_rotation()
        await app.commands.disconnect(PERSON, "own")
        assert (await app.commands.run(PERSON, "own", Wish("echo up"))).result.stdout.head == b"up\n"


async def test_a_named_secret_takes_a_persons_yes_and_no_other_secret_is_taken(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    before = server.log().count("Connection from")
    async with daemon_of(written(tmp_path), BOOTSTRAP_EDGE=login.password, OTHER="x" * 20) as app:
        for name in ("OTHER", "BOOTSTRAP_", "BOOTSTRAP_../x", "MCP_AUTH_TOKEN"):
            with pytest.raises(InvalidArgumentError, match="BOOTSTRAP_"):
                await app.nodes.adder.add(PERSON, new(login, server, password_secret=name))
        wanted = new(login, server, password_secret="BOOTSTRAP_EDGE")
        with pytest.raises(ApprovalRequiredError) as asked:
            await app.nodes.adder.add(PERSON, wanted)
        assert not asked.value.asks_secret
        assert f"{login.name}@127.0.0.1:{server.port}" in asked.value.question
        assert server.log().count("Connection from") == before, "nothing is sent before somebody said yes"
        yes = replace(PERSON, answer=Answer(asked.value.approval, accepted=True))
        assert (await app.nodes.adder.add(yes, wanted)).name == "edge"
        other = replace(wanted, name="other")
        with pytest.raises(McpSshError, match=r"another request|used, too old"):
            await app.nodes.adder.add(yes, other)


@pytest.mark.parametrize("before", [OTHERS.rstrip(), b"# note\r\n\n" + OTHERS * 1_000, b""])
async def test_the_key_is_installed_once_however_often_and_other_lines_stay_byte_for_byte(
    tmp_path: Path, login: Account, server: Sshd, before: bytes
) -> None:
    login.put_keys(before, 0o640)
    async with daemon_of(written(tmp_path)) as app:
        await added(app, new(login, server), login.password)
        whole = before + (b"" if not before or before.endswith(b"\n") else b"\n")
        assert login.keys.read_bytes() == whole + our_line(tmp_path)
        again = await added(app, new(login, server, "again"), login.password)
        assert again.was_there
        assert login.keys.read_bytes() == whole + our_line(tmp_path)
        with pytest.raises(InvalidArgumentError, match="again is reached by the same key as edge"):
            await app.nodes.remove(PERSON, "edge")
        await app.nodes.remove(PERSON, "again", remove_key=False)
        assert login.keys.stat().st_mode & 0o7777 == 0o640
        await app.nodes.remove(PERSON, "edge")
        assert login.keys.read_bytes() == whole
        assert [path.name for path in login.keys.parent.iterdir()] == ["authorized_keys"]


async def test_a_link_stays_a_link_and_what_it_leads_to_gets_the_key(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    real = login.home / "keys.real"
    real.write_bytes(OTHERS)
    login.keys.parent.mkdir(mode=0o700)
    login.keys.symlink_to(real)
    login.own(login.keys.parent, login.keys, real)
    async with daemon_of(written(tmp_path)) as app:
        await added(app, new(login, server), login.password)
        assert login.keys.is_symlink()
        assert real.read_bytes() == OTHERS + our_line(tmp_path)
    real.unlink()


def a_link_to_nowhere(login: Account) -> None:
    login.keys.parent.mkdir(mode=0o700)
    login.keys.symlink_to("/nowhere/keys")
    login.own(login.keys.parent, login.keys)


def a_folder(login: Account) -> None:
    login.keys.mkdir(mode=0o700, parents=True)
    login.own(login.keys.parent, login.keys)


def a_home_of_somebody_else(login: Account) -> None:
    os.chown(login.home, 0, 0)


def a_folder_of_somebody_else(login: Account) -> None:
    login.keys.parent.mkdir(mode=0o755)


@pytest.mark.parametrize(
    ("prepare", "error"),
    [
        (a_link_to_nowhere, NoSuchFileError),
        (a_folder, NotAFileError),
        (a_home_of_somebody_else, FileDeniedError),
        (a_folder_of_somebody_else, FileDeniedError),
    ],
)
async def test_where_the_key_cannot_be_written_that_is_told_and_nothing_is_half_done(
    tmp_path: Path, login: Account, server: Sshd, prepare: Any, error: type[McpSshError]
) -> None:
    prepare(login)
    before = sorted((path, path.lstat().st_mode) for path in login.home.rglob("*"))
    async with daemon_of(written(tmp_path)) as app:
        with pytest.raises(error, match="the key of mcp-ssh is not on edge"):
            await added(app, new(login, server), login.password)
        assert app.commands.sessions(PERSON) == ()
    assert sorted((path, path.lstat().st_mode) for path in login.home.rglob("*")) == before
    assert names(tmp_path) == []


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_home_that_is_read_only_is_told_as_such(
    tmp_path: Path, login: Account, server: Sshd, is_new: bool
) -> None:
    with disk(login.home, "64k"):
        login.own(login.home)
        if not is_new:
            login.put_keys(OTHERS)
        subprocess.run(["mount", "-o", "remount,ro", str(login.home)], check=True)
        async with daemon_of(written(tmp_path)) as app:
            with pytest.raises(FileDeniedError, match=r"the key of mcp-ssh is not on edge: .* read-only"):
                await added(app, new(login, server), login.password)
        assert [path.name for path in login.home.rglob("*")] == ([] if is_new else [".ssh", "authorized_keys"])
    assert names(tmp_path) == []


async def test_on_a_full_disk_the_old_file_stays_whole(tmp_path: Path, login: Account, server: Sshd) -> None:
    login.keys.parent.mkdir(mode=0o700)
    with disk(login.keys.parent, "64k"):
        login.put_keys(OTHERS * 200)
        with suppress(OSError), (login.keys.parent / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4_096)
        async with daemon_of(written(tmp_path)) as app:
            with pytest.raises(DiskFullError, match="the key of mcp-ssh is not on edge"):
                await added(app, new(login, server), login.password)
        assert login.keys.read_bytes() == OTHERS * 200
        assert sorted(path.name for path in login.keys.parent.iterdir()) == ["authorized_keys", "filler"]
        assert names(tmp_path) == []


async def test_a_wrong_password_changes_nothing(tmp_path: Path, login: Account, server: Sshd) -> None:
    async with daemon_of(written(tmp_path)) as app:
        with pytest.raises(AuthenticationError) as caught:
            await added(app, new(login, server), "not the right one")
        assert "one-time password is not the right one" in caught.value.hint
        with pytest.raises(InvalidArgumentError, match="gave no password"):
            await added(app, new(login, server), "")
    assert [*login.home.iterdir()] == []
    assert names(tmp_path) == []


async def test_a_key_that_the_host_does_not_take_is_taken_out_again(
    tmp_path: Path, login: Account, lab: tuple[Account, Sshd]
) -> None:
    login.put_keys(OTHERS)
    with Sshd(tmp_path / "deaf", extra=(*login.sshd_lines[:-1], "AuthorizedKeysFile /nowhere")) as deaf:
        async with daemon_of(written(tmp_path)) as app:
            with pytest.raises(KeyNotTakenError, match="does not let it in; the line is taken out again"):
                await added(app, new(login, deaf), login.password)
    assert login.keys.read_bytes() == OTHERS
    assert names(tmp_path) == []


async def test_a_host_that_cannot_be_written_down_is_left_as_it_was(
    tmp_path: Path, login: Account, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise HostsFolderError("no room")

    login.put_keys(OTHERS)
    monkeypatch.setattr("mcp_ssh.config.addedstore.AddedStore._write", full)
    async with daemon_of(written(tmp_path)) as app:
        with pytest.raises(HostsFolderError):
            await added(app, new(login, server), login.password)
    assert login.keys.read_bytes() == OTHERS


async def test_a_host_that_is_added_while_the_key_is_replaced_is_not_left_with_the_old_one(
    tmp_path: Path, login: Account, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity(str(tmp_path / "state"))

    async def meanwhile(*_: object, **__: object) -> None:
        identity.begin_rotation()
        identity.retire()

    monkeypatch.setattr("mcp_ssh.service.adding.Adder._proven", meanwhile)
    async with daemon_of(written(tmp_path)) as app:
        with pytest.raises(IdentityError, match="was replaced meanwhile"):
            await added(app, new(login, server), login.password)
    assert login.keys.read_bytes() == b""
    assert names(tmp_path) == []


async def test_who_leaves_in_the_middle_leaves_nothing(
    tmp_path: Path, login: Account, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def slow(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.sleep(60)

    monkeypatch.setattr("mcp_ssh.service.adding.Adder._proven", slow)
    async with daemon_of(written(tmp_path)) as app:
        call = asyncio.ensure_future(added(app, new(login, server), login.password))
        async with asyncio.timeout(20):
            await reached.wait()
        assert our_line(tmp_path) in login.keys.read_bytes()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(20):
            while login.keys.read_bytes():
                await asyncio.sleep(0.01)
    assert names(tmp_path) == []


async def test_of_several_at_once_each_is_there_or_told_and_the_line_stands_once(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    config = written(tmp_path)
    async with daemon_of(config) as one, daemon_of(config) as two:
        approvals = []
        for app, name in ((one, "a"), (two, "a"), (two, "b")):
            with pytest.raises(ApprovalRequiredError) as asked:
                await app.nodes.adder.add(PERSON, new(login, server, name))
            approvals.append((app, name, asked.value.approval))
        calls = [
            app.nodes.adder.add(
                replace(PERSON, answer=Answer(approval, accepted=True, values=(Secret(login.password),))),
                new(login, server, name),
            )
            for app, name, approval in approvals
        ]
        ends = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(end, AddedHost) for end in ends) >= 1
    assert {type(end) for end in ends} <= {AddedHost, HostThereError, DeniedError}
    assert names(tmp_path)[0] == "a.yaml"
    assert login.keys.read_bytes() == our_line(tmp_path)


async def test_a_password_goes_to_no_host_that_shows_another_key(tmp_path: Path, login: Account, server: Sshd) -> None:
    failed = server.log().count("Failed password")
    accepted = server.log().count("Accepted password")
    async with daemon_of(written(tmp_path, settings="host_key_checking: strict")) as app:
        with pytest.raises(HostKeyUnknownError) as unknown:
            await added(app, new(login, server), login.password)
        assert server.fingerprint in unknown.value.message
        assert "when you add it" in unknown.value.hint
        with pytest.raises(HostKeyChangedError):
            await added(app, new(login, server, host_key="SHA256:" + "B" * 43), login.password)
        assert (server.log().count("Failed password"), server.log().count("Accepted password")) == (failed, accepted)
        await added(app, new(login, server, host_key=server.fingerprint), login.password)


@pytest.mark.parametrize("network", ["block_ips: [10.0.0.0/8]", "allow_cidrs: [10.0.0.0/8]"])
async def test_without_its_network_in_a_list_nothing_is_sent_to_a_host(
    tmp_path: Path, login: Account, server: Sshd, network: str
) -> None:
    before = server.log().count("Connection from")
    async with daemon_of(written(tmp_path, network=network)) as app:
        with pytest.raises(DeniedError, match=r"allow_cidrs|none of the allowed networks") as caught:
            await app.nodes.adder.add(PERSON, new(login, server))
        assert not isinstance(caught.value, ApprovalRequiredError)
    assert server.log().count("Connection from") == before


async def test_the_key_is_rotated_host_by_host_and_what_is_away_keeps_the_old_one(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    away = f"away: {{host: 127.0.0.1, port: {free_port()}, user: x, auth: {{method: gateway}}}}"
    login.put_keys(OTHERS)
    async with daemon_of(written(tmp_path, away)) as app:
        await added(app, new(login, server), login.password)
        old = Identity(str(tmp_path / "state")).public()
        first = await app.nodes.rotation.rotate(PERSON)
        assert not first.is_retired
        assert [(each.host, each.error is None) for each in first.hosts] == [("away", False), ("edge", True)]
        assert isinstance(first.left[0].error, ConnectionFailedError)
        assert login.keys.read_bytes() == OTHERS + first.key.line.encode() + b"\n"
        assert Identity(str(tmp_path / "state")).all_public() == (first.key, old), "one host still needs the old key"
        assert (await app.commands.run(PERSON, "edge", Wish("echo up"))).result.exit_code == 0
        again = await app.nodes.rotation.rotate(PERSON, force=True)
        assert again.is_retired
        assert again.key == first.key
        assert Identity(str(tmp_path / "state")).all_public() == (first.key,)
        assert login.keys.read_bytes() == OTHERS + first.key.line.encode() + b"\n"
    async with daemon_of(written(tmp_path, away)) as later:
        assert (await later.commands.run(PERSON, "edge", Wish("echo up"))).result.exit_code == 0


@pytest.fixture
def logs(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What is logged in a test that logs all there is; afterwards nobody writes to where it went."""
    yield capfd
    structlog.reset_defaults()


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_person_at_the_client_gives_the_password_and_it_turns_up_nowhere(
    tmp_path: Path, login: Account, server: Sshd, era: str, logs: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    async def person(context: Any, params: Any) -> ElicitResult:
        del context
        asked.append(params.message)
        assert [*params.requested_schema["properties"]] == ["password"]
        return ElicitResult(action="accept", content={"password": login.password})

    config = written(tmp_path, settings="recording: {enabled: true}")
    seen: list[str] = []
    environment = replace(Environment(config, tmp_path), reload_interval_s=0.0, log_level="debug")
    async with (
        running(environment, {}) as app,
        Client(mcp_server(app, lambda: PERSON.principal), mode=era, elicitation_callback=person) as client,
    ):
        edge = {"name": "edge", "host": "127.0.0.1", "user": login.name, "port": server.port}
        for tool, arguments in (
            ("ssh_add_host", edge),
            ("ssh_host_status", {"host": "edge"}),
            ("ssh_shell", {"host": "edge", "command": "id -un"}),
            ("ssh_host_status", {"host": "edge"}),
            ("ssh_add_host", edge),
            ("ssh_enable_host", {"host": "edge", "enabled": False}),
            ("ssh_run", {"host": "edge", "command": "id"}),
            ("ssh_enable_host", {"host": "edge"}),
            ("ssh_remove_host", {"host": "edge"}),
            ("ssh_public_key", {}),
        ):
            result = await client.call_tool(tool, arguments)
            seen.append("\n".join(block.text for block in result.content if isinstance(block, TextContent)))
            seen.append(str(result.structured_content))
            assert processes_with(login.password) == []
    texts = seen[::2]
    assert len(asked) == 1, "what stands in the way of an add is told before anybody is asked"
    assert f"| add host edge: {login.name}@127.0.0.1:{server.port}" in asked[0]
    assert texts[0].splitlines()[0] == (
        f"edge is added: {login.name}@127.0.0.1:{server.port}, by the key of mcp-ssh; the password is not kept"
    )
    assert server.fingerprint in texts[0]
    assert texts[1].startswith("edge was reached; nothing is open now")
    assert login.name in texts[2]
    assert texts[3].startswith("edge is open")
    assert texts[4].startswith("host_exists: ")
    assert texts[6].startswith("host_disabled: edge is disabled")
    assert texts[8].splitlines() == ["edge is taken out", "our public key is off it"]
    assert login.keys.read_bytes() == b""
    written_files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any("recordings" in str(path) for path in written_files)
    out, err = logs.readouterr()
    assert login.password not in out + err + "".join(seen) + "".join(asked)
    assert [path for path, raw in written_files.items() if login.password.encode() in raw] == []


async def test_an_operator_types_the_password_at_a_terminal_that_does_not_show_it(
    tmp_path: Path, login: Account, server: Sshd
) -> None:
    def spoken(*words: str, password: str = "", code: int = 0) -> str:
        child = pexpect.spawn(sys.executable, ["-m", "mcp_ssh", *words], env=environ, encoding="utf-8", timeout=30)
        if password:
            child.expect("used once and not kept: ")
            assert processes_with(login.password) == []
            child.sendline(password)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code, child.before
        return str(child.before)

    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MCP_SSH_CONFIG": str(written(tmp_path))}
    words = ("hosts", "add", "edge", "--host", "127.0.0.1", "--user", login.name, "--port", str(server.port))
    told = await asyncio.to_thread(spoken, *words, password=login.password)
    assert login.password not in told
    assert told.strip().splitlines() == [
        f"edge is added: {login.name}@127.0.0.1:{server.port}",
        f"its host key was pinned: ssh-ed25519 {server.fingerprint}",
        "our public key is installed there",
    ]
    told = await asyncio.to_thread(spoken, "identity", "rotate")
    [host_line, ending] = told.strip().splitlines()
    assert host_line == "edge: the new key is proved, the old one is off it"
    assert (
        ending == f"the key of mcp-ssh is now {Identity(f'{tmp_path}/state').public().fingerprint}; the old one is gone"
    )
    told = await asyncio.to_thread(spoken, "hosts", "remove", "edge")
    assert told.strip().splitlines() == ["edge is taken out", "our public key is off it"]
