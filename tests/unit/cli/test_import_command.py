"""`mcp-ssh import`, on what other programs keep."""

import json
from pathlib import Path

import pytest

from mcp_ssh.cli.main import main
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.host import AuthMethod, Shell, Way
from mcp_ssh_drivers.registry import known

SERVERS = """\
hosts:
  - {alias: web 1, host: 10.0.0.11, credentials: ops, tags: [production, web], description: front}
  - {alias: db, host: 10.0.0.21, port: 2222, credentials: dba}
"""
CREDENTIALS = """\
entries:
  - {name: ops, username: ubuntu, key_path: id_ed25519, key_passphrase_secret: ops-key}
  - {name: dba, username: dba, password_secret: db_password, vault: x}
"""
POLICY = """\
limits: {max_seconds: 45, deny_substrings: ['kubectl ']}
network: {allow_cidrs: [10.0.0.0/8], require_known_host: true}
rules:
  - {action: allow, aliases: ['*'], commands: ['uptime*', 'df *', 'systemctl *']}
  - {action: deny, tags: [production], commands: ['systemctl stop *']}
overrides: {tags: {production: {max_seconds: 10}}, aliases: {db: {max_seconds: 90}}}
"""


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main(["import", *map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def loaded(text: str) -> Snapshot:
    path = Path("/etc/hosts.yaml")
    return parse(text, path, Environment(path, Path("/home/ann")), known)


def orchestrator(folder: Path) -> Path:
    for name, text in (("servers.yml", SERVERS), ("credentials.yml", CREDENTIALS), ("policy.yml", POLICY)):
        (folder / name).write_text(text)
    (folder / ".env").write_text("MCP_PORT=9000\nOTHER=1\n# x\n")
    return folder


def test_servers_credentials_and_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text, report = ran(capsys, orchestrator(tmp_path))
    assert code == 0, report
    snapshot = loaded(text)
    web, db = snapshot.inventory.hosts["web-1"], snapshot.inventory.hosts["db"]
    assert (web.address, web.user, web.auth.passphrase_env, web.limits.max_seconds) == (
        "10.0.0.11",
        "ubuntu",
        "OPS_KEY",
        10,
    )
    assert (db.port, db.auth.password_env, db.limits.max_seconds) == (2222, "DB_PASSWORD", 90)
    assert [str(each) for each in snapshot.policy.network.allow] == ["10.0.0.0/8"]
    assert snapshot.settings.command_timeout_s == 45
    assert "host 'web 1' is called 'web-1'" in report
    assert "left: credentials dba: vault" in report
    assert "MCP_PORT means the same here" in report
    assert "left: .env: OTHER" in report


def test_decisions_are_compared_and_each_difference_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.jsonl"
    asked = [
        ("web 1", "uptime"),
        ("web 1", "systemctl stop nginx"),
        ("db", "systemctl stop nginx"),
        ("db", "id"),
        ("db", "uptime; kubectl get pods"),
    ]
    cases.write_text("".join(json.dumps({"host": name, "command": command}) + "\n" for name, command in asked))
    code, _, report = ran(capsys, orchestrator(tmp_path), "--cases", cases)
    assert code == 0, report
    assert "compared: 5 cases, 5 alike" in report
    with cases.open("a") as file:
        file.write(json.dumps({"host": "db", "command": "uptime; id"}) + "\n")
    code, _, report = ran(capsys, orchestrator(tmp_path), "--cases", cases)
    assert code == 1
    assert "differs: db: 'uptime; id' was allowed, is denied" in report


def test_lists_of_connections_and_tokens_lose_their_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    servers = [
        {"name": "sw1", "host": "10.0.0.2", "username": "admin", "password": "hunter2hunter2", "platform": "cisco_ios"},
        {
            "name": "pi",
            "hostname": "[fd00::5]",
            "user": "pi",
            "privateKeyPath": "~/.ssh/id",
            "port": 22,
            "color": "red",
        },
        {"name": "far", "type": "tunnel", "host": "x"},
        {
            "name": "edge 1",
            "type": "tunnel",
            "user": "pi",
            "tunnelPort": 22222,
            "tags": ["edge"],
            "password": "hunter3",
        },
    ]
    (tmp_path / "connections.json").write_text(json.dumps(servers))
    (tmp_path / "tokens.json").write_text(json.dumps({"ann": {"token": "s" * 40, "permissions": ["execute", "fly"]}}))
    code, text, report = ran(capsys, tmp_path)
    assert code == 0, report
    snapshot = loaded(text)
    assert (snapshot.inventory.hosts["sw1"].shell, snapshot.inventory.hosts["sw1"].auth.password_env) == (
        Shell.CLI,
        "SW1_PASSWORD",
    )
    assert snapshot.inventory.hosts["pi"].address == "fd00::5"
    assert snapshot.tokens[0].name == "ann"
    assert "hunter2" not in text + report
    assert "s" * 40 not in text + report
    assert "left: far: it is a tunnel" in report
    assert "left: pi: color" in report
    edge = snapshot.inventory.hosts["edge-1"]
    assert (edge.way, edge.tunnel and edge.tunnel.port, edge.enabled) == (Way.TUNNEL, 22222, False)
    assert "edge 1: it dials in; write its public key into edge-1.pub" in report
    assert "hunter3" not in text + report


def test_jump_hosts_of_connections_become_ways_and_nobody_is_dialled_directly_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {
        "web": {"host": "10.0.0.11", "user": "u", "jumpHost": "gate"},
        "db": {"host": "10.0.0.12", "user": "u", "proxyJump": "ann@gate.example:2222,inner.example"},
        "log": {"host": "10.0.0.13", "user": "u", "bastion": {"host": "new.example", "password": "hunter2"}},
        "odd": {"host": "10.0.0.14", "user": "u", "via": "by the river"},
        "edge": {"host": "10.0.0.15", "user": "u", "tunnel": True},
        "gate": {"host": "gate.example", "port": 2222, "user": "ann"},
    }
    (tmp_path / "connections.json").write_text(json.dumps(rows))
    code, text, report = ran(capsys, tmp_path)
    assert code == 0, report
    hosts = loaded(text).inventory.hosts
    assert {name: [hop.name for hop in each.hops] for name, each in hosts.items() if each.hops} == {
        "web": ["gate"],
        "db": ["gate", "inner.example"],
        "log": ["new.example"],
    }
    assert (hosts["inner.example"].user, hosts["inner.example"].auth.method) == ("u", AuthMethod.AGENT)
    assert not hosts["odd"].enabled
    assert "left: odd: its way, 'by the river'" in report
    assert "changed: new.example was made for the way to log: it logs in as u by the agent" in report
    assert "left: log: of its jump host: password" in report
    assert "left: edge: it is a tunnel" in report
    assert "hunter2" not in text + report


@pytest.mark.parametrize(
    ("arguments", "way"),
    [
        ("-J ann@gate:2222", ["gate"]),
        ("-Jgate", ["gate"]),
        ("-C -o ProxyJump=gate,10.0.0.7", ["gate", "10.0.0.7"]),
        ("-o 'ProxyJump ssh://ann@gate.example:2222'", ["gate"]),
        ("-oProxyCommand='ssh -W %h:%p -q -p 2222 ann@gate.example'", ["gate"]),
        ("-o ProxyJump=none -o ControlPersist=60s", []),
        ("-o ProxyCommand='nc -X 5 -x proxy:1080 %h %p'", None),
        ("-J {{ bastion }}", None),
    ],
)
def test_ways_in_the_arguments_of_an_inventory(
    arguments: str, way: list[str] | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inventory.ini").write_text(
        "gate ansible_host=gate.example ansible_port=2222 ansible_user=ann\n[in]\n"
        f"web ansible_host=10.0.0.11 ansible_user=u\n[in:vars]\nansible_ssh_common_args={arguments}\n"
    )
    code, text, report = ran(capsys, tmp_path / "inventory.ini")
    assert code == 0, report
    web = loaded(text).inventory.hosts["web"]
    assert ([hop.name for hop in web.hops], web.enabled) == (way or [], way is not None)
    assert ("left: web: its way, " in report) is (way is None)
    for rest in ("-C", "-o ControlPersist=60s"):
        assert (f"left: web: ansible_ssh_common_args {rest}" in report) is (rest in arguments)


INI = """\
[web]
web[01:02].example.com ansible_user=deploy ansible_port=2222
[db]
db1 ansible_host=10.0.0.9 ansible_ssh_private_key_file=~/.ssh/db
[edge]
r1 ansible_network_os=cisco.ios.ios ansible_password=secret ansible_user=admin ansible_shell_type=sh
[prod:children]
web
db
[prod:vars]
ansible_user=ops
"""


@pytest.mark.parametrize("form", ["ini", "yaml"])
def test_an_ansible_inventory(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ("hosts" if form == "ini" else "inventory.yml")
    path.write_text(
        INI
        if form == "ini"
        else json.dumps(
            {
                "all": {
                    "children": {
                        "prod": {
                            "vars": {"ansible_user": "ops"},
                            "children": {
                                "web": {
                                    "hosts": {
                                        "web[01:02].example.com": {"ansible_user": "deploy", "ansible_port": 2222}
                                    }
                                },
                                "db": {
                                    "hosts": {
                                        "db1": {"ansible_host": "10.0.0.9", "ansible_ssh_private_key_file": "~/.ssh/db"}
                                    }
                                },
                            },
                        },
                        "edge": {
                            "hosts": {
                                "r1": {
                                    "ansible_network_os": "cisco.ios.ios",
                                    "ansible_password": "secret",
                                    "ansible_user": "admin",
                                    "ansible_shell_type": "sh",
                                }
                            }
                        },
                    }
                }
            }
        )
    )
    code, text, report = ran(capsys, path)
    assert code == 0, report
    hosts = loaded(text).inventory.hosts
    assert sorted(hosts) == ["db1", "r1", "web01.example.com", "web02.example.com"]
    assert (hosts["web01.example.com"].user, hosts["web01.example.com"].port) == ("deploy", 2222)
    assert hosts["web01.example.com"].tags == {"web", "prod"}
    assert (hosts["db1"].user, hosts["db1"].auth.method) == ("ops", AuthMethod.KEY)
    assert (hosts["r1"].shell, hosts["r1"].platform) == (Shell.CLI, "cisco_ios")
    assert "left: r1: ansible_shell_type" in report
    assert "secret" not in text


def test_no_file_is_written_over_and_a_broken_one_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "hosts.yaml"
    assert ran(capsys, orchestrator(tmp_path), "--output", output)[0] == 0
    assert output.stat().st_mode & 0o777 == 0o600
    code, _, told = ran(capsys, tmp_path, "--output", output)
    assert code == 2
    assert "is not written over" in told
    (tmp_path / "servers.yml").write_text("hosts: [")
    code, _, told = ran(capsys, tmp_path)
    assert code == 2
    assert "servers.yml" in told
    assert ran(capsys, tmp_path / "nothing")[0] == 2


SSH_CONFIG = """\
Include more
Host web web2
  HostName web.example.com
  User deploy
  Port 2222
  IdentityFile ~/.ssh/id_web
  IdentityFile ~/.ssh/id_two
  ForwardAgent yes
Host db-* !db-old
  User dba
Host db-1
  HostName 10.0.0.21
  IdentityFile ~/.ssh/nowhere
Host corp
  HostName 10.1.1.1
  ProxyCommand nc -x proxy %h %p
Host hard
  HostName 10.2.2.2
  IdentityFile ~/.ssh/id_sk
Host behind
  HostName 10.3.3.3
  User u
  ProxyJump web,jumper@far.example.com:2200
Host deep
  User u
  ProxyJump corp
Host pinned
  HostKeyAlias the-alias
  StrictHostKeyChecking yes
Match originalhost corp exec "touch {folder}/ran"
  User other
Match user dba
  Compression yes
Host *
  ControlMaster auto
"""


def test_a_ssh_config_becomes_hosts_and_each_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".ssh"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, text in (("config", SSH_CONFIG.format(folder=tmp_path)), ("more", "Host inc\n  User ann\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    for name in ("id_web", "id_web-cert.pub", "id_two"):
        (folder / name).write_text("-")
    (folder / "id_sk.pub").write_text("sk-ssh-ed25519@openssh.com AAAA")
    (folder / "id_sk").write_text("-")
    code, text, report = ran(capsys, "ssh-config")
    assert code == 0, report
    path = tmp_path / "hosts.yaml"
    hosts = parse(text, path, Environment(path, tmp_path), known).inventory.hosts
    assert list(hosts) == ["inc", "web", "web2", "db-1", "corp", "hard", "behind", "deep", "pinned", "far.example.com"]
    web = hosts["web"]
    assert (web.address, web.user, web.port) == ("web.example.com", "deploy", 2222)
    assert (web.auth.method, web.auth.key_path) == (AuthMethod.CERTIFICATE, f"{folder}/id_web")
    assert (hosts["db-1"].user, hosts["db-1"].address, hosts["db-1"].ssh.compressed) == ("dba", "10.0.0.21", True)
    assert (hosts["corp"].way, hosts["corp"].address) == (Way.OPENSSH, "corp")
    assert hosts["hard"].way is Way.OPENSSH
    assert [hop.name for hop in hosts["behind"].hops] == ["web", "far.example.com"]
    assert hosts["far.example.com"].port == 2200
    assert (hosts["deep"].way, hosts["deep"].hops) == (Way.OPENSSH, ())
    assert hosts["pinned"].ssh.key_name == "the-alias"
    config = f"{folder}/config"
    for line in (
        f"taken: host 'web': HostName at {config}:3, User at {config}:4, Port at {config}:5",
        f"taken: host 'web': IdentityFile at {config}:6",
        f"taken: host 'inc': User at {folder}/more:2",
        f"changed: host 'corp': `transport: openssh`, the system's ssh, for ProxyCommand at {config}:16",
        f"changed: host 'pinned': `ssh_config: true`, so that it stays where it is: HostKeyAlias at {config}:28",
        f"changed: host 'hard': `transport: openssh`, the system's ssh, for IdentityFile at {config}:19",
        f"changed: host 'behind': `jump`, for ProxyJump at {config}:23",
        "changed: host 'deep': `transport: openssh`, as its jump host 'corp' has",
        f"changed: Host db-* at {config}:9: a pattern is no host; what it says became part of those it is about",
        f"left: host 'web': IdentityFile {folder}/id_two at {config}:7: a host has one key",
        f"left: ForwardAgent at {config}:8 is not done here",
        f"left: host 'db-1': IdentityFile {folder}/nowhere at {config}:13: no key file that is read here",
        f"left: Match exec at {config}:30 is not looked at: nothing is run or looked up for it",
        f"left: ControlMaster at {config}:35 has no meaning here",
    ):
        assert line in report.splitlines()
    assert not (tmp_path / "ran").exists()


def test_every_line_of_a_ssh_config_stands_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "other"
    file.write_text("Host web\n  HostName w\n  Port 22\n  Frobnicate yes\n  User a b\n  LogLevel DEBUG\n")
    file.chmod(0o600)
    _, _, report = ran(capsys, "ssh-config", file)
    for number in range(2, 7):
        assert f"{file}:{number}" in report
    assert "is not ~/.ssh/config" in report
