"""Every way to log in, against servers that take only that one."""

import asyncio
import base64
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mcp_ssh.model.errors import AuthenticationError, HostKeyUnknownError, KeyFileError, SecretMissingError
from mcp_ssh.model.host import Auth, AuthMethod, Host, HostKeyChecking
from mcp_ssh.transport.ssh import SshTransport
from tests.support.hosts import host, settings
from tests.support.parts import require
from tests.support.posix import host_of
from tests.support.secrets import SomeSecrets
from tests.support.skagent import KIND, FidoAgent
from tests.support.sshd import Sshd

pytestmark = pytest.mark.integration


class PasswordServer(asyncssh.SSHServer):
    """Takes a password, or answers to prompts; remembers what it was given."""

    def __init__(self, given: list[str], prompts: tuple[tuple[str, bool], ...] | None) -> None:
        self._given = given
        self._prompts = prompts

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._prompts is None

    def validate_password(self, username: str, password: str) -> bool:
        self._given.append(password)
        return password == "right"

    def kbdint_auth_supported(self) -> bool:
        return self._prompts is not None

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", list(self._prompts or ())

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self._given.extend(responses)
        return list(responses) == ["right"]


@asynccontextmanager
async def password_server(prompts: tuple[tuple[str, bool], ...] | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    given: list[str] = []
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: PasswordServer(given, prompts),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
    )
    try:
        yield server.get_port(), given
    finally:
        server.close()
        await server.wait_closed()


async def log_in(folder: Path, where: Host, secrets: Mapping[str, str] | None = None) -> None:
    transport = SshTransport(settings(state_dir=str(folder / "state")))
    connection = await transport.connect(where, ["127.0.0.1"], SomeSecrets(secrets or {}))
    await connection.close()


def password_host(port: int, method: AuthMethod = AuthMethod.PASSWORD, **changes: Any) -> Host:
    return host(address="127.0.0.1", port=port, auth=Auth(method, password_env="P"), **changes)


async def test_a_password_from_its_variable(tmp_path: Path) -> None:
    async with password_server() as (port, given):
        await log_in(tmp_path, password_host(port), {"P": "right"})
    assert given == ["right"]


async def test_a_wrong_password_is_tried_once_and_named_by_its_variable(tmp_path: Path) -> None:
    async with password_server() as (port, given):
        with pytest.raises(AuthenticationError) as caught:
            await log_in(tmp_path, password_host(port), {"P": "wrong"})
    assert given == ["wrong"]
    assert "check the value of P" in caught.value.hint
    assert "wrong" not in str(caught.value) + caught.value.hint


async def test_a_missing_variable_reaches_no_host(tmp_path: Path) -> None:
    async with password_server() as (port, given):
        with pytest.raises(SecretMissingError):
            await log_in(tmp_path, password_host(port))
    assert given == []


@pytest.mark.parametrize("method", [AuthMethod.PASSWORD, AuthMethod.KEYBOARD_INTERACTIVE])
async def test_one_hidden_prompt_that_asks_for_a_password_is_answered(tmp_path: Path, method: AuthMethod) -> None:
    async with password_server((("Password: ", False),)) as (port, given):
        await log_in(tmp_path, password_host(port, method), {"P": "right"})
    assert given == ["right"]


@pytest.mark.parametrize(
    "prompts",
    [
        (("Password: ", True),),
        (("Verification code: ", False),),
        (("Password: ", False), ("Code: ", False)),
        (("Name: ", True),),
    ],
)
async def test_any_other_question_gets_no_answer(tmp_path: Path, prompts: tuple[tuple[str, bool], ...]) -> None:
    async with password_server(prompts) as (port, given):
        with pytest.raises(AuthenticationError):
            await log_in(tmp_path, password_host(port, AuthMethod.KEYBOARD_INTERACTIVE), {"P": "right"})
    assert given == []


async def test_a_password_never_goes_to_a_host_whose_key_is_not_known(tmp_path: Path) -> None:
    async with password_server() as (port, given):
        with pytest.raises(HostKeyUnknownError):
            await log_in(tmp_path, password_host(port, host_key_checking=HostKeyChecking.STRICT), {"P": "right"})
    assert given == []


async def test_a_key_with_a_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_bytes(sshd.key_path.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-P", "", "-f", str(locked)], check=True)
    auth = Auth(AuthMethod.KEY, key_path=str(locked), passphrase_env="PP")
    await log_in(tmp_path, host_of(sshd, auth=auth), {"PP": "open sesame"})
    with pytest.raises(KeyFileError, match="the passphrase does not open it"):
        await log_in(tmp_path, host_of(sshd, auth=auth), {"PP": "wrong"})
    bare = Auth(AuthMethod.KEY, key_path=str(locked))
    with pytest.raises(KeyFileError, match="it needs a passphrase") as caught:
        await log_in(tmp_path, host_of(sshd, auth=bare))
    assert "passphrase_env" in caught.value.hint


async def test_key_files_that_are_none_are_named(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "text").chmod(0o600)
    for name, words in (("text", "not a private key"), ("missing", "No such file")):
        auth = Auth(AuthMethod.KEY, key_path=str(tmp_path / name))
        with pytest.raises(KeyFileError, match=words):
            await log_in(tmp_path, host_of(sshd, auth=auth))


async def test_an_agent(sshd: Sshd, tmp_path: Path) -> None:
    require("ssh-agent")
    sock = tmp_path / "agent"
    agent = await asyncio.create_subprocess_exec(
        "ssh-agent", "-D", "-a", str(sock), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(5):
            while not sock.exists():
                await asyncio.sleep(0.01)
        environ = {"SSH_AUTH_SOCK": str(sock)}
        auth = Auth(AuthMethod.AGENT)
        with pytest.raises(AuthenticationError):
            await log_in(tmp_path, host_of(sshd, auth=auth), environ)
        subprocess.run(["ssh-add", "-q", str(sshd.key_path)], env={**os.environ, **environ}, check=True)
        await log_in(tmp_path, host_of(sshd, auth=auth), environ)
    finally:
        agent.send_signal(signal.SIGTERM)
        await agent.wait()


@pytest.mark.parametrize("environ", [{}, {"SSH_AUTH_SOCK": "/nowhere/agent"}])
async def test_without_an_agent_the_line_that_starts_one_is_told(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(AuthenticationError, match="no ssh-agent") as caught:
        await log_in(tmp_path, host(auth=Auth(AuthMethod.AGENT)), environ)
    assert "ssh-add" in caught.value.hint


async def test_another_user_is_refused_with_the_line_that_installs_the_key(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await log_in(tmp_path, host_of(sshd, user="nobody-here"))
    assert f"ssh-copy-id -i {sshd.key_path}.pub nobody-here@127.0.0.1" in caught.value.hint


async def test_a_windows_host_is_refused_with_a_sentence(tmp_path: Path) -> None:
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: PasswordServer([], None),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        server_version="OpenSSH_for_Windows_9.5",
    )
    try:
        with pytest.raises(Exception, match="is a Windows host") as caught:
            await log_in(tmp_path, password_host(server.get_port()), {"P": "right"})
        assert getattr(caught.value, "code", "") == "unsupported_host"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_hardware_key_that_the_agent_has(tmp_path: Path, sockets: Path) -> None:
    agent = FidoAgent()
    authorized = tmp_path / "authorized"
    authorized.write_text(f"{KIND.decode()} {base64.b64encode(agent.blob).decode()}\n")
    server = Sshd(tmp_path / "sshd")
    server._lines = [line for line in server._lines if not line.startswith("AuthorizedKeysFile")]
    server._lines.append(f"AuthorizedKeysFile {authorized}")
    with server:
        async with agent.listening(sockets / "agent"):
            environ = {"SSH_AUTH_SOCK": str(sockets / "agent")}
            await log_in(tmp_path, host_of(server, auth=Auth(AuthMethod.AGENT)), environ)
    assert agent.signed == 1


async def test_an_agent_offers_its_own_keys_and_none_that_lie_in_the_home(
    sshd: Sshd, tmp_path: Path, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_bytes(sshd.key_path.read_bytes())
    (tmp_path / ".ssh/id_ed25519").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    environ = {"SSH_AUTH_SOCK": str(sockets / "agent")}
    async with FidoAgent().listening(sockets / "agent"):
        with pytest.raises(AuthenticationError):
            await log_in(tmp_path, host_of(sshd, auth=Auth(AuthMethod.AGENT)), environ)
    assert sshd.connections_made() == 0
