"""The embedded host is a host, and harmless."""

import os
import socket
from pathlib import Path

import asyncssh
import pytest

from mcp_ssh.lab.posix_host import PosixHost
from mcp_ssh.model.errors import AuthenticationError
from mcp_ssh.model.host import Auth, AuthMethod, Host
from mcp_ssh.model.result import CommandResult, Ended, Outcome
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.hosts import host
from tests.support.posix import command, transport_in
from tests.support.sshd import make_key, processes_with


def entry(lab: PosixHost, key: Path) -> Host:
    return host(address="127.0.0.1", port=lab.port, user="demo", auth=Auth(AuthMethod.KEY, key_path=str(key)))


async def run(folder: Path, text: str, timeout_s: float = 10) -> CommandResult:
    async with PosixHost(folder / "lab") as lab:
        connection = await transport_in(folder).connect(entry(lab, lab.client_key_path), ["127.0.0.1"])
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
            await transport_in(tmp_path).connect(entry(lab, tmp_path / "other"), ["127.0.0.1"])
        assert lab.connections == 0


async def test_it_gives_no_terminal_no_shell_no_files_and_no_forwarding(tmp_path: Path) -> None:
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
            await connection.create_process("id", term_type="vt100")
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
        port, home = lab.port, lab._account.home
        assert home.exists()
    assert not home.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
