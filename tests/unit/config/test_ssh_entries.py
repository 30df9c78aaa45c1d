"""Hosts with `ssh_config: true`: hosts.yaml first, then the user's own SSH configuration, then the defaults."""

from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import AuthMethod, HostKeyChecking, Way

WEB = """\
Host web
  HostName web.example.com
  User deploy
  Port 2222
  IdentityFile ~/.ssh/web
  HostKeyAlias web-alias
  ConnectTimeout 7
Host *
  ServerAliveInterval 9
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def loaded(home: Path, hosts: str, config: str = WEB, rest: str = "") -> Snapshot:
    file = home / ".ssh/config"
    file.write_text(config)
    file.chmod(0o600)
    path = home / "hosts.yaml"
    return parse(f"hosts:\n  {hosts}\n{rest}", path, Environment(path, home, environ={}), algorithms=known)


known = {"ciphers": ("aes128-ctr",)}


def faults(home: Path, hosts: str, config: str = WEB) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        loaded(home, hosts, config)
    return [str(fault) for fault in caught.value.faults]


def test_what_hosts_yaml_does_not_say_comes_from_the_entry_of_that_name(home: Path) -> None:
    web = loaded(home, "web: {ssh_config: true}").inventory.hosts["web"]
    assert (web.address, web.user, web.port) == ("web.example.com", "deploy", 2222)
    assert web.auth.method is AuthMethod.SSH_CONFIG
    assert web.auth.identities.files == (f"{home}/.ssh/web",)
    assert (web.ssh.name, web.ssh.key_name) == ("web", "web-alias")
    assert (web.ssh.connect_timeout_s, web.ssh.keepalive_s) == (7, 9)


def test_what_hosts_yaml_says_wins(home: Path) -> None:
    own = "web: {ssh_config: true, host: 10.0.0.1, user: root, port: 5, auth: {method: agent}}"
    web = loaded(home, own).inventory.hosts["web"]
    assert (web.address, web.user, web.port, web.auth.method) == ("10.0.0.1", "root", 5, AuthMethod.AGENT)


def test_the_entry_comes_before_the_defaults_and_they_before_what_ssh_does_unasked(home: Path) -> None:
    rest = "defaults: {port: 22, user: nobody, auth: {method: agent}}"
    web = loaded(home, "web: {ssh_config: true}", rest=rest).inventory.hosts["web"]
    assert (web.user, web.port, web.auth.method) == ("deploy", 2222, AuthMethod.SSH_CONFIG)
    db = loaded(home, "db: {ssh_config: true}", rest=rest).inventory.hosts["db"]
    assert (db.address, db.user, db.auth.method) == ("db", "nobody", AuthMethod.AGENT)


def test_a_shared_login_brings_its_own_user(home: Path) -> None:
    rest = "credentials: {ops: {user: ops, auth: {method: agent}}}"
    web = loaded(home, "web: {ssh_config: true, credentials: ops}", rest=rest).inventory.hosts["web"]
    assert (web.user, web.address) == ("ops", "web.example.com")


def test_what_would_lead_another_way_is_a_fault_with_its_place(home: Path) -> None:
    config = "Host web\n  ProxyCommand nc %h %p\n  KnownHostsCommand x\n"
    [fault] = faults(home, "web: {ssh_config: true}", config)
    assert f"ProxyCommand at {home}/.ssh/config:2 is not done here" in fault
    assert f"KnownHostsCommand at {home}/.ssh/config:3 is not done here" in fault
    assert "`transport: openssh`" in fault


def test_the_systems_ssh_is_told_the_name_and_does_all_of_it(home: Path) -> None:
    config = "Host web\n  HostName w\n  ProxyCommand nc %h %p\n  HostKeyAlias a\n"
    web = loaded(home, "web: {ssh_config: true, transport: openssh}", config).inventory.hosts["web"]
    assert (web.way, web.ssh.name, web.address, web.ssh.key_name) == (Way.OPENSSH, "web", "w", "a")


def test_what_is_left_out_is_a_warning_once_for_all_hosts(home: Path) -> None:
    config = "Host *\n  ForwardAgent yes\n  ControlMaster auto\n  Ciphers aes128-ctr,arcfour\n"
    snapshot = loaded(home, "web: {ssh_config: true}\n  db: {ssh_config: true}", config)
    told = [str(each) for each in snapshot.warnings]
    assert f"{home}/.ssh/config:2: ForwardAgent: is not done here (host web and others)" in told
    assert f"{home}/.ssh/config:3: ControlMaster: has no meaning here (host web and others)" in told
    assert any("Ciphers: names what is not known here and is left out: arcfour" in each for each in told)


def test_a_file_that_others_can_write_is_not_taken(home: Path) -> None:
    loaded(home, "web: {ssh_config: true}")
    path = home / "hosts.yaml"
    (home / ".ssh/config").chmod(0o666)
    with pytest.raises(ConfigurationError) as caught:
        parse("hosts: {web: {ssh_config: true}}", path, Environment(path, home, environ={}))
    assert "others can write it" in str(caught.value)


def test_host_key_checking_becomes_stricter_and_never_looser(home: Path) -> None:
    strict = loaded(home, "web: {ssh_config: true}", "StrictHostKeyChecking yes\n").inventory.hosts["web"]
    assert strict.host_key_checking is HostKeyChecking.STRICT
    loose = loaded(home, "web: {ssh_config: true}", "StrictHostKeyChecking no\n")
    assert loose.inventory.hosts["web"].host_key_checking is HostKeyChecking.ACCEPT_NEW
    assert "StrictHostKeyChecking" in str(loose.warnings[0])


def test_the_files_that_count_are_watched(home: Path) -> None:
    (home / ".ssh/more").write_text("Port 9\n")
    (home / ".ssh/more").chmod(0o600)
    snapshot = loaded(home, "web: {ssh_config: true}", f"Include more\n{WEB}")
    assert snapshot.inventory.hosts["web"].port == 9
    assert {f"{home}/.ssh/config", f"{home}/.ssh/more"} <= set(snapshot.watched)
    assert loaded(home, "web: {host: h, user: u, auth: {method: agent}}").watched == ()


def test_without_the_key_a_host_needs_its_address(home: Path) -> None:
    assert any("host: is required" in fault for fault in faults(home, "web: {user: u, auth: {method: agent}}"))


def test_a_proxy_jump_leads_through_hosts_of_the_file_and_jump_wins_over_it(home: Path) -> None:
    config = "Host web\n  ProxyJump bastion,inner\n"
    others = "bastion: {host: b, user: u, auth: {method: agent}}\n  inner: {host: i, user: u, auth: {method: agent}}"
    web = loaded(home, f"web: {{ssh_config: true}}\n  {others}", config).inventory.hosts["web"]
    assert [hop.name for hop in web.hops] == ["bastion", "inner"]
    web = loaded(home, f"web: {{ssh_config: true, jump: [inner]}}\n  {others}", config).inventory.hosts["web"]
    assert [hop.name for hop in web.hops] == ["inner"]
    [fault] = faults(home, "web: {ssh_config: true}", config)
    assert "ProxyJump at" in fault
