"""System tools on a real sshd: this machine, BusyBox, and machines of other kinds by stand-ins for their programs."""

import asyncio
import os
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from mcp import Client

from mcp_ssh.face.server import mcp_server
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError
from mcp_ssh.service.names import service_name
from mcp_ssh.service.packages import checked, checked_for, command, manager_of, query
from mcp_ssh.service.survey import Init, probe, survey
from mcp_ssh.service.units import question
from tests.support.daemon import ANN, Daemon, daemon
from tests.support.parts import require
from tests.support.posix import host_of, transport_in
from tests.support.sshd import Sshd
from tests.support.standins import StandIn, is_root
from tests.unit.face.test_tools import text_of

pytestmark = pytest.mark.integration


@asynccontextmanager
async def daemon_on(server: Sshd, folder: Path) -> AsyncIterator[Daemon]:
    groups = ("core", "system")
    async with daemon(
        host_of(server, fast=False),  # the server's log of commands is that of exec requests
        transport=transport_in(folder),
        tool_groups=groups,
        state_dir=str(folder / "state"),
        rate_limit_enabled=False,
    ) as it:
        yield it


@asynccontextmanager
async def client_on(server: Sshd, folder: Path) -> AsyncIterator[Client]:
    async with (
        daemon_on(server, folder) as it,
        Client(mcp_server(it.app, lambda: ANN.principal), mode="legacy") as client,
    ):
        yield client


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, {"host": "web", **arguments})
    assert not result.is_error, text_of(result)
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


@pytest.fixture
def stand_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[StandIn, Sshd]]:
    """A machine of the kind that the test is parametrized with, behind sshd."""
    made = StandIn(tmp_path / "machine", request.param)
    with Sshd(tmp_path / "sshd", extra=(made.force,)) as server:
        yield made, server


def kinds(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stand_in", names, indirect=True)


# --- facts


@pytest.mark.parametrize("shell", ["busybox ash", "fish"])
async def test_this_machine_tells_what_it_is_whatever_the_login_shell(tmp_path: Path, shell: str) -> None:
    require(shell.split(maxsplit=1)[0])
    force = f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"'
    async with Sshd(tmp_path / "sshd", extra=(force,)) as server, client_on(server, tmp_path) as client:
        facts = (await told(client, "ssh_system_info"))["facts"]
        assert facts["kernel"]["value"] == f"{platform.system()} {platform.release()}"
        assert facts["hostname"]["value"] == platform.node()
        assert facts["architecture"]["value"] == platform.machine()
        root = next(disk for disk in facts["disks"]["value"] if disk["mount"] == "/")
        assert root["size_bytes"] == pytest.approx(shutil.disk_usage("/").total, rel=0.01)
        assert facts["memory"]["value"]["total_bytes"] > 0
        release = platform.freedesktop_os_release()
        assert facts["os"] == {"value": release["PRETTY_NAME"], "source": "/etc/os-release"}


async def test_busybox_programs_tell_it_as_well(tmp_path: Path) -> None:
    busybox = require("busybox")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in "sh id ls uname date readlink head ip ifconfig df".split():
        (bin_folder / name).symlink_to(busybox)
    force = f'ForceCommand PATH={bin_folder} exec {busybox} ash -c "$SSH_ORIGINAL_COMMAND"'
    async with Sshd(tmp_path / "sshd", extra=(force,)) as server, client_on(server, tmp_path) as client:
        facts = (await told(client, "ssh_system_info"))["facts"]
        assert facts["kernel"]["value"] == f"{platform.system()} {platform.release()}"
        assert any(disk["mount"] == "/" for disk in facts["disks"]["value"])
        assert {"os", "uptime_seconds", "load", "memory"} <= set(facts)
        assert "package_manager" not in facts


# --- services


@kinds("debian", "fedora", "alpine", "openwrt")
async def test_services_and_packages_of_each_kind_of_machine(stand_in: tuple[StandIn, Sshd], tmp_path: Path) -> None:
    machine, server = stand_in
    machine.has(installed="curl 8.1-r0\n", offered="curl 8.2-r0\nnginx 1.26-r1\n")
    machine.serves("nginx", pid=812)
    machine.serves("cron", enabled=False)
    async with client_on(server, tmp_path) as client:
        nginx = await told(client, "ssh_service_status", service="nginx.service")
        assert (nginx["exists"], nginx["active"], nginx["enabled"].split()[0]) == (True, True, "enabled")
        assert nginx["pid"] == (None if machine.kind == "alpine" else 812)
        cron = await told(client, "ssh_service_status", service="cron")
        assert (cron["exists"], cron["active"], cron["enabled"]) == (True, False, "disabled")
        assert (await told(client, "ssh_service_status", service="nope"))["exists"] is False
        if is_root():
            await _installs(client)
    assert machine.commands()[0] == probe


async def _installs(client: Client) -> None:
    there = await told(client, "ssh_install_package", packages=["curl"])
    assert (there["after"], there["changes"], there["outcome"]) == ({"curl": "8.1-r0"}, [], None)
    new = await told(client, "ssh_install_package", packages=["curl", "nginx"], update=True)
    assert new["changes"] == [
        {"package": "curl", "before": "8.1-r0", "after": "8.2-r0"},
        {"package": "nginx", "before": None, "after": "1.26-r1"},
    ]
    assert new["exit_code"] == 0
    missing = await told(client, "ssh_install_package", packages=["nosuch"])
    assert missing["exit_code"] != 0
    assert missing["changes"] == []
    assert any("not known to the host" in note for note in missing["notes"])


async def test_a_script_of_this_machine_is_asked_by_itself(sshd: Sshd, tmp_path: Path) -> None:
    script = Path("/etc/init.d/ssh")
    if not script.exists() or Path("/run/systemd/system").exists():
        pytest.skip("this machine has systemd, or no /etc/init.d/ssh")
    code = subprocess.run([script, "status"], capture_output=True, check=False).returncode
    async with client_on(sshd, tmp_path) as client:
        found = await told(client, "ssh_service_status", service="ssh")
        assert (found["exists"], found["active"], found["init"]) == (True, code == 0, "init scripts")
        assert (await told(client, "ssh_service_status", service="nope"))["exists"] is False


# --- packages


@kinds("alpine")
async def test_apk_is_not_let_to_remove(stand_in: tuple[StandIn, Sshd], tmp_path: Path) -> None:
    if not is_root():
        pytest.skip("it takes a login that is root")
    machine, server = stand_in
    machine.has(installed="wget 1.0-r0\n", offered="curl 8.2-r0\n")
    (machine.root / "conflicts" / "curl").write_text("wget")
    async with client_on(server, tmp_path) as client:
        result = await client.call_tool("ssh_install_package", {"host": "web", "packages": ["curl"]})
        assert "would_remove: apk would remove wget" in text_of(result)
    assert (machine.root / "installed").read_text() == "wget 1.0-r0\n"


async def test_apt_of_this_machine_knows_what_is_there_and_what_is_not(sshd: Sshd, tmp_path: Path) -> None:
    require("apt-get")
    if not is_root():
        pytest.skip("it takes a login that is root")
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dpkg"], capture_output=True, check=True)
    async with client_on(sshd, tmp_path) as client:
        there = await told(client, "ssh_install_package", packages=["dpkg"])
        assert there["after"] == {"dpkg": version.stdout.decode()}
        assert there["outcome"] is None
        # A dot would make it a regular expression over all names, if apt were let; then dpkg were meant.
        missing = await told(client, "ssh_install_package", packages=["dpk."])
        assert (missing["exit_code"], missing["changes"]) == (100, [])
        assert any("not known to the host" in note for note in missing["notes"])


tiny = "lsb-base"
"""An empty package of Debian's: it brings a copyright file, and needs nothing."""


async def test_apt_of_this_machine_installs_an_empty_package(sshd: Sshd, tmp_path: Path) -> None:
    require("apt-get")
    if os.environ.get("CI") != "true" or not is_root():
        pytest.skip("packages of this machine are changed in CI alone")
    if subprocess.run(["dpkg", "-s", tiny], capture_output=True, check=False).returncode == 0:
        pytest.skip(f"{tiny} is installed here")
    try:
        async with client_on(sshd, tmp_path) as client:
            new = await told(client, "ssh_install_package", packages=[tiny])
            if any("not known to the host" in note or "could not reach" in note for note in new["notes"]):
                pytest.skip("this machine cannot reach where its packages come from")
            assert new["exit_code"] == 0
            [change] = new["changes"]
            assert (change["package"], change["before"]) == (tiny, None)
            assert (await told(client, "ssh_install_package", packages=[tiny]))["after"] == {tiny: change["after"]}
    finally:
        subprocess.run(["dpkg", "--purge", tiny], capture_output=True, check=False)


# --- nothing else runs


def attacks(canary: Path) -> st.SearchStrategy[str]:
    """Names with what a shell reads otherwise than as letters; some of them are names all the same."""
    payloads = [
        text.replace("CANARY", f"touch {canary}")
        for text in (
            ";CANARY", "&CANARY&", "|CANARY", "\nCANARY\n", "$(CANARY)", "`CANARY`", "';CANARY;'", '";CANARY;"',
            "'$(CANARY)'", "\\';CANARY", "${IFS}CANARY", ">" + str(canary), "\x00CANARY", '{"name":"$(CANARY)"}',
            "--pre-invoke=CANARY", "-oDPkg::Pre-Invoke::=CANARY", "\\x3bCANARY", "!CANARY", "#", "*", "?", "~root",
        )
    ]  # fmt: skip
    names = st.from_regex(r"\A[a-z0-9][a-z0-9@._:+-]{0,5}(\\x3b|=1~b|:amd64)?\Z")
    mixed = st.lists(st.one_of(st.sampled_from(payloads), names), min_size=1, max_size=4).map("".join)
    return st.one_of(names, mixed)


def _expected(tool: str, name: str) -> list[str]:
    """What the machine may be asked for this name, besides the probe; nothing for what is no name."""
    try:
        if tool == "ssh_service_status":
            return [question(Init.SYSTEMD, service_name(name))]
        manager = manager_of(["apt-get"])
        assert manager is not None
        checked_for(manager, checked([name]))
    except InvalidArgumentError:
        return []
    return [query(manager, [name]), command(manager.install, [name])]


@kinds("debian")
@pytest.mark.parametrize("tool", ["ssh_service_status", "ssh_install_package"])
def test_no_name_makes_a_host_run_anything_else(stand_in: tuple[StandIn, Sshd], tmp_path: Path, tool: str) -> None:
    machine, server = stand_in
    canary = tmp_path / "canary"
    with asyncio.Runner() as runner:
        context = daemon_on(server, tmp_path)
        it = runner.run(context.__aenter__())

        async def call(host: str, name: str) -> None:
            try:
                if tool == "ssh_service_status":
                    await it.app.system.status(ANN, host, name)
                else:
                    await it.app.installer.install(ANN, host, [name])
            except McpSshError:
                return

        runner.run(call("web", "warm-up"))
        runner.run(call("web", "-"))
        assert machine.commands()[0] == probe

        @given(attacks(canary))
        @hypothesis_settings(
            max_examples=30 if tool == "ssh_service_status" else 15, deadline=None, database=None, derandomize=True
        )
        def attack(name: str) -> None:
            before, lines = machine.commands(), machine.lines()
            runner.run(call("web", name))
            runner.run(call(f"web{name}" if name else "-", "nginx"))
            assert not canary.exists()
            sent = machine.commands()[len(before) :]
            assert set(sent) <= set(_expected(tool, name))
            assert machine.lines() - lines == len(sent)  # and nothing stands on a line of its own

        attack()
        assert len(machine.commands()) > 5  # some of them are names
        runner.run(context.__aexit__(None, None, None))
    assert not canary.exists()


@kinds("debian")
async def test_what_is_sent_is_what_stands_on_record(stand_in: tuple[StandIn, Sshd], tmp_path: Path) -> None:
    machine, server = stand_in
    machine.has(offered="nginx 1.26\n")
    machine.serves("nginx", pid=1)
    async with daemon_on(server, tmp_path) as it:
        await it.app.system.info(ANN, "web")
        await it.app.system.status(ANN, "web", "nginx")
        if is_root():
            await it.app.installer.install(ANN, "web", ["nginx"])
        decided = [str(record["command"]) for record in it.audit.records if record["event"] == "decided"]
    assert machine.commands() == decided
    assert decided[0] == survey
