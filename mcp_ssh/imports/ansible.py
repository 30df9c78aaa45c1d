"""An Ansible inventory, INI or YAML: hosts with their `ansible_*` variables; groups become tags.

Names of variables are those of Ansible's documentation of inventories (2.16). Nothing is run, and no vault is opened.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from mcp_ssh.imports.jumps import of_arguments
from mcp_ssh.imports.report import Report, host_name, variable
from mcp_ssh.safety.network.grammar import platform_of

_variables = frozenset(
    """
    ansible_host ansible_port ansible_user ansible_ssh_private_key_file ansible_private_key_file ansible_password
    ansible_ssh_pass ansible_network_os ansible_connection ansible_become_password ansible_become_pass ansible_ssh_user
    ansible_ssh_host ansible_ssh_port ansible_python_interpreter ansible_ssh_common_args ansible_ssh_extra_args
    """.split()
)
_range = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
most_hosts = 10_000


def take_ini(text: str, report: Report) -> None:
    """The INI form: `[group]`, `[group:vars]`, `[group:children]`."""
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    common: dict[str, dict[str, Any]] = {}
    children: dict[str, list[str]] = {}
    section, kind = "ungrouped", ""
    for raw in text.splitlines():
        line = raw.split(" #")[0].strip()
        if not line or line[0] in "#;":
            continue
        if re.fullmatch(r"\[[^\]:]+(:(vars|children|hosts))?\]", line):
            section, _, kind = line[1:-1].partition(":")
            continue
        if kind == "vars":
            key, _, value = line.partition("=")
            common.setdefault(section, {})[key.strip()] = _unquoted(value.strip())
        elif kind == "children":
            children.setdefault(section, []).append(line)
        else:
            name, *rest = shlex.split(line)
            given = dict(each.partition("=")[::2] for each in rest if "=" in each)
            for each in _names(name):
                hosts.setdefault(each, {}).update(given)
                groups.setdefault(section, []).append(each)
    _finish(hosts, groups, common, children, report)


def take_yaml(data: Mapping[str, Any], report: Report) -> None:
    """The YAML form: groups with `hosts`, `vars` and `children`."""
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    common: dict[str, dict[str, Any]] = {}
    children: dict[str, list[str]] = {}

    def visit(name: str, group: Any, depth: int) -> None:
        if not isinstance(group, Mapping) or depth > 20:  # noqa: PLR2004  deeper than any inventory
            return
        for host, given in (group.get("hosts") or {}).items():
            for each in _names(str(host)):
                hosts.setdefault(each, {}).update(given or {})
                groups.setdefault(name, []).append(each)
        common.setdefault(name, {}).update(group.get("vars") or {})
        for child, inner in (group.get("children") or {}).items():
            children.setdefault(name, []).append(str(child))
            visit(str(child), inner, depth + 1)

    for name, group in data.items():
        visit(str(name), group, 0)
    _finish(hosts, groups, common, children, report)


def _unquoted(value: str) -> str:
    """Without the quotes around all of it; those inside belong to it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _names(pattern: str) -> list[str]:
    """`web[01:03]` as three names."""
    found = _range.search(pattern)
    if not found:
        return [pattern]
    first, last = found[1], found[2]
    if first.isdigit() and last.isdigit():
        values = [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1, int(found[3] or 1))]
    else:
        values = [chr(code) for code in range(ord(first[0]), ord(last[0]) + 1)]
    return [
        name
        for value in values[:most_hosts]
        for name in _names(pattern[: found.start()] + value + pattern[found.end() :])
    ]


def _finish(
    hosts: dict[str, dict[str, Any]],
    groups: dict[str, list[str]],
    common: dict[str, dict[str, Any]],
    children: dict[str, list[str]],
    report: Report,
) -> None:
    members = {name: {*own} for name, own in groups.items()}
    for _ in range(20):  # children of children
        for parent, inner in children.items():
            for child in inner:
                members.setdefault(parent, set()).update(members.get(child, set()))
    for name, own in hosts.items():
        mine = sorted(group for group, names in members.items() if name in names and group not in {"all", "ungrouped"})
        facts: dict[str, Any] = dict(common.get("all", {}))
        for group in mine:
            facts |= common.get(group, {})
        _host(name, facts | own, mine, report)


def _host(name: str, facts: dict[str, Any], groups: list[str], report: Report) -> None:
    if facts.get("ansible_connection") in {"local", "winrm", "docker"}:
        report.left.append(f"{name}: its connection is {facts['ansible_connection']}")
        return
    key = facts.get("ansible_ssh_private_key_file") or facts.get("ansible_private_key_file")
    has_password = facts.get("ansible_password") or facts.get("ansible_ssh_pass")
    auth: dict[str, Any] = {"method": "key", "key_path": key} if key else {"method": "agent"}
    if has_password and not key:
        auth = {"method": "password", "password_env": variable(name, "password")}
        report.changed.append(f"{name}: its password was not taken; set it as {auth['password_env']}")
    network = str(facts.get("ansible_network_os") or "").rsplit(".", 1)[-1]
    port = facts.get("ansible_port") or facts.get("ansible_ssh_port")
    user = facts.get("ansible_user") or facts.get("ansible_ssh_user")
    if user is None:
        report.changed.append(f"{name}: it names no user; root is written, change it")
    report.host(
        name,
        {
            "host": facts.get("ansible_host") or facts.get("ansible_ssh_host") or name,
            "port": int(port) if port and str(port) != "22" else None,
            "user": user or "root",
            "auth": auth,
            "shell": "cli" if network else None,
            "platform": platform_of(network) if network else None,
            "tags": groups,
        },
    )
    for variable_name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        way, others = of_arguments(str(facts.get(variable_name) or ""))
        if way:
            report.ways.setdefault(host_name(name), way)
        report.left += [f"{name}: {variable_name} {each}" for each in others]
    report.leave(name, {key: value for key, value in facts.items() if key.startswith("ansible_")}, _variables)
