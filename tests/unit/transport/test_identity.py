"""The key of mcp-ssh itself, on a real disk: it is one file, and what is tried is who may read it and who wins."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.model.nodeerrors import IdentityError
from mcp_ssh.model.nodes import PublicKey
from mcp_ssh.transport.identity import Identity
from mcp_ssh.transport.login import gather
from tests.support.secrets import NoSecrets


def test_it_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    identity = Identity(str(tmp_path / "state"))
    first = identity.public()
    assert first.line.startswith("ssh-ed25519 AAAA")
    assert first.fingerprint.startswith("SHA256:")
    assert Identity(str(tmp_path / "state")).public() == first
    assert stat.S_IMODE((tmp_path / "state" / "identity").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_several_processes_that_need_it_first_find_one_key(tmp_path: Path) -> None:
    script = "import sys; from mcp_ssh.transport.identity import Identity; print(Identity(sys.argv[1]).public().line)"
    words = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(4)]
    lines = {process.communicate(timeout=30)[0] for process in processes}
    assert len(lines) == 1
    assert next(iter(lines)).startswith(b"ssh-ed25519 ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["identity", "identity.lock"]


def raw(key: PublicKey) -> bytes:
    """The key as it goes over the wire."""
    return base64.b64decode(key.line.split()[1])


async def test_while_it_is_rotated_a_login_offers_both_the_new_one_first(tmp_path: Path) -> None:
    identity, auth = Identity(str(tmp_path)), Auth(AuthMethod.GATEWAY, str(tmp_path / "identity"))
    old = (await gather(auth, NoSecrets())).keys
    new = identity.begin_rotation()
    assert identity.begin_rotation() == new, "a rotation that broke off goes on with its key"
    offered = (await gather(auth, NoSecrets())).keys
    assert [each.public_data for each in offered] == [raw(new), old[0].public_data]
    identity.retire()
    assert [each.public_data for each in (await gather(auth, NoSecrets())).keys] == [raw(new)]
    assert identity.all_public() == (new,)


@pytest.mark.parametrize("text", [b"", b"no key\n"])
def test_a_key_that_is_none_is_told_and_never_replaced(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "identity").write_bytes(text)
    with pytest.raises(IdentityError, match="none that can be read"):
        Identity(str(tmp_path)).public()
    assert (tmp_path / "identity").read_bytes() == text


def test_a_state_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match="cannot be made"):
        Identity(str(tmp_path / "file")).public()


async def test_it_is_a_key_that_ssh_reads(tmp_path: Path) -> None:
    public = Identity(str(tmp_path)).public()
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(tmp_path / "identity")], capture_output=True, check=True)
    assert told.stdout.decode().split()[:2] == public.line.split()[:2]
    assert asyncssh.import_public_key(public.line).get_fingerprint() == public.fingerprint
