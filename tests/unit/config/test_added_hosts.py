"""Added hosts beside the operator's own, from real files: they are a folder, and what counts is what stands in it."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_ssh.config import added as added_module
from mcp_ssh.config import addedstore
from mcp_ssh.config.added import AddedEntry, read_added
from mcp_ssh.config.addedstore import AddedStore
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.errors import UnknownHostError
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import AuthMethod, HostKeyChecking
from mcp_ssh.model.nodeerrors import HostsFolderError, HostThereError, TooManyHostsError
from mcp_ssh.model.policy import Access, Confirm

KEY = "SHA256:" + "A" * 43
OWN = "hosts:\n  web: {host: 10.0.0.1, user: ops, auth: {method: agent}}\n"


def entry(**changes: object) -> AddedEntry:
    return AddedEntry.model_validate({"host": "10.0.0.9", "user": "edge", "host_key": KEY} | changes)


def loaded(folder: Path, text: str = OWN) -> Snapshot:
    (folder / "hosts.yaml").write_text(text + f"settings: {{state_dir: {folder}/state}}\n")
    return load(Environment(folder / "hosts.yaml", folder))


def put(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / "state" / "hosts.d" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def store(tmp_path: Path) -> AddedStore:
    return AddedStore(str(tmp_path / "state"))


def test_an_added_host_stands_behind_the_operators_with_what_is_safe_for_a_stranger(
    tmp_path: Path, store: AddedStore
) -> None:
    store.add("edge", entry(port=2222))
    hosts = loaded(tmp_path).inventory.hosts
    assert [*hosts] == ["web", "edge"]
    edge = hosts["edge"]
    assert (edge.address, edge.port, edge.user, edge.tags) == ("10.0.0.9", 2222, "edge", frozenset())
    assert (edge.auth.method, edge.auth.key_path) == (AuthMethod.GATEWAY, f"{tmp_path}/state/identity")
    assert (edge.confirm, edge.host_key, edge.host_key_checking) == (Confirm.HUMAN, KEY, HostKeyChecking.STRICT)
    assert edge.is_added
    assert not hosts["web"].is_added


def test_of_the_defaults_it_has_what_narrows_and_nothing_that_gives(tmp_path: Path, store: AddedStore) -> None:
    store.add("edge", entry())
    defaults = """\
defaults:
  user: root
  tags: [trusted]
  sudo_env: SUDO
  legacy_crypto: true
  confirm: model
  access: readonly
  limits: {max_seconds: 9}
  files: {roots: [/srv]}
  deny_patterns: [reboot]
"""
    edge = loaded(tmp_path, OWN + defaults).inventory.hosts["edge"]
    assert (edge.user, edge.tags, edge.sudo_env, edge.legacy_crypto) == ("edge", frozenset(), None, False)
    assert edge.confirm is Confirm.HUMAN
    assert (edge.access, edge.limits.max_seconds) == (Access.READONLY, 9)
    assert (edge.files.roots, edge.deny_patterns) == (("/srv",), ("reboot",))


def test_a_name_that_stands_in_both_is_a_fault_that_names_both(tmp_path: Path, store: AddedStore) -> None:
    store.add("web", entry())
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path)
    [fault] = caught.value.faults
    assert fault.file == f"{tmp_path}/hosts.yaml"
    assert (fault.line, fault.key) == (2, "hosts.web")
    assert f"{tmp_path}/state/hosts.d/web.yaml" in fault.message


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("bad.yaml", "host: [", "not YAML"),
        ("bad.yaml", "", "must be a mapping"),
        ("bad.yaml", "host: 10.0.0.9\nuser: x\n", "is required"),
        ("bad.yaml", f"host: 10.0.0.9\nuser: x\nhost_key: {KEY}\ntags: [trusted]\n", "unknown key 'tags'"),
        ("bad.yaml", f"host: 10.0.0.9\nuser: x\nhost_key: {KEY}\ncommand: [sh]\n", "unknown key 'command'"),
        ("bad.yaml", f"host: -oProxyCommand=x\nuser: x\nhost_key: {KEY}\n", "not a host name"),
        ("bad.yaml", f"host: a\nhost: b\nuser: x\nhost_key: {KEY}\n", "stands twice"),
        ("bad.yaml", "#" * 20_000, "more than 16384 bytes"),
        ("-bad.yaml", "", "is no name of a host"),
    ],
)
def test_a_file_that_is_not_right_is_told_and_takes_no_other_host_with_it(
    tmp_path: Path, store: AddedStore, name: str, text: str, words: str
) -> None:
    store.add("edge", entry())
    path = put(tmp_path, name, text)
    snapshot = loaded(tmp_path)
    assert [*snapshot.inventory.hosts] == ["web", "edge"]
    assert {fault.file for fault in snapshot.left_out} == {str(path)}
    assert words in " ".join(str(fault) for fault in snapshot.left_out)


def test_a_file_that_others_may_write_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "edge.yaml", f"host: 10.0.0.9\nuser: x\nhost_key: {KEY}\n", 0o622)
    snapshot = loaded(tmp_path)
    assert [*snapshot.inventory.hosts] == ["web"]
    assert "may be written by others" in str(snapshot.left_out[0])


def test_files_are_nobody_elses_and_nothing_is_left_beside_them(tmp_path: Path, store: AddedStore) -> None:
    store.add("edge", entry())
    store.enable("edge", enabled=False)
    assert not loaded(tmp_path).inventory.hosts["edge"].enabled
    folder = tmp_path / "state" / "hosts.d"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "edge.yaml").stat().st_mode) == 0o600
    store.remove("edge")
    store.remove("edge")
    assert [path.name for path in folder.iterdir()] == [".lock"]
    with pytest.raises(UnknownHostError):
        store.enable("edge", enabled=True)


def test_a_name_is_given_once_and_there_are_only_so_many(
    store: AddedStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.add("edge", entry())
    with pytest.raises(HostThereError):
        store.check("edge")
    with pytest.raises(HostThereError):
        store.add("edge", entry(host="10.0.0.8"))
    monkeypatch.setattr(addedstore, "most_hosts", 2)
    monkeypatch.setattr(added_module, "most_hosts", 2)
    store.add("more", entry())
    with pytest.raises(TooManyHostsError):
        store.check("third")
    put(tmp_path, "zzz.yaml", f"host: 10.0.0.9\nuser: x\nhost_key: {KEY}\n")
    snapshot = loaded(tmp_path)
    assert [*snapshot.inventory.hosts] == ["web", "edge", "more"]
    assert "beyond the 2 hosts" in str(snapshot.left_out[0])


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    with pytest.raises(HostsFolderError, match="cannot be written"):
        AddedStore(str(tmp_path / "state")).check("edge")


def test_several_processes_share_the_folder(tmp_path: Path) -> None:
    folder = str(tmp_path / "state")
    script = """
import sys
from mcp_ssh.config.added import AddedEntry
from mcp_ssh.config.addedstore import AddedStore
entry = AddedEntry(host="10.0.0.9", user="edge", host_key="SHA256:" + "A" * 43)
AddedStore(sys.argv[1]).add(sys.argv[2], entry)
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, folder, f"edge-{number}"]) for number in range(3)]
    assert [process.wait(timeout=30) for process in processes] == [0, 0, 0]
    assert [each.name for each in read_added(folder)] == ["edge-0", "edge-1", "edge-2"]


def test_no_exemption_from_the_network_lists_is_for_an_added_host(tmp_path: Path, store: AddedStore) -> None:
    store.add("edge", entry())
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, OWN + "policy: {network: {allow_cidrs: [10.0.0.0/8], exempt_hosts: [edge]}}\n")
    assert "'edge' is an added host" in str(caught.value)
