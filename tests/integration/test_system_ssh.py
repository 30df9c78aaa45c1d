"""Hosts by the system's ssh: its logins, its trust, its configuration, and what it says when it fails."""

import asyncio
import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.model.errors import (
    AuthenticationError,
    ChannelRefusedError,
    ConnectionFailedError,
    HostKeyChangedError,
    HostKeyUnknownError,
    SessionLostError,
)
from mcp_ssh.model.host import Auth, AuthMethod, Host, HostKeyChecking
from mcp_ssh.model.loginerrors import NeedsLoginError
from mcp_ssh.model.result import Outcome
from mcp_ssh.ports import Connection, Secrets
from mcp_ssh.transport.openssh import OpenSshTransport
from mcp_ssh_drivers.cli import CliDriver
from mcp_ssh_drivers.exec import ExecDriver
from mcp_ssh_drivers.registry import known, profile_of
from tests.contract.test_transport import Ear
from tests.integration.test_logins import password_server
from tests.support.hosts import host, settings
from tests.support.parts import require
from tests.support.posix import command, host_of
from tests.support.routers import vtysh
from tests.support.secrets import NoSecrets, SomeSecrets
from tests.support.sshd import Sshd, command_line, descendants, free_port, processes_with, send, until

pytestmark = pytest.mark.integration
ON = ("127.0.0.1",)


@asynccontextmanager
async def connected(
    where: Host, folder: Path, secrets: Secrets | None = None, addresses: tuple[str, ...] = ON
) -> AsyncIterator[Connection]:
    transport = OpenSshTransport(settings(state_dir=str(folder / "state"), connect_timeout_s=4), os.environ)
    connection = await transport.connect(where, addresses, secrets or NoSecrets())
    try:
        yield connection
    finally:
        await connection.close()


async def refused(where: Host, folder: Path, kind: type[Exception], secrets: Secrets | None = None) -> str:
    with pytest.raises(kind) as caught:
        async with connected(where, folder, secrets):
            pass
    assert clients() == []
    return str(caught.value)


def clients() -> list[int]:
    ours = descendants(os.getpid())
    return [pid for pid in processes_with(f"{tempfile.gettempdir()}/mcp-ssh-") if pid in ours]


def of_nobody(port: int | None = None) -> Host:
    auth = Auth(AuthMethod.PASSWORD, password_env="WEB")
    return host(address="127.0.0.1", user="demo", port=port or free_port(), auth=auth)


async def test_it_says_who_is_there_and_leaves_nothing_behind(sshd: Sshd, tmp_path: Path) -> None:
    async with connected(host_of(sshd), tmp_path) as connection:
        assert connection.peer.version.startswith("SSH-2.0-OpenSSH")
        assert connection.peer.host_key is not None
        assert connection.peer.host_key.fingerprint.startswith("SHA256:")
        assert connection.peer.host_key.newly_pinned
        assert (await ExecDriver(connection).run(command("echo hello"))).stdout.head == b"hello\n"
    assert clients() == []
    async with connected(host_of(sshd), tmp_path) as connection:
        assert connection.peer.host_key is not None
        assert not connection.peer.host_key.newly_pinned


async def test_a_changed_host_key_is_refused_and_a_pinned_one_is_compared(sshd: Sshd, tmp_path: Path) -> None:
    async with connected(host_of(sshd), tmp_path) as connection:
        key = connection.peer.host_key
    assert key is not None
    sshd.restart(new_host_key=True)
    await refused(host_of(sshd), tmp_path, HostKeyChangedError)
    anew = tmp_path / "anew"
    said = await refused(host_of(sshd, host_key=key.fingerprint), anew, HostKeyChangedError)
    assert key.fingerprint in said


async def test_an_unknown_key_is_refused_where_only_known_ones_are_taken(sshd: Sshd, tmp_path: Path) -> None:
    await refused(host_of(sshd, host_key_checking=HostKeyChecking.STRICT), tmp_path, HostKeyUnknownError)


async def test_a_password_is_typed_to_its_prompt(tmp_path: Path) -> None:
    async with password_server() as (port, given):
        where = of_nobody(port)
        async with connected(where, tmp_path, SomeSecrets({"WEB": "right"})):
            assert given == ["right"]
        await refused(where, tmp_path, AuthenticationError, SomeSecrets({"WEB": "wrong"}))
        assert given == ["right", "wrong"]


async def test_a_key_with_a_passphrase_is_opened(sshd: Sshd, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_bytes(sshd.key_path.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "sesame", "-f", str(locked)], check=True, capture_output=True)
    where = host_of(sshd, auth=Auth(AuthMethod.KEY, key_path=str(locked), passphrase_env="WORD"))
    async with connected(where, tmp_path, SomeSecrets({"WORD": "sesame"})) as connection:
        assert (await ExecDriver(connection).run(command("echo in"))).stdout.head == b"in\n"


async def test_nobody_there_is_told_with_the_words_of_ssh(tmp_path: Path) -> None:
    said = await refused(of_nobody(), tmp_path, ConnectionFailedError, SomeSecrets({"WEB": "right"}))
    assert "Connection refused" in said


async def test_a_host_that_only_the_clients_configuration_knows_is_reached(sshd: Sshd, tmp_path: Path) -> None:
    where = host_of(sshd, address="core.invalid")
    wrapper = tmp_path / "bin"
    wrapper.mkdir()
    config = tmp_path / "config"
    config.write_text(f"Host core.invalid\n  ProxyCommand {require('busybox')} nc 127.0.0.1 {sshd.port}\n")
    (wrapper / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {config} "$@"\n')
    (wrapper / "ssh").chmod(0o700)
    environ = os.environ | {"PATH": f"{wrapper}:{os.environ['PATH']}"}
    transport = OpenSshTransport(settings(state_dir=str(tmp_path / "state")), environ)
    connection = await transport.connect(where, [], NoSecrets())
    assert (await ExecDriver(connection).run(command("echo through"))).stdout.head == b"through\n"
    await connection.close()


async def test_a_client_that_this_machine_cannot_start_sends_nothing(sshd: Sshd, tmp_path: Path) -> None:
    async with connected(host_of(sshd), tmp_path) as connection:
        too_long = "x" * 3_000_000  # execve(2): E2BIG
        with pytest.raises(ChannelRefusedError) as caught:
            await connection.open_exec(too_long, Ear())
        assert not caught.value.sent
        assert (await ExecDriver(connection).run(command("echo on"))).stdout.head == b"on\n"


async def test_a_device_is_commanded_in_its_terminal(tmp_path: Path) -> None:
    with vtysh(tmp_path) as server:
        async with connected(host_of(server), tmp_path) as connection:
            driver = CliDriver(connection, profile_of("frr", None, known()))
            results = [await driver.run(command("show version")) for _ in range(5)]
    assert all(result.stdout.head.startswith(b"FRRouting ") for result in results)


async def test_a_master_that_is_killed_is_a_lost_session(sshd: Sshd, tmp_path: Path) -> None:
    async with connected(host_of(sshd), tmp_path) as connection:
        mark = f"30.{uuid.uuid4().int % 10**9:09d}"  # the one of an earlier run outlives its master
        running = asyncio.create_task(ExecDriver(connection).run(command(f"sleep {mark}")))
        await asyncio.to_thread(until, lambda: processes_with(f"sleep\x00{mark}") != [], "it does not run")
        for pid in (each for each in clients() if b"\x00-M\x00" in command_line(each)):
            send(pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            assert isinstance(await connection.wait_closed(), SessionLostError)
            result = await running
        assert result.outcome is Outcome.UNKNOWN
        assert isinstance(result.lost, SessionLostError)
        with pytest.raises(SessionLostError):
            await ExecDriver(connection).run(command("true"))


async def test_one_hidden_prompt_is_answered_and_no_second_or_shown_one(tmp_path: Path) -> None:
    cases = (
        ("taken", (("Password: ", False),), None),
        ("second", (("Password: ", False), ("Code: ", False)), NeedsLoginError),
        ("shown", (("Password: ", True),), AuthenticationError),
    )
    for name, prompts, error in cases:
        async with password_server(prompts) as (port, given):
            auth = Auth(AuthMethod.KEYBOARD_INTERACTIVE, password_env="WEB")
            where = host(address="127.0.0.1", user="demo", port=port, auth=auth)
            secrets, folder = SomeSecrets({"WEB": "right"}), tmp_path / name
            if error is None:
                async with connected(where, folder, secrets):
                    assert given == ["right"]
            else:
                await refused(where, folder, error, secrets)
                assert given == []
