"""Devices that speak only what nobody should speak any more: `legacy_crypto`, for them alone."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_ssh.model.errors import HandshakeError
from mcp_ssh.transport.openssh import OpenSshTransport
from mcp_ssh_drivers.exec import ExecDriver
from tests.support.hosts import settings
from tests.support.posix import command, host_of, transport_in
from tests.support.secrets import NoSecrets
from tests.support.sshd import Sshd

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")]


@pytest.fixture
def old_sshd(tmp_path: Path) -> Iterator[Sshd]:
    folder = tmp_path / "old"
    folder.mkdir()
    key = folder / "old_host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", str(key)], check=True)
    server = Sshd(
        folder,
        extra=(
            f"HostKey {key}",
            "KexAlgorithms diffie-hellman-group1-sha1",
            "Ciphers 3des-cbc",
            "MACs hmac-sha1",
            "HostKeyAlgorithms ssh-rsa",
            "RequiredRSASize 1024",
        ),
    )
    server.start()
    yield server
    server.stop()


async def test_an_old_host_is_reached_where_its_entry_says_so_and_refused_elsewhere(
    old_sshd: Sshd, tmp_path: Path
) -> None:
    transport = transport_in(tmp_path)
    with pytest.raises(HandshakeError) as caught:
        await transport.connect(host_of(old_sshd), ["127.0.0.1"], NoSecrets())
    assert "legacy_crypto" in caught.value.hint
    connection = await transport.connect(host_of(old_sshd, legacy_crypto=True), ["127.0.0.1"], NoSecrets())
    result = await ExecDriver(connection).run(command("echo hello"))
    assert result.stdout.head == b"hello\n"
    assert connection.peer.host_key is not None
    assert connection.peer.host_key.algorithm == "ssh-rsa"
    await connection.close()


async def test_the_systems_ssh_reaches_it_under_the_same_word(old_sshd: Sshd, tmp_path: Path) -> None:
    transport = OpenSshTransport(settings(state_dir=str(tmp_path / "state")), os.environ)
    with pytest.raises(HandshakeError) as caught:
        await transport.connect(host_of(old_sshd), ["127.0.0.1"], NoSecrets())
    assert "legacy_crypto" in caught.value.hint
    connection = await transport.connect(host_of(old_sshd, legacy_crypto=True), ["127.0.0.1"], NoSecrets())
    assert (await ExecDriver(connection).run(command("echo hello"))).stdout.head == b"hello\n"
    await connection.close()


async def test_with_it_a_modern_host_is_spoken_to_as_before(sshd: Sshd, tmp_path: Path) -> None:
    connection = await transport_in(tmp_path).connect(host_of(sshd, legacy_crypto=True), ["127.0.0.1"], NoSecrets())
    inner = connection._connection  # type: ignore[attr-defined]
    assert "sha1" not in inner.get_extra_info("send_mac") or "gcm" in inner.get_extra_info("send_cipher")
    assert inner.get_extra_info("send_cipher") not in {"3des-cbc", "aes128-cbc"}
    await connection.close()
