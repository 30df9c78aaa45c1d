"""`servers.yml`, `credentials.yml` and `policy.yml`: hosts by alias, logins by name, rules of which the last one wins.

The keys are those that the documentation and examples of mcp-ssh-orchestrator have (2025).
"""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcp_ssh.imports.report import Report, host_name, variable

_secret_hint = "their secrets are variables here: the name in upper case, or MCP_SSH_SECRET_<NAME>"  # noqa: S105


def take(servers: Mapping[str, Any], credentials: Mapping[str, Any], policy: Mapping[str, Any], report: Report) -> None:
    """Take the three files."""
    for entry in _rows(credentials.get("entries")):
        _credential(entry, report)
    for host in _rows(servers.get("hosts")):
        _host(host, report)
    if policy:
        _policy(policy, report)


def _rows(value: Any) -> Iterable[Mapping[str, Any]]:
    return [row for row in value or [] if isinstance(row, Mapping)]


def _credential(entry: Mapping[str, Any], report: Report) -> None:
    name = str(entry.get("name", ""))
    auth: dict[str, Any]
    if entry.get("key_path"):
        auth = {"method": "key", "key_path": entry["key_path"]}
        if entry.get("key_passphrase_secret"):
            auth["passphrase_env"] = variable(str(entry["key_passphrase_secret"]))
    elif entry.get("password_secret"):
        auth = {"method": "password", "password_env": variable(str(entry["password_secret"]))}
    else:
        auth = {"method": "agent"}
        report.changed.append(f"credentials {name!r} have neither key nor password: the ssh-agent is used")
    report.credentials[name] = {"user": entry.get("username", "root"), "auth": auth}
    if {"passphrase_env", "password_env"} & set(auth) and not any(_secret_hint in note for note in report.changed):
        report.changed.append(_secret_hint)
    known = {"name", "username", "key_path", "key_passphrase_secret", "password_secret"}
    report.leave(f"credentials {name}", entry, known)


def _host(entry: Mapping[str, Any], report: Report) -> None:
    alias = str(entry.get("alias") or entry.get("name") or entry.get("host"))
    report.host(
        alias,
        {
            "host": entry.get("host"),
            "port": entry.get("port") if entry.get("port") != 22 else None,  # noqa: PLR2004  the usual port
            "credentials": entry.get("credentials"),
            "tags": entry.get("tags"),
            "description": entry.get("description"),
        },
    )
    report.leave(f"host {alias}", entry, {"alias", "name", "host", "port", "credentials", "tags", "description"})


def _policy(policy: Mapping[str, Any], report: Report) -> None:
    limits, network = policy.get("limits") or {}, policy.get("network") or {}
    made: dict[str, Any] = {"default": "deny", "evaluation": "last_match"}
    if limits.get("deny_substrings"):
        made["deny_substrings"] = list(limits["deny_substrings"])
        report.changed.append("deny_substrings are looked for in the text as it is, no longer in a normalized one")
    made["rules"] = [_rule(rule, number) for number, rule in enumerate(_rows(policy.get("rules")), 1)]
    lists = {key: list(network[key]) for key in ("allow_cidrs", "block_ips") if network.get(key)}
    if lists:
        made["network"] = lists
    overrides = policy.get("overrides") or {}
    tags = {tag: _limits(given) for tag, given in (overrides.get("tags") or {}).items()}
    if any(tags.values()):
        made["overrides"] = {"tags": {tag: given for tag, given in tags.items() if given}}
    for alias, given in (overrides.get("aliases") or {}).items():
        name = host_name(str(alias))
        if name in report.hosts and _limits(given):
            report.hosts[name]["limits"] = _limits(given)
        elif _limits(given):
            report.left.append(f"limits of {alias!r}: no such host")
    if limits.get("max_seconds"):
        report.settings["command_timeout"] = limits["max_seconds"]
    if limits.get("max_output_bytes"):
        report.settings["max_output_bytes"] = max(int(limits["max_output_bytes"]), 1_024)
    if network.get("require_known_host") or limits.get("require_known_host"):
        report.settings["host_key_checking"] = "strict"
    report.policy = made
    report.leave(
        "policy.limits",
        limits,
        {"deny_substrings", "max_seconds", "max_output_bytes", "require_known_host", "host_key_auto_add"},
    )
    report.leave("policy.network", network, {"allow_cidrs", "block_ips", "require_known_host"})
    report.leave("policy", policy, {"limits", "network", "rules", "overrides", "known_hosts_path"})
    report.changed.append(
        "rules are about each simple command of a line: `;`, pipes and redirections are no longer one text"
    )


def _rule(rule: Mapping[str, Any], number: int) -> dict[str, Any]:
    made = {
        "name": f"imported-{number}",
        "action": rule.get("action", "deny"),
        "hosts": [str(alias) for alias in rule.get("aliases") or []] or None,
        "tags": list(rule.get("tags") or []) or None,
        "commands": [str(command) for command in rule.get("commands") or []] or None,
    }
    return {key: value for key, value in made.items() if value is not None}


def _limits(given: Any) -> dict[str, Any]:
    return {
        key: given[key] for key in ("max_seconds", "max_output_bytes") if isinstance(given, Mapping) and given.get(key)
    }


def decision(policy: Mapping[str, Any], alias: str, tags: Sequence[str], command: str) -> bool:
    """What the old policy said of a command: globs on the whole text, the last rule that takes it, else no."""
    if any(text and text in command for text in (policy.get("limits") or {}).get("deny_substrings") or []):
        return False
    allowed = False
    for rule in _rows(policy.get("rules")):
        aliases, wanted, globs = rule.get("aliases") or [], rule.get("tags") or [], rule.get("commands") or []
        about = (not aliases or any(fnmatch.fnmatchcase(alias, str(each)) for each in aliases)) and (
            not wanted or bool(set(wanted) & set(tags))
        )
        if about and any(fnmatch.fnmatchcase(command, str(each)) for each in globs):
            allowed = rule.get("action") == "allow"
    return allowed
