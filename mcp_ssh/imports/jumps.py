"""Jump hosts as other programs write them, `[user@]host[:port]` with commas between, and as arguments of ssh(1).

hosts.yaml names hosts instead: one that is known by its name or its address, or else a new one that is made of what was
written, which is told.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_ssh.imports.report import Report, host_name

_spec = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?/?"
)
_option = re.compile(r"\s*(\w+)\s*[=\s]\s*(.*?)\s*", re.DOTALL)
ssh_port = 22


@dataclass(frozen=True, slots=True)
class _Hop:
    """One jump host as it was written; what it does not say is None."""

    host: str
    user: str | None
    port: int | None


def tie(report: Report) -> None:
    """Turn what was written about ways, `report.ways`, into `jump` of the hosts."""
    for name, text in report.ways.items():
        entry = report.hosts.get(name)
        hops = [_read(part) for part in text.split(",")]
        if entry is None or text.strip().lower() == "none":
            continue
        names = [None if hop is None else _named(hop, name, entry, report) for hop in hops]
        if any(each is None for each in names):
            report.left.append(f"{name}: its way, {text!r}; it would be dialled directly, so it is disabled")
            entry["enabled"] = False
        else:
            entry["jump"] = names


def _read(text: str) -> _Hop | None:
    found = _spec.fullmatch(text.strip())
    if found is None:
        return None
    return _Hop(found["six"] or found["host"], found["user"], int(found["port"]) if found["port"] else None)


def _named(hop: _Hop, behind: str, entry: dict[str, Any], report: Report) -> str | None:
    """The name of the host that is meant; a new one where none is. None where its name is another one's."""
    for name, each in report.hosts.items():
        if name != behind and _is_meant(hop, name, each):
            return name
    name = host_name(hop.host)
    if name in report.hosts:
        return None
    user = hop.user or entry.get("user") or "root"
    made = {"host": hop.host, "port": hop.port if hop.port != ssh_port else None}
    report.host(name, made | {"user": user, "auth": {"method": "agent"}})
    report.changed.append(f"{name} was made for the way to {behind}: it logs in as {user} by the agent; check that")
    return name


def _is_meant(hop: _Hop, name: str, entry: dict[str, Any]) -> bool:
    if hop.host not in {name, entry.get("host")} and host_name(hop.host) != name:
        return False
    return hop.port in {None, entry.get("port", ssh_port)} and hop.user in {None, entry.get("user", hop.user)}


def of_arguments(text: str) -> tuple[str, list[str]]:
    """The jump hosts that arguments of ssh name, and what else they say."""
    try:
        words = shlex.split(text)
    except ValueError:
        return (f"arguments {text}" if "-J" in text or "proxy" in text.lower() else ""), [text]
    way, others = "", list[str]()
    while words:
        word = words.pop(0)
        flag, value = word[:2], word[2:]
        if flag not in {"-J", "-o"}:
            others.append(word)
            continue
        value = value or (words.pop(0) if words else "")
        found = value if flag == "-J" else _of_option(value)
        way = way or found
        others += [] if found else [f"{flag} {value}"]
    return way, others


def _of_option(text: str) -> str:
    found = _option.fullmatch(text)
    key, value = (found[1].lower(), found[2]) if found else ("", "")
    if key == "proxycommand":
        return _of_command(value) or f"ProxyCommand {value}"  # which nobody will read as a host
    return value if key == "proxyjump" else ""


def _of_command(text: str) -> str:
    """The jump host of a ProxyCommand that is `ssh -W %h:%p` and says nothing else that would be lost."""
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    program, rest, given = (words or [""])[0], words[1:], dict[str, str]()
    while rest:
        word = rest.pop(0)
        if word in {"-W", "-p", "-l"} and rest:
            given[word] = rest.pop(0)
        elif not word.startswith("-") and "host" not in given:
            given["host"] = word
        elif word != "-q":
            return ""
    if program != "ssh" or given.get("-W") != "%h:%p" or "host" not in given:
        return ""
    return _joined(given["host"], given.get("-l"), given.get("-p"))


def _joined(host: str, user: object, port: object) -> str:
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return (f"{user}@" if user else "") + name + (f":{port}" if port else "")


def of_fields(value: object, users: Sequence[str], addresses: Sequence[str]) -> str:
    """The jump hosts of a connection: a text, an object with the fields of a connection, or several of them."""
    if isinstance(value, list):
        return ",".join(of_fields(each, users, addresses) for each in value)
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    host = next((value[name] for name in (*addresses, "name", "alias", "id") if value.get(name)), "")
    return _joined(str(host), next((value[name] for name in users if value.get(name)), None), value.get("port"))
