"""`mcp-ssh import`: a hosts.yaml from what other programs keep, with a report, and a comparison of what both allow."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mcp_ssh.config.environment import Environment, variables
from mcp_ssh.config.load import parse
from mcp_ssh.config.snapshot import Snapshot
from mcp_ssh.imports import ansible, lists, orchestrator
from mcp_ssh.imports.jumps import tie
from mcp_ssh.imports.report import Report, host_name
from mcp_ssh.model.command import Operation, Request, Wish
from mcp_ssh.model.decision import Effect
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.principal import Principal, Via
from mcp_ssh.policy.decide import decide
from mcp_ssh.safety.classify import Guard
from mcp_ssh_drivers.registry import known

_orchestrator = ("servers.yml", "credentials.yml", "policy.yml")
_known_names = (*_orchestrator, "servers.json", "tokens.json", "connections.json", ".env")
max_bytes = 10_485_760


def import_(sources: Sequence[Path], output: Path | None, cases: Path | None) -> int:
    """Print or write the hosts.yaml, and the report on stderr; 1 if decisions differ, or if it has faults."""
    report, files = Report(), dict(_files(sources))
    if not files:
        raise ConfigurationError(
            [Fault(str(sources[0]), 0, "(file)", f"nothing to import: {', '.join(_known_names)}, or an inventory")]
        )
    _take(files, report)
    tie(report)
    text = _yaml(report.document())
    snapshot, faults = _checked(text, output)
    _write(text, output)
    rules = len(report.policy.get("rules", []))
    counts = (
        f"{len(report.hosts)} hosts, {len(report.credentials)} credentials, {rules} rules, {len(report.tokens)} tokens"
    )
    lines = [f"taken: {counts}"]
    lines += [f"changed: {note}" for note in report.changed] + [f"left: {note}" for note in report.left]
    lines += [f"to mend: {fault.key}: {fault.message}" for fault in faults]
    differences = _compared(cases, files, snapshot) if cases is not None and snapshot is not None else []
    lines += differences
    print("\n".join(lines), file=sys.stderr)  # noqa: T201
    return 1 if faults or any(line.startswith("differs") for line in differences) else 0


def _files(sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    for source in sources:
        if source.is_dir():
            yield from ((name, source / name) for name in _known_names if (source / name).is_file())
        elif source.is_file():
            yield (source.name if source.name in _known_names else f"inventory {source}"), source
        else:
            raise ConfigurationError([Fault(str(source), 0, "(file)", "there is no such file")])


def _take(files: Mapping[str, Path], report: Report) -> None:
    if any(name in files for name in _orchestrator):
        servers, credentials, policy = (
            _mapping(_read_yaml(files[name])) if name in files else {} for name in _orchestrator
        )
        orchestrator.take(servers, credentials, policy, report)
    for name in ("servers.json", "connections.json"):
        if name in files:
            lists.connections(_read_json(files[name]), report)
    if "tokens.json" in files:
        lists.tokens(_read_json(files["tokens.json"]), report)
    for name, path in files.items():
        if name.startswith("inventory "):
            _inventory(path, report)
    if ".env" in files:
        _environment(files[".env"], report)


def _inventory(path: Path, report: Report) -> None:
    if path.suffix == ".json":
        lists.connections(_read_json(path), report)
        return
    text = _text(path)
    first = next((line.strip() for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;"), "")
    if path.suffix in {".yml", ".yaml"} or first.endswith(":") or first == "---":
        ansible.take_yaml(_mapping(_read_yaml(path)), report)
    else:
        ansible.take_ini(text, report)


def _environment(path: Path, report: Report) -> None:
    """Variables that mean the same here stay variables; the others are told."""
    own = {each.name for each in variables}
    for line in _text(path).splitlines():
        name, found, _ = line.removeprefix("export ").partition("=")
        name = name.strip()
        if not found or name.startswith("#"):
            continue
        (report.changed if name in own else report.left).append(
            f".env: {name} means the same here; keep it in the environment" if name in own else f".env: {name}"
        )


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Fault(str(path), 0, "(file)", f"cannot be read: {error.strerror}")]) from None
    if len(raw) > max_bytes:
        raise ConfigurationError([Fault(str(path), 0, "(file)", f"has more than {max_bytes} bytes")])
    return raw.decode("utf-8-sig", "replace")


def _read_yaml(path: Path) -> Any:
    return _read(path, lambda text: YAML(typ="safe", pure=True).load(text))


def _read_json(path: Path) -> Any:
    return _read(path, json.loads)


def _read(path: Path, how: Callable[[str], Any]) -> Any:
    try:
        return how(_text(path))
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a parser says of somebody's file
        raise ConfigurationError(
            [Fault(str(path), 0, "(file)", f"cannot be read: {str(error).splitlines()[0]}")]
        ) from None


def _mapping(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _yaml(document: Mapping[str, Any]) -> str:
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(dict(document), out)
    return out.getvalue()


def _checked(text: str, output: Path | None) -> tuple[Snapshot | None, Sequence[Fault]]:
    path = (output or Path("hosts.yaml")).absolute()
    try:
        return parse(text, path, Environment(path, Path.home()), known), ()
    except ConfigurationError as error:
        return None, error.faults


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")  # noqa: T201
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError([Fault(str(output), 0, "(file)", f"is not written over: {error.strerror}")]) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _compared(cases: Path, files: Mapping[str, Path], snapshot: Snapshot) -> list[str]:
    """What both policies say of lines of `{"host", "command"}`; danger is left out, which only ours knows."""
    old = _mapping(_read_yaml(files["policy.yml"])) if "policy.yml" in files else {}
    tags = _old_tags(files)
    rows = [json.loads(line) for line in _text(cases).splitlines() if line.strip()]
    differing = []
    for row in rows:
        name, command = str(row["host"]), str(row["command"])
        before = orchestrator.decision(old, name, tags.get(name, ()), command)
        now = _allowed(snapshot, host_name(name), command)
        if before is not now:
            says = ["denied", "allowed"]
            differing.append(f"differs: {name}: {command!a} was {says[before]}, is {says[now]}")
    return [*differing, f"compared: {len(rows)} cases, {len(rows) - len(differing)} alike"]


def _old_tags(files: Mapping[str, Path]) -> dict[str, tuple[str, ...]]:
    servers = _mapping(_read_yaml(files["servers.yml"])) if "servers.yml" in files else {}
    rows = [row for row in servers.get("hosts") or [] if isinstance(row, Mapping)]
    return {str(row.get("alias") or row.get("name")): tuple(row.get("tags") or ()) for row in rows}


def _allowed(snapshot: Snapshot, name: str, command: str) -> bool:
    host = snapshot.inventory.hosts.get(name)
    if host is None:
        return False
    guard = Guard.build(builtin=False, patterns=[], shell=host.shell, platform=host.platform or "")
    request = Request("import", Principal("stdio:you", Via.STDIO), Operation.PLAN, name, Wish(command), confirmed=True)
    return decide(request, host, guard.classify(command, host=name), snapshot.policy).effect is Effect.ALLOW
