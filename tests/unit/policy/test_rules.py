"""Access, rules and network lists: what they say of each part of a command."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import parse
from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.decision import Decision, Effect
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import Host, Shell
from mcp_ssh.model.policy import Access, Action, Evaluation, NetworkPolicy, Policy, PolicyRule
from mcp_ssh.model.principal import Principal, Via
from mcp_ssh.policy.decide import decide
from mcp_ssh.policy.network import network, plain
from mcp_ssh.safety.classify import Guard
from tests.support.hosts import host

ANN = Principal("stdio:ann", Via.STDIO)
LOOK = """\
policy:
  rules:
    - {name: look, action: allow, commands: ['uptime*', 'df -h*', 'ls*', cat]}
"""


def loaded(text: str) -> Any:
    return parse(text, Path("/etc/hosts.yaml"), Environment(Path("/etc/hosts.yaml"), Path("/home/ann")))


def decision(
    command: str, policy: Policy, where: Host | None = None, *, confirmed: bool = False, who: Principal = ANN
) -> Decision:
    where = where or host("web")
    request = Request("r", who, Operation.RUN, where.name, Wish(command), confirmed=confirmed)
    guard = Guard.build(builtin=True, patterns=[], shell=where.shell, platform=where.platform or "")
    return decide(request, where, guard.classify(command, host=where.name), policy, ["192.0.2.1"])


@pytest.mark.parametrize(
    "command",
    ["uptime", "uptime -p", "df -h /", "ls -la", "uptime | cat", "uptime && df -h", "ls 2>/dev/null", "ls\nuptime"],
)
def test_what_the_rules_allow_passes(command: str) -> None:
    assert decision(command, loaded(LOOK).policy).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("uptime\nid", "id"),
        ("uptime & id", "id"),
        ("uptime $(id)", "id"),
        ("uptime `id`", "id"),
        ("ls <(id)", "id"),
        ("ls > /tmp/x", "> /tmp/x"),
        ("ls >> ~/.profile", "> ~/.profile"),
        ("uptime | tee x", "tee x"),
        ("ls; cat /etc/shadow", "cat /etc/shadow"),
        ("sudo uptime", "sudo uptime"),
        ("sh -c uptime", "sh -c uptime"),
        ("if true; then uptime; fi", "true"),
        ("ls 'a", "cannot be read whole"),
    ],
)
def test_every_part_must_be_allowed_and_the_one_that_is_not_is_named(command: str, part: str) -> None:
    got = decision(command, loaded(LOOK).policy)
    assert got.effect is Effect.DENY
    assert got.layer == "policy"
    assert part in got.reason


def rule(name: str, action: str, *globs: str, **more: Any) -> PolicyRule:
    text = f"policy:\n  rules:\n    - {{name: {name}, action: {action}, commands: {list(globs)!r}}}\n"
    [made] = loaded(text).policy.rules
    return PolicyRule(made.name, made.action, patterns=made.patterns, **more)


@pytest.mark.parametrize(
    ("evaluation", "effect"),
    [
        (Evaluation.DENY_OVERRIDES, Effect.DENY),
        (Evaluation.FIRST_MATCH, Effect.ALLOW),
        (Evaluation.LAST_MATCH, Effect.CONFIRM),
    ],
)
def test_three_orders_of_evaluation(evaluation: Evaluation, effect: Effect) -> None:
    rules = (rule("a", "allow", "uptime*"), rule("b", "deny", "uptime*"), rule("c", "confirm", "up*"))
    got = decision("uptime", Policy(rules, Action.DENY, evaluation))
    assert got.effect is effect


def test_a_rule_is_about_its_hosts_and_tags() -> None:
    rules = (
        rule("a", "allow", "*"),
        rule("b", "deny", "id", hosts=("prod-*",)),
        rule("c", "deny", "df*", tags=frozenset({"db"})),
    )
    policy = Policy(rules, Action.DENY)
    assert decision("id", policy).effect is Effect.ALLOW
    assert decision("id", policy, host("prod-1")).effect is Effect.DENY
    assert decision("df -h", policy).effect is Effect.ALLOW
    assert decision("df -h", policy, host("x", tags=frozenset({"db"}))).effect is Effect.DENY


def test_what_is_denied_is_found_behind_its_wrappers_too() -> None:
    policy = Policy((rule("all", "allow", "*"), rule("stop", "deny", "systemctl stop *")), Action.DENY)
    for command in (
        "systemctl stop nginx",
        "sudo systemctl stop nginx",
        "sudo -n timeout 5 systemctl stop nginx",
        "sh -c 'systemctl stop nginx'",
    ):
        assert decision(command, policy).effect is Effect.DENY


def test_a_rule_that_asks_is_answered_by_who_may_speak_for_a_person() -> None:
    policy = Policy((rule("ask", "confirm", "systemctl restart *"),), Action.DENY)
    got = decision("systemctl restart nginx", policy)
    assert (got.effect, got.confirmable, got.rule) == (Effect.CONFIRM, True, "ask")
    done = decision("systemctl restart nginx", policy, confirmed=True)
    assert (done.effect, done.confirmed_by) == (Effect.ALLOW, "model")
    token = Principal("token:ci", Via.NETWORK, frozenset())
    asked = decision("systemctl restart nginx", policy, confirmed=True, who=token)
    assert (asked.effect, asked.confirmable, asked.asks_person) == (Effect.CONFIRM, False, True)


def test_an_allow_rule_never_makes_danger_harmless() -> None:
    policy = Policy((rule("all", "allow", "*"),), Action.DENY)
    assert decision("rm -rf /etc", policy).effect is Effect.CONFIRM


def test_substrings_are_looked_for_in_the_raw_text() -> None:
    policy = loaded("policy: {deny_substrings: ['kubectl ']}").policy
    got = decision("echo hi; kubectl get pods", policy)
    assert (got.effect, got.rule) == (Effect.DENY, "deny_substrings")


def test_a_readonly_host_takes_what_reads_and_nothing_else() -> None:
    where = host("web", access=Access.READONLY)
    for command in ("uptime", "cat /etc/hosts | head", "systemctl status nginx", "ls 2>/dev/null"):
        assert decision(command, Policy(), where).effect is Effect.ALLOW, command
    for command in (
        "touch x",
        "ls > x",
        "systemctl restart nginx",
        "cat $(touch x)",
        "$x",
        "ls; id > y",
        "python3 -c 1",
    ):
        got = decision(command, Policy(), where, confirmed=True)
        assert (got.effect, got.layer) == (Effect.DENY, "access"), command


def test_a_readonly_device_shows_and_does_nothing_else() -> None:
    where = host("sw", shell=Shell.CLI, platform="cisco_ios", access=Access.READONLY)
    for command in ("show version", "sh ip int br", "ping 10.0.0.1"):
        assert decision(command, Policy(), where).effect is Effect.ALLOW, command
    for command in (
        "configure terminal",
        "conf t",
        "clear counters",
        "show run | redirect flash:x",
        "write memory",
        "show version\nconf t",
    ):
        assert decision(command, Policy(), where).effect is Effect.DENY, command


def test_a_readonly_router_prints_and_does_nothing_else() -> None:
    where = host("r1", shell=Shell.CLI, platform="mikrotik_routeros", access=Access.READONLY)
    for command in ("/ip address print", "/export", "/interface print where running", "/system resource/print"):
        assert decision(command, Policy(), where).effect is Effect.ALLOW, command
    for command in (
        "/user add name=print",
        "/export file=x",
        "/ip dns set servers=1.1.1.1",
        "/log print; /system note set note=x",
    ):
        assert decision(command, Policy(), where).effect is Effect.DENY, command


def test_what_is_said_to_a_program_is_no_way_round_a_readonly_host() -> None:
    where = host("web", access=Access.READONLY)
    guard = Guard.build(builtin=True, patterns=[], shell=where.shell)
    request = Request("r", ANN, Operation.SEND, "web", Wish("ls"), confirmed=True)
    for verdict in (guard.interactive("ls", host="web"), guard.classify("sudo reboot", host="web")):
        assert decide(request, where, verdict).effect is Effect.DENY
    assert decide(request, where, None).effect is Effect.ALLOW, "to interrupt is always allowed"


def test_a_restricted_host_takes_what_its_patterns_take_in_full() -> None:
    where = loaded(
        "hosts: {web: {host: web.example, user: u, auth: {method: agent}, access: restricted, "
        "allow_patterns: ['uptime', 'systemctl status [a-z]+']}}"
    ).inventory.hosts["web"]
    assert decision("uptime; systemctl status nginx", Policy(), where).effect is Effect.ALLOW
    for command in ("uptime -p", "systemctl status nginx; id", "systemctl status nginx.service", "uptime > x"):
        assert decision(command, Policy(), where).effect is Effect.DENY, command


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rules: [{name: a, action: allow, commands: 'uptime*'}]", "policy.rules.0.commands"),
        ("rules: [{name: a, action: alow}]", "policy.rules.0.action"),
        ("network: {allow_cidrs: ['10.0.0.0/33']}", "policy.network.allow_cidrs.0"),
        ("network: {exempt_hosts: [nobody]}", "policy.network.exempt_hosts"),
        ("rules: [{name: a, action: allow, regex: ['(']}]", "policy.rules.0.regex"),
        ("rules: [{name: a, action: allow, commands: [ls], match: ['ls -l']}]", "policy.rules.0.match.0"),
        ("rules: [{name: a, action: allow, commands: ['ls*'], not_match: ['ls; ls']}]", "policy.rules.0.not_match.0"),
        ("evaluation: best", "policy.evaluation"),
        ("overrides: {tags: {x: {acess: readonly}}}", "policy.overrides.tags.x.acess"),
    ],
)
def test_a_fault_of_the_policy_names_file_line_and_key(line: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(f"policy:\n  {line}\n")
    assert f"/etc/hosts.yaml:2: {fault}" in str(caught.value)


def test_limits_that_are_null_are_a_fault() -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded("hosts: {web: {host: w.example, user: u, auth: {method: agent}, limits: null}}")
    assert "hosts.web.limits" in str(caught.value)


def test_the_strictest_tag_wins_and_the_host_wins_over_tags() -> None:
    inventory = loaded("""\
policy:
  overrides:
    tags:
      production: {max_seconds: 30, access: readonly}
      long: {max_seconds: 180, access: unrestricted}
defaults: {user: u, auth: {method: agent}}
hosts:
  both: {host: a.example, tags: [production, long]}
  own: {host: b.example, tags: [production], limits: {max_seconds: 5}, access: unrestricted}
  none: {host: c.example}
""").inventory.hosts
    assert (inventory["both"].limits.max_seconds, inventory["both"].access) == (30, Access.READONLY)
    assert (inventory["own"].limits.max_seconds, inventory["own"].access) == (5, Access.UNRESTRICTED)
    assert (inventory["none"].limits.max_seconds, inventory["none"].access) == (None, Access.UNRESTRICTED)


LISTS = NetworkPolicy(allow=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")), block=(ip_network("10.10.10.10/32"),))


@pytest.mark.parametrize(
    ("addresses", "effect"),
    [
        (["10.1.2.3"], Effect.ALLOW),
        (["::ffff:10.1.2.3"], Effect.ALLOW),
        (["fd00::1"], Effect.ALLOW),
        (["10.10.10.10"], Effect.DENY),
        (["::ffff:10.10.10.10"], Effect.DENY),
        (["::ffff:a0a:a0a"], Effect.DENY),
        (["192.0.2.1"], Effect.DENY),
        (["10.1.2.3", "192.0.2.1"], Effect.DENY),
        (["fe80::1%eth0"], Effect.DENY),
        (["169.254.169.254"], Effect.DENY),
        (["not-an-address"], Effect.DENY),
    ],
)
def test_every_address_that_may_be_dialled_is_judged(addresses: list[str], effect: Effect) -> None:
    assert network(host("web"), addresses, LISTS).effect is effect


def test_places_of_secrets_of_clouds_are_never_dialled_and_an_exempt_host_is() -> None:
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"):
        assert network(host("web"), [address], NetworkPolicy()).effect is Effect.DENY
        assert network(host("web"), [address], NetworkPolicy(exempt=frozenset({"web"}))).effect is Effect.ALLOW


@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_however_it_is_written(address: Any) -> None:
    assert plain(str(address)) == plain(f"::ffff:{address}") == address


words = st.lists(
    st.sampled_from(["uptime", "id", "ls -l", "rm -rf /tmp/x", "sudo df -h", "cat /etc/hosts"]), min_size=1, max_size=4
)
globs = st.sampled_from(["*", "u*", "id", "rm *", "*x*", "df *", "cat *"])


@given(words, st.lists(st.tuples(st.sampled_from(["allow", "deny", "confirm"]), globs), max_size=4), globs)
def test_another_deny_rule_never_allows_more(commands: list[str], rules: list[tuple[str, str]], glob: str) -> None:
    order = [Effect.ALLOW, Effect.CONFIRM, Effect.DENY]
    made = tuple(rule(f"r{number}", action, text) for number, (action, text) in enumerate(rules))
    before = decision("; ".join(commands), Policy(made, Action.DENY if made else Action.ALLOW))
    after = decision(
        "; ".join(commands), Policy((*made, rule("more", "deny", glob)), Action.DENY if made else Action.ALLOW)
    )
    assert order.index(after.effect) >= order.index(before.effect)
