"""Whose key is whose."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_ssh.config.devicekeys import DeviceKeyError, DeviceKeys, fingerprint_of
from mcp_ssh.config.snapshot import Configuration, Snapshot
from mcp_ssh.model.host import Host, Inventory, TunnelTerms, Way
from tests.support.hosts import host, settings
from tests.support.parts import require


def key(path: Path, *options: str) -> str:
    """A key pair; gives the fingerprint as ssh-keygen tells it."""
    path.unlink(missing_ok=True)
    words = options or ("-t", "ed25519")
    subprocess.run([require("ssh-keygen"), "-q", *words, "-N", "", "-f", str(path)], check=True)
    told = subprocess.run(["ssh-keygen", "-lf", f"{path}.pub"], check=True, capture_output=True, text=True)
    return told.stdout.split()[1]


def device(name: str, file: Path, **changes: object) -> Host:
    return host(name, way=Way.TUNNEL, tunnel=TunnelTerms(22222, str(file)), **changes)


def keys_of(*hosts: Host) -> tuple[DeviceKeys, list[tuple[Host, ...]]]:
    files = [hosts]
    configuration = Configuration(
        lambda: Snapshot(Inventory({each.name: each for each in files[-1]}), settings(), "hosts.yaml")
    )
    keys = DeviceKeys(configuration)
    keys.look()
    return keys, files


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048")])
def test_a_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path, options: tuple[str, ...]) -> None:
    told = key(tmp_path / "key", *options)
    assert fingerprint_of((tmp_path / "key.pub").read_text()) == told


def test_what_lets_nobody_in_says_why(tmp_path: Path) -> None:
    key(tmp_path / "short", "-t", "rsa", "-b", "1024")
    line = (tmp_path / "short.pub").read_text()
    with pytest.raises(DeviceKeyError, match="less than 2048 bits"):
        fingerprint_of(line)
    for bad in ("", "ssh-ed25519", "ssh-dss AAAA", "ssh-ed25519-cert-v01@openssh.com AAAA", 'from="*" ssh-rsa AAAA'):
        with pytest.raises(DeviceKeyError, match="is no public key"):
            fingerprint_of(bad)
    for bad in ("ssh-ed25519 !!!!", f"ssh-ed25519 {line.split()[1]}", f"ssh-rsa {line.split()[1][:50]}"):
        with pytest.raises(DeviceKeyError, match="cut or damaged"):
            fingerprint_of(bad)


def test_a_device_is_known_by_its_key_until_the_file_changes(tmp_path: Path) -> None:
    old = key(tmp_path / "edge")
    keys, _ = keys_of(device("edge", tmp_path / "edge.pub"))
    owner = keys.owner(old)
    assert owner is not None
    assert owner.name == "edge"
    new = key(tmp_path / "edge")
    keys.look()
    assert keys.owner(old) is None
    assert keys.owner(new) is not None
    (tmp_path / "edge.pub").unlink()
    keys.look()
    assert keys.owner(new) is None


def test_a_disabled_host_and_one_that_is_gone_have_no_device(tmp_path: Path) -> None:
    found = key(tmp_path / "edge")
    edge = device("edge", tmp_path / "edge.pub")
    keys, files = keys_of(edge)
    for hosts in ((replace(edge, enabled=False),), ()):
        files.append(hosts)
        keys._configuration.reload()
        keys.look()
        assert keys.owner(found) is None
        assert keys.has(found) is bool(hosts)


def test_a_key_of_two_hosts_is_nobodys(tmp_path: Path) -> None:
    found = key(tmp_path / "edge")
    (tmp_path / "copy.pub").write_bytes((tmp_path / "edge.pub").read_bytes())
    keys, _ = keys_of(device("a", tmp_path / "edge.pub"), device("b", tmp_path / "copy.pub", enabled=False))
    assert keys.owner(found) is None


def test_a_file_that_others_may_write_or_with_two_keys_lets_nobody_in(tmp_path: Path) -> None:
    found = key(tmp_path / "edge")
    file = tmp_path / "edge.pub"
    file.chmod(0o664)
    keys, _ = keys_of(device("edge", file))
    assert keys.owner(found) is None
    file.chmod(0o644)
    keys.look()
    assert keys.owner(found) is not None
    file.write_text(f"# a comment\n\n{file.read_text()}")
    keys.look()
    assert keys.owner(found) is not None
    key(tmp_path / "other")
    file.write_text(file.read_text() + (tmp_path / "other.pub").read_text())
    keys.look()
    assert keys.owner(found) is None
