"""The way to a host, from hosts.yaml; and each fault of it, all at once, with its line."""

from pathlib import Path

import pytest

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import Host

FILE = Path("/etc/mcp/hosts.yaml")
AGENT = "defaults: {user: u, auth: {method: agent}"


def read(text: str) -> dict[str, Host]:
    snapshot = parse(text, FILE, Environment(config=FILE, home=Path("/home/ann")), lambda _: ("frr",))
    return dict(snapshot.inventory.hosts)


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return [f"{fault.line} {fault.key}: {fault.message}" for fault in caught.value.faults]


def file(*rows: str, defaults: str = "") -> str:
    hosts = "\n".join(f"  {row.partition(':')[0]}: {{host: h{row.partition(':')[2]}}}" for row in rows)
    return f"{AGENT}{defaults}}}\nhosts:\n{hosts}\n"


def ways(text: str) -> dict[str, list[str]]:
    return {name: [hop.name for hop in host.hops] for name, host in read(text).items()}


def test_a_host_has_the_way_of_its_list_and_the_first_of_it_is_reached_by_its_own() -> None:
    text = file("gate:", "outer:, jump: [gate]", "inner:", "web:, jump: [outer, inner]", "db:")
    assert ways(text) == {"gate": [], "outer": ["gate"], "inner": [], "web": ["gate", "outer", "inner"], "db": []}


def test_the_way_of_the_defaults_leads_to_all_but_those_that_stand_on_it() -> None:
    text = file("outer:", "inner:", "web:", "free:, jump: []", "own:, jump: [free]", defaults=", jump: [outer, inner]")
    assert ways(text) == {
        "outer": [],
        "inner": ["outer"],
        "web": ["outer", "inner"],
        "free": [],
        "own": ["free"],
    }


def test_a_jump_host_is_the_same_for_all_who_go_through_it_and_for_itself() -> None:
    hosts = read(file("bastion:", "inner:, jump: [bastion]", "a:, jump: [inner]", "b:, jump: [bastion, inner]"))
    assert hosts["a"].jump == hosts["b"].jump == hosts["inner"]
    assert hosts["inner"].jump == hosts["bastion"]


def test_whatever_changes_on_the_way_the_host_changes() -> None:
    rows = ("inner:, jump: [bastion]", "web:, jump: [inner]", "db:")
    before, after = read(file("bastion:", *rows)), read(file("bastion:, port: 2222", *rows))
    assert [name for name in before if before[name] != after[name]] == ["bastion", "inner", "web"]


def test_all_faults_of_ways_are_told_at_once_each_with_its_line() -> None:
    text = file(
        "bastion:",
        "self:, jump: [self]",
        "wrong:, jump: [bastoin, bastion]",
        "twice:, jump: [bastion, bastion]",
        "dark:, enabled: false",
        "behind-dark:, jump: [bastion, dark]",
        "device:, shell: cli, platform: frr",
        "behind-device:, jump: [device]",
        "system:, transport: openssh",
        "behind-system:, jump: [system]",
        "own-system:, transport: openssh, jump: [bastion]",
        "console:, shell: cli, platform: frr, transport: command, command: [telnet, x], jump: [bastion]",
        "a:, jump: [b]",
        "b:, jump: [a]",
        "text:, jump: bastion",
        "broken:, prot: 1, jump: [nobody]",
    )
    assert faults(text) == [
        "4 hosts.self.jump.0: a host is not reached through itself; `jump: []` switches jump hosts off",
        "5 hosts.wrong.jump.0: there is no host 'bastoin', did you mean 'bastion'?",
        "6 hosts.twice.jump.1: 'bastion' stands twice",
        "8 hosts.behind-dark.jump.1: 'dark' is disabled, so nothing goes through it",
        "10 hosts.behind-device.jump.0: 'device' is a cli host; only posix hosts are jump hosts",
        "12 hosts.behind-system.jump.0: 'system' has `transport: openssh`; only with asyncssh is a host a jump host",
        (
            "13 hosts.own-system.jump: `jump` goes not with `transport: openssh`: "
            "write ProxyJump for it into ssh's own configuration"
        ),
        "14 hosts.console.jump: `jump` goes not with `transport: command`: its program finds the way by itself",
        "15 hosts.a.jump: the way goes in a circle: a > b > a",
        "16 hosts.b.jump: the way goes in a circle: b > a > b",
        "17 hosts.text.jump: must be a list",
        "18 hosts.broken.prot: unknown key 'prot', did you mean 'port'?",
        "18 hosts.broken.jump.0: there is no host 'nobody'",
    ]


def test_a_way_that_meets_itself_or_has_more_than_eight_jump_hosts_is_a_fault() -> None:
    row = [f"h{n}:, jump: [h{n - 1}]" if n else "h0:" for n in range(10)]
    [long] = faults(file(*row))
    assert long.startswith("12 hosts.h9.jump: the way has 9 jump hosts, the limit is 8: h0 > h1 > ")
    assert len(ways(file(*row[:9]))["h8"]) == 8
    [bent] = faults(file("gate:", "outer:, jump: [gate]", "web:, jump: [outer, gate]"))
    assert bent == "5 hosts.web.jump: the way goes in a circle: gate > outer > gate > web"


def test_a_fault_of_the_defaults_is_told_once_and_where_it_stands() -> None:
    assert faults(file("a:", "b:", defaults=", jump: [bastion]")) == ["1 defaults.jump.0: there is no host 'bastion'"]
    [own] = faults(file("bastion:", "old:, transport: openssh", defaults=", jump: [bastion]"))
    assert own.startswith("4 hosts.old: `jump` goes not with `transport: openssh`: ")
    assert own.endswith(" and `jump: []` here")
