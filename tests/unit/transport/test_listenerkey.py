"""The host key of the listener."""

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_ssh.model.errors import KeyFileError
from mcp_ssh.transport.listenerkey import ListenerKey
from tests.support.parts import require


def test_it_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = {found.fingerprint for found in threads.map(ListenerKey, [str(tmp_path / "state")] * 8)}
    assert len(keys) == 1
    file = tmp_path / "state" / "tunnel_host_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert ListenerKey(str(file.parent)).fingerprint in keys


def test_its_line_is_one_that_openssh_reads(tmp_path: Path) -> None:
    key = ListenerKey(str(tmp_path))
    known = tmp_path / "known_hosts"
    known.write_text(key.known_hosts_line("gate.example.com", 2222) + "\n")
    found = subprocess.run(
        [require("ssh-keygen"), "-l", "-F", "[gate.example.com]:2222", "-f", str(known)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert key.fingerprint in found.stdout
    assert key.known_hosts_line("gate", 22).startswith("gate ssh-ed25519 ")


def test_one_that_others_can_read_or_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    ListenerKey(str(tmp_path))
    file = tmp_path / "tunnel_host_key"
    file.chmod(0o640)
    with pytest.raises(KeyFileError, match=r"others can reach it \(mode 0640\)") as told:
        ListenerKey(str(tmp_path))
    assert told.value.hint == f"chmod 600 {file}"
    file.chmod(0o600)
    file.write_text("no key")
    with pytest.raises(KeyFileError, match="not a private key"):
        ListenerKey(str(tmp_path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match=r"tunnel_host_key: File exists"):
        ListenerKey(str(tmp_path / "file"))
