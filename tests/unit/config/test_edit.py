"""hosts.yaml, changed entry by entry: what nobody meant to change is as it was."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_ssh.config.edit import HostsDocument
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh_drivers.registry import known

TEXT = """\
# Our hosts; ask Ann before you touch the routers.
version: 1

hosts:
  web-1:                       # the front
    host: "192.0.2.1"          # quoted by somebody
    user: admin
    auth: {method: key, key_path: ~/.ssh/id}   # in one line
    tags: [production, web]

  # This one is old.
  db-1:
    host: 192.0.2.2
    user: admin
    auth:
      method: password
      password_env: DB_PASS
    colour: blue               # a key that nobody knows

settings:
  command_timeout: 30          # seconds
"""
AUTH = {"method": "agent"}


def document(folder: Path, text: str = TEXT) -> HostsDocument:
    path = folder / "hosts.yaml"
    path.write_text(text)
    return HostsDocument(path, known)


def test_a_file_that_is_not_changed_is_written_as_it_was(tmp_path: Path) -> None:
    changed = document(tmp_path)
    assert changed.text() == TEXT


def test_an_edit_changes_its_line_and_no_other(tmp_path: Path) -> None:
    changed = document(tmp_path)
    changed.put("web-1", {"port": 2222, "user": "ops", "host": "192.0.2.1", "tags": None})
    changed.save()
    before, after = TEXT.splitlines(), changed.path.read_text().splitlines()
    assert [line for line in before if line not in after] == ["    tags: [production, web]"]
    assert [line for line in after if line not in before] == ["    user: ops", "    port: 2222"]
    assert "# a key that nobody knows" in changed.path.read_text()


def test_hosts_are_added_and_removed_and_the_loader_takes_it(tmp_path: Path) -> None:
    changed = document(tmp_path, TEXT.replace("    colour: blue               # a key that nobody knows\n", ""))
    changed.put("new", {"host": "2001:db8::1", "user": "a", "auth": AUTH, "port": None})
    changed.remove("db-1")
    changed.save()
    snapshot = parse(changed.path.read_text(), changed.path, Environment(changed.path, tmp_path), known)
    assert list(snapshot.inventory.hosts) == ["web-1", "new"]
    assert snapshot.inventory.hosts["new"].address == "2001:db8::1"
    assert stat.S_IMODE(changed.path.stat().st_mode) == 0o600


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "hosts.yaml"
    made = HostsDocument(path, known)
    assert made.hosts == {}
    made.put("web", {"host": "192.0.2.1", "user": "a", "auth": AUTH})
    made.save()
    assert list(HostsDocument(path, known).hosts) == ["web"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"port": 70_000}, "hosts.web-1.port"),
        ({"auth": {"method": "password"}}, "hosts.web-1.auth.password_env: is required"),
        ({"shell": "cli", "platform": "cisco_iso"}, "did you mean 'cisco_ios'?"),
        ({"host": "not a name"}, "hosts.web-1.host"),
    ],
)
def test_a_change_that_brings_a_fault_changes_nothing(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    changed = document(tmp_path)
    changed.put("web-1", fields)
    with pytest.raises(ConfigurationError) as caught:
        changed.save()
    assert words in str(caught.value)
    assert "colour" not in str(caught.value)  # that fault was there before
    assert changed.path.read_text() == TEXT


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    changed = document(tmp_path)
    changed.put("web-1", {"port": 2222})
    changed.path.write_text(TEXT + "# mine\n")
    with pytest.raises(ConfigurationError, match="was changed by somebody else"):
        changed.save()
    assert changed.path.read_text() == TEXT + "# mine\n"


@pytest.mark.parametrize("text", ["- a\n", "hosts: [", "hosts: 5\n"])
def test_a_file_that_is_no_inventory_is_told_and_left(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        document(tmp_path, text)
    assert (tmp_path / "hosts.yaml").read_text() == text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(TEXT)
    (tmp_path / "hosts.yaml").symlink_to(real)
    changed = HostsDocument(tmp_path / "hosts.yaml", known)
    changed.put("web-1", {"port": 2222})
    changed.save()
    assert (tmp_path / "hosts.yaml").is_symlink()
    assert "2222" in real.read_text()


def test_a_kill_in_mid_save_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = document(tmp_path).path
    script = f"""
import os, pathlib, signal
from mcp_ssh.config.edit import HostsDocument
from mcp_ssh_drivers.registry import known
document = HostsDocument(pathlib.Path({str(path)!r}), known)
document.put("web-1", {{"port": 2222}})
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
document.save()
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False, timeout=30, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == TEXT
