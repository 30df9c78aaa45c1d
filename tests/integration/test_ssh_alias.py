"""A real sshd that is reached by a name of the user's own SSH configuration."""

import getpass
import subprocess
from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.errors import AuthenticationError, HostKeyChangedError, HostKeyUnknownError
from mcp_ssh.transport.algorithms import supported
from mcp_ssh.transport.ways import Ways
from tests.support.secrets import SomeSecrets
from tests.support.sshd import Sshd, make_key, until
from tests.support.stdio import wire_to

pytestmark = pytest.mark.integration

MAIN = """\
Include lab/*.conf
Match host 127.0.0.1 !user nobody-here
  HostKeyAlias lab-web
  UserKnownHostsFile ~/known
  Ciphers aes256-ctr,aes128-ctr
Host *
  ServerAliveInterval 30
"""
PART = """\
Host web
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile ~/none
  IdentityFile ~/.ssh/%n_key
  StrictHostKeyChecking yes
"""


@pytest.fixture
def home(sshd: Sshd, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / ".ssh/lab").mkdir(parents=True)
    for name, text in (("config", MAIN), ("lab/web.conf", PART.format(port=sshd.port, user=getpass.getuser()))):
        (folder / ".ssh" / name).write_text(text)
        (folder / ".ssh" / name).chmod(0o600)
    key = folder / ".ssh/web_key"
    key.write_bytes(sshd.key_path.read_bytes())
    key.chmod(0o600)
    (folder / "known").write_text(f"lab-web {sshd.host_key_line.partition(' ')[2]}")
    (folder / "hosts.yaml").write_text(
        f"hosts:\n  web: {{ssh_config: true}}\n"
        f"settings: {{state_dir: {folder}/state, known_hosts: [], audit_log: {folder}/audit.log}}\n"
    )
    return folder


def snapshot(home: Path) -> Snapshot:
    return load(Environment(home / "hosts.yaml", home, environ={}), algorithms=supported())


async def reached(home: Path) -> str:
    taken = snapshot(home)
    web = taken.inventory.hosts["web"]
    connection = await Ways(taken.settings, {}).connect(web, [web.address], SomeSecrets({}))
    try:
        return connection.peer.user
    finally:
        await connection.close()


async def test_the_host_is_reached_as_ssh_reaches_it(sshd: Sshd, home: Path) -> None:
    assert await reached(home) == getpass.getuser()
    config = ["-F", str(home / ".ssh/config")]
    told = subprocess.run(["ssh", *config, "-G", "web"], capture_output=True, text=True, check=True).stdout
    assert "hostkeyalias lab-web" not in told or f"port {sshd.port}" in told  # the same file, read by the real one


async def test_its_host_key_is_known_under_the_alias_alone(sshd: Sshd, home: Path) -> None:
    (home / "known").write_text(sshd.host_key_line)
    with pytest.raises(HostKeyUnknownError):
        await reached(home)
    make_key(home / "other")
    kind, key = (home / "other.pub").read_text().split()[:2]
    (home / "known").write_text(f"lab-web {kind} {key}\n")
    with pytest.raises(HostKeyChangedError):
        await reached(home)


async def test_keys_that_cannot_be_used_are_named(home: Path) -> None:
    key = home / ".ssh/web_key"
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", str(key)], check=True)
    with pytest.raises(AuthenticationError, match="web_key needs a passphrase"):
        await reached(home)
    key.chmod(0o644)
    with pytest.raises(AuthenticationError, match="others can reach it"):
        await reached(home)


async def test_a_change_of_an_included_file_is_taken_while_the_daemon_runs(home: Path) -> None:
    config = home / "hosts.yaml"
    async with wire_to(config, MCP_RELOAD_INTERVAL="0.1") as wire:
        await wire.initialize()
        ran = await wire.call("ssh_run", host="web", command="echo here")
        assert ran["structuredContent"]["stdout"] == "here\n", ran
        part = home / ".ssh/lab/web.conf"
        part.write_text(part.read_text().replace("HostName 127.0.0.1", "HostName 127.0.0.2"))

        async def address() -> str:
            listed = await wire.call("ssh_list_hosts")
            return str(listed["structuredContent"]["hosts"][0]["address"])

        while await address() != "127.0.0.2":
            pass
        (home / ".ssh/lab/more.conf").write_text("ProxyCommand false\n")
        (home / ".ssh/lab/more.conf").chmod(0o600)
        until(lambda: '"decision":"deny"' in (home / "audit.log").read_text(), "the broken file was taken")
        assert await address() == "127.0.0.2"


def test_the_systems_ssh_is_told_the_same_name(sshd: Sshd, home: Path) -> None:
    config = home / "hosts.yaml"
    config.write_text(config.read_text().replace("ssh_config: true", "ssh_config: true, transport: openssh"))
    web = snapshot(home).inventory.hosts["web"]
    assert (web.address, web.port, web.ssh.name, web.ssh.key_name) == ("127.0.0.1", sshd.port, "web", "lab-web")
