"""User certificates on a real sshd that trusts an authority, from files and from an agent."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mcp_ssh.model.errors import AuthenticationError, HostKeyChangedError
from mcp_ssh.model.host import Auth, AuthMethod, HostKeyChecking, Way
from mcp_ssh.model.loginerrors import CertificateError
from mcp_ssh.transport.openssh import OpenSshTransport
from mcp_ssh.transport.ssh import SshTransport
from tests.support.hosts import settings
from tests.support.parts import require
from tests.support.posix import host_of
from tests.support.secrets import SomeSecrets
from tests.support.sshd import Sshd, make_key

pytestmark = pytest.mark.integration


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "ca"
    make_key(path)
    return path


@pytest.fixture
def trusting(authority: Path, tmp_path: Path) -> Iterator[Sshd]:
    """A server that lets in by certificates of the authority and by nothing else."""
    revoked = tmp_path / "revoked"
    revoked.touch()
    lines = (f"TrustedUserCAKeys {authority}.pub", "AuthorizedKeysFile none", f"RevokedKeys {revoked}")
    server = Sshd(tmp_path / "sshd", extra=lines)
    server._lines = [line for line in server._lines if not line.startswith("AuthorizedKeysFile /")]
    with server:
        yield server


def signed(authority: Path, key: Path, principals: str, *words: str) -> Path:
    """A certificate beside the key."""
    if not key.exists():
        make_key(key)
    command = [
        require("ssh-keygen"),
        "-q",
        "-s",
        str(authority),
        "-I",
        "of-ann",
        "-n",
        principals,
        *words,
        f"{key}.pub",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return Path(f"{key}-cert.pub")


def by(key: Path | None = None, certificate: Path | None = None) -> Auth:
    return Auth(
        AuthMethod.CERTIFICATE,
        key_path=str(key) if key else None,
        certificate_path=str(certificate) if certificate else None,
    )


async def log_in(server: Sshd, folder: Path, auth: Auth, environ: dict[str, str] | None = None) -> None:
    transport = SshTransport(settings(state_dir=str(folder / "state")))
    connection = await transport.connect(host_of(server, auth=auth), ["127.0.0.1"], SomeSecrets(environ or {}))
    await connection.close()


async def test_the_certificate_beside_the_key_or_where_it_is_named(
    trusting: Sshd, authority: Path, tmp_path: Path
) -> None:
    key = tmp_path / "id"
    beside = signed(authority, key, trusting.user)
    await log_in(trusting, tmp_path, by(key))
    named = beside.rename(tmp_path / "elsewhere.pub")
    await log_in(trusting, tmp_path, by(key, named))
    with pytest.raises(CertificateError, match="No such file"):
        await log_in(trusting, tmp_path, by(key))
    with pytest.raises(AuthenticationError):  # the key alone is let in by nobody here
        await log_in(trusting, tmp_path, Auth(AuthMethod.KEY, key_path=str(key)))


async def test_the_systems_ssh_logs_in_by_it_as_well(trusting: Sshd, authority: Path, tmp_path: Path) -> None:
    key = tmp_path / "id"
    certificate = signed(authority, key, trusting.user).rename(tmp_path / "elsewhere.pub")
    transport = OpenSshTransport(settings(state_dir=str(tmp_path / "state")), {"PATH": os.environ["PATH"]})
    place = host_of(trusting, auth=by(key, certificate), way=Way.OPENSSH)
    await (await transport.connect(place, ["127.0.0.1"], SomeSecrets({}))).close()
    without = host_of(trusting, auth=Auth(AuthMethod.KEY, key_path=str(key)), way=Way.OPENSSH)
    with pytest.raises(AuthenticationError):
        await transport.connect(without, ["127.0.0.1"], SomeSecrets({}))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-V", "20200101:20200102"), "expired at 2020-01-0"),
        (("-V", "20990101:20990102"), "is valid from 2098-12-31|is valid from 2099-01-01"),
        (("-h",), "it is a host's, not a user's"),
    ],
)
async def test_one_that_no_host_takes_is_told_before_anything_is_dialled(
    words: tuple[str, ...], told: str, trusting: Sshd, authority: Path, tmp_path: Path
) -> None:
    signed(authority, tmp_path / "id", trusting.user, *words)
    trusting.stop()
    with pytest.raises(CertificateError, match=told):
        await log_in(trusting, tmp_path, by(tmp_path / "id"))


async def test_one_for_another_key_is_told_before_anything_is_dialled(
    trusting: Sshd, authority: Path, tmp_path: Path
) -> None:
    certificate = signed(authority, tmp_path / "other", trusting.user)
    make_key(tmp_path / "id")
    with pytest.raises(CertificateError, match="is for another key"):
        await log_in(trusting, tmp_path, by(tmp_path / "id", certificate))


async def test_one_for_another_principal_is_refused_with_the_principals_that_it_has(
    trusting: Sshd, authority: Path, tmp_path: Path
) -> None:
    signed(authority, tmp_path / "id", "deploy,backup")
    with pytest.raises(AuthenticationError, match="is for deploy, backup, signed by SHA256:") as caught:
        await log_in(trusting, tmp_path, by(tmp_path / "id"))
    assert "principals" in caught.value.hint


async def test_a_revoked_one_is_refused_and_revocation_is_among_the_reasons(
    trusting: Sshd, authority: Path, tmp_path: Path
) -> None:
    signed(authority, tmp_path / "id", trusting.user)
    (tmp_path / "revoked").write_text((tmp_path / "id.pub").read_text())
    with pytest.raises(AuthenticationError, match=f"is for {trusting.user}") as caught:
        await log_in(trusting, tmp_path, by(tmp_path / "id"))
    assert "revocation" in caught.value.hint


@asynccontextmanager
async def agent_with(folder: Path, *keys: Path) -> AsyncIterator[dict[str, str]]:
    require("ssh-agent")
    sock = folder / "agent"
    process = await asyncio.create_subprocess_exec(
        "ssh-agent", "-D", "-a", str(sock), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(5):
            while not sock.exists():
                await asyncio.sleep(0.01)
        environ = {"SSH_AUTH_SOCK": str(sock)}
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, **environ}, check=True)
        yield environ
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_certificates_that_the_agent_has_and_one_in_a_file_for_a_key_of_its_own(
    trusting: Sshd, authority: Path, tmp_path: Path, sockets: Path
) -> None:
    signed(authority, tmp_path / "whole", trusting.user)
    make_key(tmp_path / "bare")
    async with agent_with(sockets, tmp_path / "whole", tmp_path / "bare") as environ:
        await log_in(trusting, tmp_path, by(), environ)
        certificate = signed(authority, tmp_path / "bare", trusting.user)
        await log_in(trusting, tmp_path, by(certificate=certificate), environ)
        stranger = signed(authority, tmp_path / "stranger", trusting.user)
        with pytest.raises(CertificateError, match="for another key"):
            await log_in(trusting, tmp_path, by(certificate=stranger), environ)


async def test_an_agent_without_one_is_told(trusting: Sshd, tmp_path: Path, sockets: Path) -> None:
    make_key(tmp_path / "bare")
    async with agent_with(sockets, tmp_path / "bare") as environ:
        with pytest.raises(CertificateError, match="the agent has no certificate"):
            await log_in(trusting, tmp_path, by(), environ)


async def test_a_host_certificate_of_a_trusted_authority_is_taken_and_a_strangers_is_not(
    authority: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "certified"
    folder.mkdir()
    make_key(folder / "host_key")
    words = ["-q", "-s", str(authority), "-I", "host", "-h", "-n", "127.0.0.1", str(folder / "host_key.pub")]
    subprocess.run([require("ssh-keygen"), *words], check=True, capture_output=True)
    known = tmp_path / "known"
    known.write_text(f"@cert-authority 127.0.0.1 {authority.with_suffix('.pub').read_text()}")
    with Sshd(folder, extra=(f"HostCertificate {folder}/host_key-cert.pub",)) as server:
        place = host_of(server, host_key_checking=HostKeyChecking.STRICT)
        transport = SshTransport(settings(state_dir=str(tmp_path / "state"), known_hosts=(str(known),)))
        await (await transport.connect(place, ["127.0.0.1"], SomeSecrets({}))).close()
        make_key(tmp_path / "stranger")
        known.write_text(f"@cert-authority 127.0.0.1 {(tmp_path / 'stranger.pub').read_text()}")
        with pytest.raises(HostKeyChangedError):
            await transport.connect(place, ["127.0.0.1"], SomeSecrets({}))
