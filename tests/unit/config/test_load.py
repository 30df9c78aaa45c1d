import contextlib
import gc
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load, parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.model.faults import ConfigurationError
from mcp_ssh.model.host import AuthMethod, Host, HostKeyChecking, Shell
from mcp_ssh_drivers.registry import known

FILE = Path("/etc/mcp/hosts.yaml")
ENVIRONMENT = Environment(config=FILE, home=Path("/home/ann"))

BASE_FORMAT = r"""
hosts:
  home-server:
    host: 192.168.1.10
    user: admin
    auth: {method: key, key_path: ~/.ssh/id_ed25519}
    shell: posix
  cisco-switch:
    host: 192.168.1.1
    user: cisco
    auth: {method: password, password_env: CISCO_PASS}   # NAME of an environment variable, never the secret
    shell: cli
    prompt_regex: '[\w.-]+[>#]\s*$'                       # required for cli, unless `platform` names a profile
settings:
  idle_timeout: 600
  command_timeout: 60
  audit_log: ~/.mcp_ssh/audit.log
  deny_patterns: ["rm\\s+-rf\\s+/"]
"""


def read(text: str) -> Snapshot:
    return parse(text, FILE, ENVIRONMENT, lambda _folder: ("cisco_ios", "frr"))


def one_host(lines: str, rest: str = "") -> Host:
    indented = "\n".join(f"    {line}" for line in lines.splitlines())
    return read(f"hosts:\n  web:\n{indented}\n{rest}").inventory.hosts["web"]


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return [f"{fault.line} {fault.key}: {fault.message}" for fault in caught.value.faults]


def fault_of_host(lines: str, rest: str = "") -> str:
    indented = "\n".join(f"    {line}" for line in lines.splitlines())
    [fault] = faults(f"hosts:\n  web:\n{indented}\n{rest}")
    return fault


GOOD = "host: web.example\nuser: u\nauth: {method: agent}"


def test_the_base_format_loads_unchanged_and_every_key_keeps_its_meaning() -> None:
    snapshot = read(BASE_FORMAT)
    server, switch = snapshot.inventory.hosts.values()
    assert (server.name, server.address, server.user, server.port, server.shell) == (
        "home-server",
        "192.168.1.10",
        "admin",
        22,
        Shell.POSIX,
    )
    assert (server.auth.method, server.auth.key_path) == (AuthMethod.KEY, "/home/ann/.ssh/id_ed25519")
    assert (switch.shell, switch.prompt_regex, switch.auth.password_env) == (
        Shell.CLI,
        r"[\w.-]+[>#]\s*$",
        "CISCO_PASS",
    )
    assert (snapshot.settings.idle_timeout_s, snapshot.settings.command_timeout_s) == (600, 60)
    assert snapshot.settings.audit_log == "/home/ann/.mcp_ssh/audit.log"
    assert snapshot.settings.deny_patterns == (r"rm\s+-rf\s+/",)


def test_the_example_of_the_repository_loads() -> None:
    example = Path(__file__).parents[3] / "hosts.example.yaml"
    snapshot = load(Environment(config=example, home=Path("/home/ann")))
    assert list(snapshot.inventory.hosts) == ["home-server", "cisco-switch", "web-1", "build-box"]


README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE))
def test_every_block_of_the_readme_loads_as_it_stands(block: str) -> None:
    snapshot = parse(block, FILE, ENVIRONMENT, known)
    assert bool(snapshot.inventory.hosts) is block.startswith("hosts:")


def test_an_empty_file_is_an_empty_inventory() -> None:
    assert read("").inventory.hosts == {}
    assert read("# nothing yet\n").inventory.hosts == {}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("hots: a\n" + GOOD, "3 hosts.web.hots: unknown key 'hots', did you mean 'host'?"),
        (GOOD.replace("web.example", "u@web"), "3 hosts.web.host: not a host name or IP address"),
        (GOOD.replace("web.example", "-oProxyCommand=x"), "3 hosts.web.host: not a host name or IP address"),
        (GOOD.replace("web.example", '"[::1]"'), "3 hosts.web.host: an IPv6 address stands here without brackets"),
        (GOOD.replace("web.example", "10"), "3 hosts.web.host: must be a text"),
        (GOOD + "\nport: 70000", "6 hosts.web.port: must be less than or equal to 65535"),
        (GOOD + "\nport: true", "6 hosts.web.port: must be a"),
        (GOOD + "\nport: '22'", "6 hosts.web.port: must be a"),
        (GOOD + "\ntags: web", "6 hosts.web.tags: must be a list"),
        (GOOD + "\ntags: [" + "x" * 51 + "]", "6 hosts.web.tags.0: String should have at most 50 characters"),
        (GOOD + "\ndeny_patterns: 'x'", "6 hosts.web.deny_patterns: must be a list"),
        (GOOD + "\ndeny_patterns: ['(']", "6 hosts.web.deny_patterns.0: not a regular expression"),
        (GOOD + "\nlimits: null", "6 hosts.web.limits: has no value"),
        (GOOD + "\nlimits: 5", "6 hosts.web.limits: must be a mapping"),
        (GOOD + "\nlimits: {max_second: 5}", "6 hosts.web.limits.max_second: unknown key 'max_second', did you mean"),
        (GOOD + "\nlimits: {max_seconds: -1}", "6 hosts.web.limits.max_seconds: must be greater than 0"),
        (GOOD + "\nlimits: {max_seconds: .inf}", "6 hosts.web.limits.max_seconds: must be"),
        (GOOD + "\nshell: powershell", "6 hosts.web.shell: Windows and PowerShell hosts are not supported"),
        (GOOD + "\nshell: fish", "6 hosts.web.shell: must be posix or cli"),
        (GOOD + "\nshell: cli", "2 hosts.web.prompt_regex: is required for a cli host"),
        (
            GOOD + "\nshell: cli\nplatform: cisco_oss",
            "7 hosts.web.platform: there is no profile 'cisco_oss', did you mean",
        ),
        (GOOD + "\nplatform: cisco_ios", "6 hosts.web.platform: has no meaning for a posix host"),
        (GOOD + "\ncharset: latin-1", "6 hosts.web.charset: has no meaning for a posix host"),
        (GOOD + "\ncommit: verified", "6 hosts.web.commit: has no meaning for a posix host"),
        (GOOD + "\nshell: cli\nprompt_regex: x\ncommit: never", "8 hosts.web.commit: must be"),
        (
            GOOD + "\nshell: cli\nprompt_regex: x\nlogin_dialogue: [{match: '(', send: a}]",
            "8 hosts.web.login_dialogue.0.match",
        ),
        (GOOD + "\nenable_env: SECRET", "6 hosts.web.enable_env: has no meaning for a posix host"),
        (GOOD + "\nshell: cli\nprompt_regex: x\ncharset: latin-99", "8 hosts.web.charset: is no character set"),
        (GOOD + "\nshell: cli\nprompt_regex: x\nenable_env: SECRET", "8 hosts.web.enable_env: needs `platform`"),
        (GOOD + "\nprompt_regex: x", "6 hosts.web.prompt_regex: has no meaning for a posix host"),
        (GOOD + "\nshell: cli\nprompt_regex: '['", "7 hosts.web.prompt_regex: not a regular expression"),
        (GOOD + "\nhost_key: SHA256:abc", "6 hosts.web.host_key: a fingerprint looks like"),
        (GOOD + "\nhost_key_checking: maybe", "6 hosts.web.host_key_checking: must be 'strict', 'accept-new' or 'off'"),
        (GOOD + "\naccess: readonle", "6 hosts.web.access: must be 'unrestricted', 'readonly' or 'restricted'"),
        ("host: h\nauth: {method: agent}", "2 hosts.web.user: is required"),
        ("host: h\nuser: u", "2 hosts.web.auth: is required"),
        ("host: h\nuser: u\nauth: null", "5 hosts.web.auth: has no value"),
        ("host: h\nuser: u\nauth: {method: key}", "5 hosts.web.auth.key_path: is required for method key"),
        (
            "host: h\nuser: u\nauth: {method: password}",
            "5 hosts.web.auth.password_env: is required for method password",
        ),
        (
            "host: h\nuser: u\nauth: {method: agent, key_path: k}",
            "5 hosts.web.auth.key_path: has no meaning for method",
        ),
        ("host: h\nuser: u\nauth: {method: pasword}", "5 hosts.web.auth.method: must be 'key', 'password'"),
        ("host: h\ncredentials: ops", "4 hosts.web.credentials: there are no credentials 'ops'; defined: none"),
        (GOOD + "\ncredentials: ops", "6 hosts.web.credentials: stands beside auth"),
        ("user: u\nauth: {method: agent}", "2 hosts.web.host: is required"),
    ],
)
def test_a_fault_names_line_key_and_what_to_write(lines: str, fault: str) -> None:
    assert fault_of_host(lines).startswith(fault)


def test_a_secret_in_the_place_of_a_name_is_not_repeated() -> None:
    text = "host: h\nuser: u\nauth: {method: password, password_env: 'hunter2!'}"
    fault = fault_of_host(text)
    assert "the NAME of an environment variable belongs here" in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize("name", ["user@ip", "-oProxyCommand=x", "../etc", "a b", "", "x" * 101, ".hidden"])
def test_a_name_that_could_mean_something_else_is_refused(name: str) -> None:
    text = f"hosts:\n  {name!r}: {{host: h, user: u, auth: {{method: agent}}}}"
    assert any("a host's name is 1 to 100 of" in fault for fault in faults(text))


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "web.example", "localhost", "a_b"])
def test_names_and_addresses_of_both_families_are_taken(address: str) -> None:
    assert one_host(GOOD.replace("web.example", f"'{address}'")).address == address


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
version: 2
hosts:
  a: {hots: x, user: u, auth: {method: key}}
  b: {host: h, auth: {method: agent}, port: 0}
  b: {host: h, user: u, auth: {method: agent}, shell: cli}
settings:
  deny_patterns: "x"
  idle_timeot: 5
extra: 1
"""
    told = [fault.split(":")[0] for fault in faults(text)]
    assert [int(each.split()[0]) for each in told] == sorted(int(each.split()[0]) for each in told)
    assert sorted(told) == [
        "1 version",
        "3 hosts.a.auth.key_path",
        "3 hosts.a.host",
        "3 hosts.a.hots",
        "5 hosts.b",
        "5 hosts.b.prompt_regex",
        "7 settings.deny_patterns",
        "8 settings.idle_timeot",
        "9 extra",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hosts: [", "1 (file): not YAML"),
        ("- a\n- b\n", "1 (file): must be a mapping"),
        ("hosts: web", "1 hosts: must be a mapping"),
        ("hosts: null", "1 hosts: must be a mapping of keys to values, it is empty"),
        ("hosts:\n  a: 5", "2 hosts.a: must be a mapping"),
        ("settings: null", "1 settings: must be a mapping of keys to values, it is empty"),
        ("a: &a [x]\nb: *c", "2 (file): not YAML"),
        ("? [a, b]\n: c", "1 (file): a key must be a plain word"),
    ],
)
def test_what_is_no_configuration_at_all_says_so(text: str, fault: str) -> None:
    assert faults(text)[0].startswith(fault)


def test_aliases_that_multiply_are_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 8):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    assert "aliases multiply" in faults(bomb)[0]


def test_the_host_stands_above_the_defaults_and_those_above_the_settings() -> None:
    text = """
hosts:
  own: {host: h, user: me, auth: {method: agent}, port: 1, limits: {max_seconds: 5}, host_key_checking: accept-new}
  common: {host: h}
defaults:
  user: all
  port: 2
  auth: {method: key, key_path: k}
  limits: {max_seconds: 9, max_concurrent: 3}
  host_key_checking: strict
"""
    own, common = read(text).inventory.hosts.values()
    assert (own.user, own.port, own.limits.max_seconds, own.limits.max_concurrent) == ("me", 1, 5, 3)
    assert own.host_key_checking is HostKeyChecking.ACCEPT_NEW
    assert (common.user, common.port, common.auth.key_path) == ("all", 2, "/etc/mcp/k")
    assert common.host_key_checking is HostKeyChecking.STRICT


def test_shared_credentials_are_taken_by_name() -> None:
    host = one_host(
        "host: h\ncredentials: ops",
        "credentials:\n  ops: {user: o, auth: {method: key, key_path: k, passphrase_env: P}}",
    )
    assert (host.user, host.auth.passphrase_env) == ("o", "P")


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("strict", HostKeyChecking.STRICT),
        ("true", HostKeyChecking.STRICT),
        ("accept-new", HostKeyChecking.ACCEPT_NEW),
        ("off", HostKeyChecking.OFF),
        ("false", HostKeyChecking.OFF),
        ("'off'", HostKeyChecking.OFF),
    ],
)
def test_host_key_checking_takes_its_words_and_yaml_booleans(word: str, meaning: HostKeyChecking) -> None:
    assert one_host(GOOD + f"\nhost_key_checking: {word}").host_key_checking is meaning


@pytest.mark.parametrize("rest", ["settings: {host_key_checking: off}", "defaults: {host_key_checking: off}"])
def test_a_password_never_goes_to_a_host_whose_key_nobody_checks(rest: str) -> None:
    login = "host: h\nuser: u\nauth: {method: password, password_env: P}"
    assert "off would send the password to whoever answers" in fault_of_host(login, rest)
    pinned = one_host(login + "\nhost_key: SHA256:" + "A" * 43, rest)
    assert pinned.host_key_checking is HostKeyChecking.OFF


def test_relative_key_paths_start_beside_the_file_or_in_keys_dir_and_stay_there() -> None:
    login = "host: h\nuser: u\nauth: {method: key, key_path: KEY}"
    assert one_host(login.replace("KEY", "id")).auth.key_path == "/etc/mcp/id"
    rest = "settings: {keys_dir: ~/keys}"
    assert one_host(login.replace("KEY", "prod/id"), rest).auth.key_path == "/home/ann/keys/prod/id"
    assert one_host(login.replace("KEY", "/abs/id"), rest).auth.key_path == "/abs/id"
    assert "leads out of keys_dir" in fault_of_host(login.replace("KEY", "../id"), rest)


def test_merge_keys_and_anchors_are_yaml_and_work() -> None:
    text = """
credentials:
  ops: &login {user: o, auth: {method: agent}}
hosts:
  web:
    <<: *login
    host: h
    user: mine
"""
    assert read(text).inventory.hosts["web"].user == "mine"


def test_a_missing_file_says_where_it_should_be_and_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    with pytest.raises(ConfigurationError, match=r"there is no such file; copy hosts\.example\.yaml there") as caught:
        load(Environment(config=path, home=tmp_path))
    assert str(path) in str(caught.value)


def test_a_folder_and_a_file_that_is_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(Environment(config=tmp_path, home=tmp_path))
    path = tmp_path / "hosts.yaml"
    path.write_bytes(b"hosts:\n  a: \xff\xfe\n")
    with pytest.raises(ConfigurationError, match=r"2: .*is not UTF-8"):
        load(Environment(config=path, home=tmp_path))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("hostsaue:{}[]-&*!|> \n'\"#,x1~"), max_size=80) | st.text(max_size=80))
def test_whatever_the_text_it_is_a_snapshot_or_a_configuration_error(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        read(text)


def test_the_keys_of_shells_and_outputs_reach_hosts_and_settings() -> None:
    snapshot = read(
        """
hosts:
  sw:
    host: 192.0.2.1
    user: a
    auth: {method: agent}
    shell: cli
    platform: frr
    multiline: true
  web:
    host: 192.0.2.2
    user: a
    auth: {method: agent}
    sudo_env: WEB_SUDO
    limits: {idle_seconds: 20}
settings:
  reply_within: 12
  outputs: {quota_bytes: 70000, ttl: 60}
"""
    )
    assert snapshot.inventory.hosts["sw"].multiline
    assert snapshot.inventory.hosts["web"].sudo_env == "WEB_SUDO"
    assert snapshot.inventory.hosts["web"].limits.idle_seconds == 20
    assert (snapshot.settings.reply_within_s, snapshot.settings.outputs_ttl_s) == (12, 60)
    assert snapshot.settings.outputs_quota_bytes == 70_000


def test_a_folder_of_profiles_that_is_not_right_is_a_fault_of_its_key(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "mine.yaml").write_text("{name: x1}")
    path = tmp_path / "hosts.yaml"
    path.write_text(f"hosts: {{}}\nsettings:\n  profiles_dir: {folder}\n")
    words = r"hosts\.yaml:3: settings\.profiles_dir: .*mine\.yaml: about: Field required"
    with pytest.raises(ConfigurationError, match=words):
        load(Environment(config=path, home=tmp_path), known)


@pytest.mark.parametrize("text", ["hosts: {}\n", "hosts: 1\n"])
@pytest.mark.parametrize("is_at_work", [True, False])
def test_the_garbage_collector_rests_while_a_file_is_read_and_is_then_as_it_was(
    tmp_path: Path, text: str, is_at_work: bool
) -> None:
    (tmp_path / "hosts.yaml").write_text(text)
    seen: list[bool] = []

    def platforms(_: str | None) -> tuple[str, ...]:
        seen.append(gc.isenabled())
        return ()

    before = gc.isenabled()
    (gc.enable if is_at_work else gc.disable)()
    try:
        with contextlib.suppress(ConfigurationError):
            load(Environment(config=tmp_path / "hosts.yaml", home=tmp_path), platforms)
        assert (seen, gc.isenabled()) == ([False], is_at_work)
    finally:
        (gc.enable if before else gc.disable)()
