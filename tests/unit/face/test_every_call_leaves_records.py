"""Each tool, each way that a call of it can end, and the records that it leaves: none is without one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import ElicitResult

from mcp_ssh.face.server import mcp_server
from mcp_ssh.lab.kinds import switch
from mcp_ssh.model.command import Wish
from mcp_ssh.model.errors import (
    AuthenticationError,
    ConnectionFailedError,
    McpSshError,
    PermissionMissingError,
    SecretMissingError,
    SessionLostError,
)
from mcp_ssh.model.fileerrors import DiskFullError
from mcp_ssh.model.host import Auth, AuthMethod, FileRules, Limits, Shell
from mcp_ssh.model.policy import Access, Confirm, NetworkPolicy, Policy
from mcp_ssh.model.principal import Permission, Principal, Via
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.devices import DeviceTransport
from tests.support.hosts import host
from tests.support.machines import ALPINE, DEBIAN, machine
from tests.support.memory import MemoryChannel, MemoryTransport, Script, answers, hangs
from tests.support.memoryfiles import home_of_ann, link

OPENS = ["decided", "connect", "session.open"]
STEP = ["decided", "started", "finished"]
WITH_PROBE = [*OPENS, "started", "finished"]
WEB = (
    host("web"),
    host("off", enabled=False),
    host("reads", access=Access.READONLY),
    host("never", confirm=Confirm.NEVER),
    host("human", confirm=Confirm.HUMAN),
    host("hasty", limits=Limits(max_seconds=0.05)),
    host("roots", files=FileRules(roots=("/home",))),
    host("restricted", access=Access.RESTRICTED),
    host("device", shell=Shell.CLI, platform="cisco_ios"),
    host("behind", jump=host("bastion")),
    host("edge", auth=Auth(AuthMethod.GATEWAY, "/nowhere/identity"), is_added=True),
)
EDGE = {"host": "edge"}
NEW: dict[str, Any] = {"name": "new", "host": "192.0.2.9", "user": "ops"}
LISTED = Policy(network=NetworkPolicy(allow=(ip_network("192.0.2.0/24"),)))
FILE_OF_EDGE = f"host: 192.0.2.1\nuser: admin\nhost_key: SHA256:{'A' * 43}\n"
TOKEN = Principal("token:ops", Via.NETWORK, frozenset({Permission.EXECUTE}))
ROOT = DEBIAN.replace("1000", "0", 1)
NGINX = {"host": "web", "service": "nginx"}
CURL: dict[str, Any] = {"host": "web", "packages": ["curl"]}
NOBODY = Principal("token:reader", Via.NETWORK, frozenset({Permission.READ}))
WRITER = Principal("token:writer", Via.NETWORK, frozenset({Permission.WRITE}))


@dataclass(frozen=True)
class Case:
    """One call, and what it leaves. `host` says what the host does; `person` what somebody says who is asked."""

    tool: str
    arguments: dict[str, Any]
    events: list[str]
    code: str = ""
    host: Any = None
    person: str | None = None
    principal: Principal = ANN.principal
    changes: dict[str, Any] = field(default_factory=dict)
    policy: Policy | None = None


def lost(channel: MemoryChannel) -> None:
    channel.ends(SessionLostError("the link went", sent=True))


def lost_at(word: str) -> Script:
    """A Debian whose link goes with that command."""

    def script(channel: MemoryChannel) -> None:
        (lost if word in channel.command else machine(ROOT))(channel)

    return script


def run(command: str = "uptime", name: str = "web", **more: Any) -> dict[str, Any]:
    return {"host": name, "command": command, **more}


def of_file(path: str = "/srv/motd", name: str = "web", **more: Any) -> dict[str, Any]:
    return {"host": name, "path": path, **more}


def write(path: str = "/srv/motd", name: str = "web", **more: Any) -> dict[str, Any]:
    return of_file(path, name, content="hi", **more)


def move(direction: str = "upload", path: str = "/srv/up", local: str = "up.bin", **more: Any) -> dict[str, Any]:
    return of_file(path, direction=direction, local=local, **more)


def files_that(fail: McpSshError, call: str) -> MemoryTransport:
    files = home_of_ann()
    files.before = lambda asked: fail if asked == call else None
    return MemoryTransport(files=files)


def lead_astray() -> MemoryTransport:
    files = home_of_ann()
    files.put("/srv/link", link("/etc/passwd"))
    return MemoryTransport(files=files)


def many(command: str = "uptime", name: str = "web") -> dict[str, Any]:
    return {"hosts": [name], "command": command}


CASES = {
    "hosts": Case("ssh_list_hosts", {}, ["asked"]),
    "describe": Case("ssh_describe_host", {"host": "off"}, ["asked"]),
    "describe nothing": Case("ssh_describe_host", {"host": "wob"}, ["request.refused"], "unknown_host"),
    "sessions": Case("ssh_list_sessions", {}, ["asked"]),
    "ping": Case("ssh_ping", {}, ["asked"]),
    "plan": Case("ssh_plan", run("reboot"), ["asked"]),
    "plan of nothing": Case("ssh_plan", run(name="wob"), ["request.refused"], "unknown_host"),
    "read of nothing": Case("ssh_read", {"handle": "r-1"}, ["request.refused"], "unknown_session"),
    "tasks": Case("ssh_task", {}, ["asked"]),
    "output of no task": Case("ssh_task_output", {"task": "r-1"}, ["request.refused"], "unknown_session"),
    "cancel of no task": Case("ssh_cancel", {"task": "r-1"}, ["request.refused"], "unknown_session"),
    "many": Case("ssh_run_many", many(), [*OPENS, "started", "finished"]),
    "many, dangerous": Case("ssh_run_many", many("reboot"), ["decided"]),
    "many, accepted": Case(
        "ssh_run_many",
        many("reboot"),
        ["decided", "approval", "decided", "override", "connect", "session.open", "started", "finished"],
        person="accept",
    ),
    "many, for an operator": Case("ssh_run_many", many("reboot", "human"), ["decided"], "approval_required"),
    "many, no such host": Case("ssh_run_many", many(name="wob"), ["request.refused"], "unknown_host"),
    "many, not permitted": Case("ssh_run_many", many(), ["failed"], principal=NOBODY),
    "task, dangerous": Case("ssh_run_async", run("reboot"), ["decided"], "confirmation_required"),
    "task, not permitted": Case("ssh_run_async", run(), ["failed"], "permission_missing", principal=NOBODY),
    "connect": Case("ssh_connect", {"host": "web"}, [*OPENS, "finished"]),
    "connect, not let in": Case(
        "ssh_connect",
        {"host": "web"},
        ["decided", "connect", "failed"],
        "auth_failed",
        MemoryTransport(error=AuthenticationError("no")),
    ),
    "connect, behind a bastion": Case(
        "ssh_connect", {"host": "behind"}, [*OPENS, "connect", "session.open", "finished"]
    ),
    "connect, a bastion that lets nobody in": Case(
        "ssh_connect",
        {"host": "behind"},
        ["decided", "connect", "failed"],
        "auth_failed",
        MemoryTransport(error=AuthenticationError("no")),
    ),
    "run": Case("ssh_run", run(), [*OPENS, "started", "finished"]),
    "run, non-zero": Case("ssh_run", run(), [*OPENS, "started", "finished"], host=answers(code=3)),
    "run, too long": Case("ssh_run", run(name="hasty"), [*OPENS, "started", "finished"], host=hangs),
    "run, lost": Case("ssh_run", run(), [*OPENS, "started", "failed"], host=lost),
    "run, not let in": Case(
        "ssh_run",
        run(),
        ["decided", "connect", "failed"],
        "auth_failed",
        MemoryTransport(error=AuthenticationError("no")),
    ),
    "dangerous": Case("ssh_run", run("reboot"), ["decided"], "confirmation_required"),
    "dangerous, by the model": Case(
        "ssh_run",
        run("reboot", confirm_dangerous=True),
        ["decided", "override", "connect", "session.open", "started", "finished"],
    ),
    "dangerous, accepted": Case(
        "ssh_run",
        run("reboot"),
        ["decided", "approval", "decided", "override", "connect", "session.open", "started", "finished"],
        person="accept",
    ),
    "dangerous, declined": Case(
        "ssh_run", run("reboot"), ["decided", "approval", "decided"], "denied", person="decline"
    ),
    "dangerous, no answer": Case(
        "ssh_run", run("reboot"), ["decided", "approval", "decided"], "denied", person="cancel"
    ),
    "dangerous, for an operator": Case("ssh_run", run("reboot", "human"), ["decided"], "approval_required"),
    "dangerous, for nobody": Case("ssh_run", run("reboot", "never", confirm_dangerous=True), ["decided"], "denied"),
    "changes where only reading is": Case("ssh_run", run("touch x", "reads"), ["decided"], "denied"),
    "disabled": Case("ssh_run", run(name="off"), ["failed"], "host_disabled"),
    "no such host": Case("ssh_run", run(name="wob"), ["failed"], "unknown_host"),
    "empty": Case("ssh_run", run(" "), ["failed"], "invalid_argument"),
    "too large": Case("ssh_run", run("x" * 10_001), ["failed"], "invalid_argument"),
    "too often": Case("ssh_run", run(), ["failed"], "rate_limited", principal=TOKEN, changes={"calls_per_minute": 1}),
    "not permitted": Case("ssh_run", run(), ["failed"], "permission_missing", principal=NOBODY),
    "unknown argument": Case("ssh_run", run(timeot=1), ["request.refused"], "invalid_argument"),
    "wrong type": Case("ssh_run", {"host": 1, "command": "id"}, ["request.refused"], "invalid_argument"),
    "shell of another": Case("ssh_shell", run(session="s-1"), ["request.refused"], "unknown_session"),
    "send to nothing": Case("ssh_send", {"host": "web", "key": "ctrl-c"}, ["request.refused"], "nothing_asks"),
    "close nothing": Case("ssh_disconnect", {"host": "web"}, ["request.refused"], "unknown_session"),
    "read a file": Case("ssh_read_file", of_file(), [*OPENS, "started", "file.read"]),
    "read none": Case("ssh_read_file", of_file("/srv/no"), [*OPENS, "started", "failed"], "file_not_found"),
    "read by a trick": Case("ssh_read_file", of_file("srv/../../x"), ["failed"], "path_refused"),
    "read what is closed": Case("ssh_read_file", of_file("/etc/../srv/motd", "roots"), ["failed"], "path_refused"),
    "read through a link": Case(
        "ssh_read_file", of_file("/srv/link"), [*OPENS, "started", "decided", "file.read"], host=lead_astray()
    ),
    "read where nobody may": Case("ssh_read_file", of_file(), ["failed"], "permission_missing", principal=WRITER),
    "read without files": Case(
        "ssh_read_file", of_file(), [*OPENS, "started", "failed"], "no_files", host=MemoryTransport()
    ),
    "read, lost": Case(
        "ssh_read_file",
        of_file(),
        ["decided", *["connect", "session.open", "started"] * 2, "failed"],
        "session_lost",
        files_that(SessionLostError("reset"), "read"),
    ),
    "list": Case("ssh_list_directory", of_file("/srv"), [*OPENS, "started", "file.read"]),
    "list none": Case("ssh_list_directory", of_file("/no"), [*OPENS, "started", "failed"], "file_not_found"),
    "write": Case("ssh_write_file", write(), [*OPENS, "started", "file.write"]),
    "write where only reading is": Case("ssh_write_file", write(name="reads"), ["decided"], "denied"),
    "write, not permitted": Case("ssh_write_file", write(), ["failed"], "permission_missing", principal=NOBODY),
    "write what is dangerous": Case("ssh_write_file", write("/etc/passwd"), ["decided"], "confirmation_required"),
    "write what is dangerous, by the model": Case(
        "ssh_write_file",
        write("/etc/passwd", confirm_dangerous=True),
        ["decided", "override", "connect", "session.open", "started", "file.write"],
    ),
    "write through a link": Case(
        "ssh_write_file",
        write("/srv/link"),
        [*OPENS, "started", "decided", "failed"],
        "confirmation_required",
        lead_astray(),
    ),
    "write, no room": Case(
        "ssh_write_file",
        write(),
        [*OPENS, "started", "failed"],
        "disk_full",
        files_that(DiskFullError("no room"), "write"),
    ),
    "write no base64": Case(
        "ssh_write_file", of_file(content="?", base64=True), ["request.refused"], "invalid_argument"
    ),
    "upload": Case("ssh_transfer", move(), [*OPENS, "started", "file.write"]),
    "upload, not permitted": Case("ssh_transfer", move(), ["failed"], "permission_missing", principal=NOBODY),
    "upload of nothing": Case("ssh_transfer", move(local="no"), ["request.refused"], "file_not_found"),
    "upload from elsewhere": Case("ssh_transfer", move(local="../up.bin"), ["request.refused"], "path_refused"),
    "upload over a file": Case("ssh_transfer", move(path="/srv/motd"), [*OPENS, "started", "failed"], "file_exists"),
    "download": Case("ssh_transfer", move("download", "/srv/motd", "new"), [*OPENS, "started", "file.read"]),
    "download over a file": Case("ssh_transfer", move("download", "/srv/motd"), ["request.refused"], "file_exists"),
    "transfer without a folder": Case(
        "ssh_transfer", move(), ["request.refused"], "no_transfer_dir", changes={"transfer_dir": None}
    ),
    "facts": Case("ssh_system_info", {"host": "web"}, WITH_PROBE, host=machine(DEBIAN)),
    "facts of a readonly host": Case("ssh_system_info", {"host": "reads"}, WITH_PROBE, host=machine(DEBIAN)),
    "facts, disabled": Case("ssh_system_info", {"host": "off"}, ["failed"], "host_disabled"),
    "facts of a device": Case("ssh_system_info", {"host": "device"}, ["failed"], "needs_posix"),
    "facts of nothing": Case("ssh_system_info", {"host": "wob"}, ["failed"], "unknown_host"),
    "facts, not permitted": Case("ssh_system_info", {"host": "web"}, ["failed"], "permission_missing", principal=TOKEN),
    "facts, restricted": Case("ssh_system_info", {"host": "restricted"}, ["decided"], "denied"),
    "facts, lost": Case("ssh_system_info", {"host": "web"}, [*OPENS, "started", "failed"], "session_lost", host=lost),
    "facts, too long": Case("ssh_system_info", {"host": "hasty"}, [*OPENS, "started", "finished"], host=hangs),
    "service": Case("ssh_service_status", NGINX, [*WITH_PROBE, *STEP], host=machine(DEBIAN)),
    "service of a readonly host": Case(
        "ssh_service_status", NGINX | {"host": "reads"}, [*WITH_PROBE, *STEP], host=machine(DEBIAN)
    ),
    "service, no name of one": Case(
        "ssh_service_status", NGINX | {"service": "a;b"}, ["request.refused"], "invalid_argument"
    ),
    "service, disabled": Case("ssh_service_status", NGINX | {"host": "off"}, ["failed"], "host_disabled"),
    "service of a device": Case("ssh_service_status", NGINX | {"host": "device"}, ["failed"], "needs_posix"),
    "service, not permitted": Case("ssh_service_status", NGINX, ["failed"], "permission_missing", principal=TOKEN),
    "service, nothing starts any": Case("ssh_service_status", NGINX, WITH_PROBE, host=answers(b"sh: not found\n")),
    "install": Case("ssh_install_package", CURL, [*WITH_PROBE, *STEP, *STEP, *STEP], host=machine(ROOT)),
    "install, there already": Case(
        "ssh_install_package",
        CURL,
        [*WITH_PROBE, *STEP],
        host=machine(ROOT, {"dpkg-query": ("curl\t1\tinstalled\n", 0)}),
    ),
    "install, refreshed": Case(
        "ssh_install_package", CURL | {"update": True}, [*WITH_PROBE, *STEP, *STEP, *STEP, *STEP], host=machine(ROOT)
    ),
    "install on a readonly host": Case(
        "ssh_install_package", CURL | {"host": "reads"}, [*WITH_PROBE, "decided"], "denied", host=machine(ROOT)
    ),
    "install, no name of one": Case(
        "ssh_install_package", CURL | {"packages": ["-o"]}, ["request.refused"], "invalid_argument"
    ),
    "install, no name for apt": Case(
        "ssh_install_package",
        CURL | {"packages": ["Curl"]},
        [*WITH_PROBE, "request.refused"],
        "invalid_argument",
        host=machine(ROOT),
    ),
    "install, disabled": Case("ssh_install_package", CURL | {"host": "off"}, ["failed"], "host_disabled"),
    "install on a device": Case("ssh_install_package", CURL | {"host": "device"}, ["failed"], "needs_posix"),
    "install, not permitted": Case("ssh_install_package", CURL, ["failed"], "permission_missing", principal=NOBODY),
    "install, nobody is root": Case(
        "ssh_install_package",
        CURL,
        [*WITH_PROBE, *STEP, "request.refused"],
        "needs_root",
        host=machine(DEBIAN.replace("/usr/bin/sudo", "")),
    ),
    "install, no manager": Case(
        "ssh_install_package", CURL, [*WITH_PROBE, "request.refused"], "unsupported_host", host=machine("")
    ),
    "install, would remove": Case(
        "ssh_install_package",
        CURL,
        [*WITH_PROBE, *STEP, *STEP, "request.refused"],
        "would_remove",
        host=machine(ALPINE, {"--simulate": ("(1/1) Purging wget (1-r0)\n", 0)}),
    ),
    "install, lost": Case(
        "ssh_install_package",
        CURL,
        [*WITH_PROBE, *STEP, "decided", "started", "failed"],
        host=lost_at("apt-get install"),
    ),
    "add, nobody to ask": Case("ssh_add_host", NEW, ["request.refused"], "invalid_argument"),
    "add, not permitted": Case(
        "ssh_add_host", NEW, ["request.refused"], "permission_missing", person="accept", principal=TOKEN
    ),
    "add, no name of one": Case(
        "ssh_add_host", NEW | {"host": "-oProxyCommand=x"}, ["request.refused"], "invalid_argument", person="accept"
    ),
    "add, another secret": Case(
        "ssh_add_host", NEW | {"password_secret": "SUDO"}, ["request.refused"], "invalid_argument", person="accept"
    ),
    "add, a name that is taken": Case(
        "ssh_add_host", NEW | {"name": "web"}, ["failed"], "host_exists", person="accept", policy=LISTED
    ),
    "add, no network list": Case("ssh_add_host", NEW, ["decided"], "denied", person="accept"),
    "add, another network": Case(
        "ssh_add_host", NEW | {"host": "10.0.0.1"}, ["decided"], "denied", person="accept", policy=LISTED
    ),
    "add, declined": Case(
        "ssh_add_host", NEW, ["decided", "approval", "decided"], "denied", person="decline", policy=LISTED
    ),
    "add, no password": Case(
        "ssh_add_host", NEW, ["decided", "request.refused"], "invalid_argument", person="accept", policy=LISTED
    ),
    "add, for an operator": Case(
        "ssh_add_host",
        NEW | {"password_secret": "BOOTSTRAP_NEW"},
        ["decided"],
        "approval_required",
        policy=LISTED,
    ),
    "add, no such secret": Case(
        "ssh_add_host",
        NEW | {"password_secret": "BOOTSTRAP_NEW"},
        ["decided", "approval", "decided", "override", "connect", "failed"],
        "secret_missing",
        host=MemoryTransport(error=SecretMissingError("BOOTSTRAP_NEW is not set")),
        person="accept",
        policy=LISTED,
    ),
    "remove": Case("ssh_remove_host", EDGE, [*OPENS, "started", "finished", "inventory", "reload"], policy=LISTED),
    "remove, the key stays": Case("ssh_remove_host", EDGE | {"remove_key": False}, ["inventory", "reload"]),
    "remove, not reached": Case(
        "ssh_remove_host",
        EDGE,
        ["decided", "connect", "failed"],
        "connect_failed",
        MemoryTransport(error=ConnectionFailedError("refused")),
        policy=LISTED,
    ),
    "remove, without files": Case(
        "ssh_remove_host", EDGE, [*OPENS, "started", "failed"], "no_files", MemoryTransport(), policy=LISTED
    ),
    "remove the operator's": Case("ssh_remove_host", {"host": "web"}, ["request.refused"], "not_added"),
    "remove nothing": Case("ssh_remove_host", {"host": "wob"}, ["request.refused"], "unknown_host"),
    "remove, not permitted": Case("ssh_remove_host", EDGE, ["request.refused"], "permission_missing", principal=TOKEN),
    "disable": Case("ssh_enable_host", EDGE | {"enabled": False}, ["inventory", "reload"]),
    "enable the operator's": Case("ssh_enable_host", {"host": "off"}, ["request.refused"], "not_added"),
    "run on an added host without a list": Case("ssh_run", run(name="edge"), ["decided"], "denied"),
    "run on an added host": Case("ssh_run", run(name="edge"), [*OPENS, "started", "finished"], policy=LISTED),
    "status": Case("ssh_host_status", {"host": "web"}, ["asked"]),
    "status of nothing": Case("ssh_host_status", {"host": "wob"}, ["request.refused"], "unknown_host"),
    "public key": Case("ssh_public_key", {}, ["asked"]),
    "public key, not permitted": Case("ssh_public_key", {}, ["request.refused"], "permission_missing", principal=TOKEN),
    "reload, not permitted": Case("ssh_reload_config", {}, ["request.refused"], "permission_missing", principal=NOBODY),
    "reload": Case("ssh_reload_config", {}, ["reload"]),
}


@asynccontextmanager
async def called(case: Case, folder: Path) -> AsyncIterator[tuple[Daemon, Client]]:
    async def person(context: Any, params: Any) -> ElicitResult:
        del context, params
        return ElicitResult(action=case.person or "cancel", content={} if case.person == "accept" else None)

    scripted = MemoryTransport(answers(b"ok\n") if case.host is None else case.host, files=home_of_ann())
    transport = case.host if isinstance(case.host, MemoryTransport) else scripted
    (folder / "up.bin").write_bytes(b"up")
    (folder / "state" / "hosts.d").mkdir(parents=True)
    (folder / "state" / "hosts.d" / "edge.yaml").write_text(FILE_OF_EDGE)
    groups = ("core", "fleet", "tasks", "files", "system", "nodes", "admin")
    changes = {"tool_groups": groups, "transfer_dir": str(folder), "state_dir": str(folder / "state")} | case.changes
    async with (
        daemon(*WEB, transport=transport, **changes) as it,
        Client(
            mcp_server(it.app, lambda: case.principal),
            mode="legacy",
            elicitation_callback=person if case.person else None,
        ) as client,
    ):
        if case.policy is not None:
            it.take(policy=case.policy)
            it.audit.records.clear()
        yield it, client


@pytest.mark.parametrize("name", CASES)
async def test_a_call_leaves_its_records(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    async with called(case, tmp_path) as (it, client):
        if name == "too often":
            await client.call_tool("ssh_run", run())
            await client.call_tool("ssh_disconnect", {"host": "web"})
            it.audit.records.clear()
        result = await client.call_tool(case.tool, case.arguments)
        left = [record for record in it.audit.records if record["event"] != "session.close"]
        if case.code:
            assert result.structured_content is not None
            assert result.structured_content["error"]["code"] == case.code
        assert [record["event"] for record in left] == case.events
        for record in left:
            if record["event"] not in {"connect", "session.open", "started"}:
                assert record["principal"] == case.principal.name
            if record["event"] not in {"connect", "session.open", "reload"}:
                assert record["tool"] == case.tool


def test_no_tool_is_left_out() -> None:
    core = {
        "ssh_list_hosts",
        "ssh_describe_host",
        "ssh_list_sessions",
        "ssh_ping",
        "ssh_plan",
        "ssh_read",
        "ssh_connect",
        "ssh_run",
    }
    assert {case.tool for case in CASES.values()} == core | {
        "ssh_shell", "ssh_send", "ssh_disconnect", "ssh_reload_config",
        "ssh_read_file", "ssh_list_directory", "ssh_write_file", "ssh_transfer",
        "ssh_system_info", "ssh_service_status", "ssh_install_package",
        "ssh_add_host", "ssh_remove_host", "ssh_enable_host", "ssh_host_status", "ssh_public_key",
        "ssh_run_many", "ssh_run_async", "ssh_task", "ssh_task_output", "ssh_cancel",
    }  # fmt: skip


async def test_in_a_shell_each_step_leaves_its_records() -> None:
    """Commands, questions, answers, words to a program, reading on, the end of a session."""
    entry = host("sw", shell=Shell.CLI, platform="cisco_ios")
    transport = DeviceTransport(switch("secret"))
    async with (
        transport,
        daemon(entry, transport=transport) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy") as client,
    ):

        async def step(tool: str, events: list[str], **arguments: Any) -> Any:
            it.audit.records.clear()
            result = await client.call_tool(tool, arguments)
            assert [record["event"] for record in it.audit.records] == events, (tool, arguments, result.content)
            return result

        await step("ssh_shell", [*OPENS, "started", "finished"], host="sw", command="show clock")
        await step("ssh_shell", ["decided"], host="sw", command="reload")
        asked = await step("ssh_shell", ["decided", "started", "finished"], host="sw", command="enable")
        assert asked.structured_content["outcome"] == "waiting_input"
        await step("ssh_send", ["request.refused"], host="sw", text="guess")
        await step("ssh_send", ["decided", "started", "finished"], host="sw", key="ctrl-c")
        await step("ssh_run", [*OPENS, "started", "finished"], host="sw", command="show clock")
        opened = await step(
            "ssh_connect", ["decided", "connect", "session.open", "finished"], host="sw", new_shell=True
        )
        shell = opened.structured_content["shell"]
        assert "cisco_ios is experimental" in opened.content[0].text  # nobody has seen it on a real one
        await step("ssh_disconnect", ["decided", "session.close"], host="sw", session=shell)


async def test_a_call_that_is_cancelled_leaves_its_record() -> None:
    transport = MemoryTransport(hangs)
    async with daemon(transport=transport) as it:
        call = asyncio.ensure_future(it.app.commands.run(ANN, "web", Wish("sleep 60")))
        while not (transport.connections and transport.connections[0].channels):
            await asyncio.sleep(0.001)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while "cancelled" not in it.audit.events():
            await asyncio.sleep(0.001)
    assert it.audit.events() == ["decided", "cancelled"]


async def test_a_token_that_is_gone_leaves_a_record_without_a_name() -> None:
    def gone() -> Principal:
        raise PermissionMissingError("the token is not valid any more; nothing was sent")

    async with daemon() as it, Client(mcp_server(it.app, gone), mode="legacy") as client:
        await client.call_tool("ssh_run", run())
    [record] = it.audit.records
    assert (record["event"], record["tool"], "principal" in record) == ("request.refused", "ssh_run", False)
