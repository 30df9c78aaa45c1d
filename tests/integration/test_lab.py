"""The embedded host is a host, and harmless."""

import asyncio
import os
import socket
from pathlib import Path

import asyncssh
import pytest

from mcp_ssh.lab.device_host import DeviceHost, Wire
from mcp_ssh.lab.kinds import switch
from mcp_ssh.lab.posix_host import PosixHost
from mcp_ssh.lab.processes import nobody_uid
from mcp_ssh.model.errors import AuthenticationError
from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.posixshell import PosixShell
from mcp_ssh_drivers.registry import known
from tests.support.hosts import host
from tests.support.posix import command, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import make_key, processes_with


def entry(lab: PosixHost | DeviceHost, key: Path) -> Host:
    return host(address="127.0.0.1", port=lab.port, user="demo", auth=Auth(AuthMethod.KEY, key_path=str(key)))


async def run(folder: Path, text: str, timeout_s: float = 10) -> CommandResult:
    async with PosixHost(folder / "lab") as lab:
        connection = await transport_in(folder).connect(entry(lab, lab.client_key_path), ["127.0.0.1"], NoSecrets())
        try:
            return await ExecDriver(connection).run(command(text, timeout_s))
        finally:
            await connection.close()


async def test_its_commands_never_run_as_root(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    result = await run(tmp_path, f"id -u; id -G; cat {secret}; pwd; touch here && echo written")
    lines = result.stdout.head.decode().splitlines()
    assert lines[0] != "0"
    assert "0" not in lines[1].split()
    assert "written" in lines
    if os.getuid() == 0:
        assert b"denied" in result.stderr.head


async def test_exit_codes_signals_and_big_outputs_are_those_of_a_host(tmp_path: Path) -> None:
    assert (await run(tmp_path / "a", "exit 7")).exit_code == 7
    assert (await run(tmp_path / "b", "kill -9 $$")).signal == "KILL"
    assert (await run(tmp_path / "c", "head -c 3000000 /dev/zero")).stdout.total == 3_000_000


async def test_a_command_that_takes_too_long_is_ended_there(tmp_path: Path) -> None:
    result = await run(tmp_path, "sleep 272.5 & sleep 272.5", 0.5)
    assert (result.outcome, result.ended) == (Outcome.TIMED_OUT, Ended.CERTAIN)
    assert processes_with("sleep\x00272.5") == []


async def test_only_its_own_key_gets_in(tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    async with PosixHost(tmp_path / "lab") as lab:
        with pytest.raises(AuthenticationError):
            await transport_in(tmp_path).connect(entry(lab, tmp_path / "other"), ["127.0.0.1"], NoSecrets())
        assert lab.connections == 0


async def test_it_gives_no_shell_without_a_terminal_no_files_and_no_forwarding(tmp_path: Path) -> None:
    async with (
        PosixHost(tmp_path / "lab") as lab,
        asyncssh.connect(
            "127.0.0.1",
            lab.port,
            username="demo",
            client_keys=[str(lab.client_key_path)],
            known_hosts=None,
            config=None,
        ) as connection,
    ):
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", lab.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", lab.port)


async def test_it_listens_on_loopback_only_and_leaves_nothing(tmp_path: Path) -> None:
    async with PosixHost(tmp_path / "lab") as lab:
        port, home = lab.port, lab.processes.home
        assert home.exists()
    assert not home.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_shell_on_its_terminal_keeps_state_and_is_nobody_and_goes_with_the_lab(tmp_path: Path) -> None:
    async with PosixHost(tmp_path / "lab") as lab:
        connection = await transport_in(tmp_path).connect(entry(lab, lab.client_key_path), ["127.0.0.1"], NoSecrets())
        shell = PosixShell(connection, known()["linux"])
        await shell.open(10)
        await shell.run(command("cd /tmp; n=41"))
        result = await shell.run(command("echo $((n + 1)) $PWD; stty size; id -u"))
        user = nobody_uid if os.geteuid() == 0 else os.geteuid()
        assert result.stdout.head.decode().split() == ["42", "/tmp", "24", "4096", str(user)]
        left = asyncio.ensure_future(shell.run(command("sleep 74.02")))
        while not processes_with("74.02"):
            await asyncio.sleep(0.02)
        await connection.close()
        await left
    async with asyncio.timeout(10):  # it hears that its terminal is gone
        while processes_with("74.02"):
            await asyncio.sleep(0.02)


async def test_a_device_host_takes_one_key_and_gives_its_terminal_alone(tmp_path: Path) -> None:
    async with DeviceHost(tmp_path / "switch", switch("secret"), wire=Wire(piece=3)) as device:
        connection = await transport_in(tmp_path).connect(
            entry(device, device.client_key_path), ["127.0.0.1"], NoSecrets()
        )
        driver = CliDriver(connection, known()["cisco_ios"])
        assert (await driver.run(command("show clock"))).stdout.head.startswith(b"*12:00:00")
        device.devices[0].log("%LINK-3-UPDOWN: Interface Gi0/1, changed state to down")
        await asyncio.sleep(0.2)
        told = await driver.run(command("show clock"))
        assert told.unsolicited == ("%LINK-3-UPDOWN: Interface Gi0/1, changed state to down",)
        assert told.stdout.head.startswith(b"*12:00:00")
        await connection.close()
