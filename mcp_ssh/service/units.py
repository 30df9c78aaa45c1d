"""How each init system is asked about one service, and what it says. Pure.

Nothing is read that is meant for people where there is another way: properties of systemd, procd's JSON, exit codes of
init scripts (LSB 5.0, 20.2; those of OpenRC's own are told by its openrc-run scripts).
"""

import json
import re
from dataclasses import dataclass

from mcp_ssh.service.names import quoted
from mcp_ssh.service.survey import Init

most_chars = 200
_suffixes = (
    *(".service", ".socket", ".target", ".timer", ".mount", ".automount", ".path", ".slice", ".scope", ".swap"),
    ".device",
)
_properties = "Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,ActiveEnterTimestamp,Result,Description"


@dataclass(frozen=True, slots=True)
class Unit:
    """One service. `exists` and `is_active` are None where nobody can tell.

    `state` is the init system's own word, `enabled` its word for whether it starts by itself, `since` when it became
    active, as the host writes times.
    """

    exists: bool | None
    is_active: bool | None = None
    state: str = ""
    enabled: str = ""
    pid: int | None = None
    since: str = ""
    description: str = ""


def question(init: Init, name: str) -> str:
    """The command that asks. What it says last, its exit code included, is about the state."""
    script = name.removesuffix(".service")
    match init:
        case Init.SYSTEMD:
            unit = name if name.endswith(_suffixes) else f"{name}.service"
            return f"systemctl show --no-pager --property={_properties} -- {quoted(unit)}"
        case Init.OPENRC:
            found = f"find /etc/init.d /etc/runlevels -name {quoted(script)} 2>/dev/null"
            return f"{found}; rc-service {quoted(script)} status"
        case Init.PROCD:
            listed = f"ls -d /etc/init.d/{quoted(script)} /etc/rc.d/S??{quoted(script)} 2>/dev/null"
            return f"{listed}; ubus call service list {quoted(json.dumps({'name': script}, separators=(',', ':')))}"
        case Init.SCRIPTS:
            listed = f"ls -d /etc/init.d/{quoted(script)} /etc/rc[2-5].d/S??{quoted(script)} 2>/dev/null"
            return f"{listed}; /etc/init.d/{quoted(script)} status"


def unit_of(init: Init, name: str, stdout: str, stderr: str, exit_code: int | None) -> Unit:
    """What the answer says."""
    script = name.removesuffix(".service")
    match init:
        case Init.SYSTEMD:
            return _systemd(stdout)
        case Init.OPENRC:
            return _openrc(script, stdout, stderr, exit_code)
        case Init.PROCD:
            return _procd(script, stdout, exit_code)
        case Init.SCRIPTS:
            return _scripts(script, stdout, stderr, exit_code)


def _systemd(text: str) -> Unit:
    told = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
    loaded, active, sub = (told.get(key, "").strip() for key in ("LoadState", "ActiveState", "SubState"))
    if not loaded:
        return Unit(exists=None)
    if loaded == "not-found":
        return Unit(exists=False)
    result = told.get("Result", "")
    failure = f", {result}" if active == "failed" and result not in {"", "success"} else ""
    return Unit(
        exists=True,
        is_active=active in {"active", "reloading", "refreshing"},
        state=_short(f"{active} ({sub}{failure})" if sub else active),
        enabled=_short("masked" if loaded == "masked" else told.get("UnitFileState", "").strip()),
        pid=_pid(told.get("MainPID", "")),
        since=_short(told.get("ActiveEnterTimestamp", "").strip()),
        description=_short(told.get("Description", "").strip()),
    )


_openrc_codes = {
    0: "started",
    3: "stopped",
    4: "stopping",
    8: "starting",
    16: "inactive",
    32: "crashed",
    64: "unsupervised",
}


def _openrc(name: str, stdout: str, stderr: str, code: int | None) -> Unit:
    lines = stdout.split("\n")
    if f"/etc/init.d/{name}" not in lines:
        return Unit(exists=False)
    levels = [level for line in lines if (level := _level(line, name))]
    told = re.search(r"status: (\w{1,30})", f"{stdout}\n{stderr}")
    state = told[1] if told is not None else _openrc_codes.get(-1 if code is None else code, "")
    return Unit(
        exists=True,
        is_active={"started": True, "": None}.get(state, False),
        state=state,
        enabled=_short(f"enabled ({', '.join(levels)})" if levels else "disabled"),
    )


def _level(line: str, name: str) -> str:
    found = re.fullmatch(r"/etc/runlevels/([^/]{1,50})/([^/]{1,200})", line)
    return found[1] if found is not None and found[2] == name else ""


def _procd(name: str, stdout: str, code: int | None) -> Unit:
    """A script that registers no instance with procd, such as one that only sets something up, has no process."""
    if f"/etc/init.d/{name}" not in stdout.split("\n"):
        return Unit(exists=False)
    enabled = "enabled" if _started_by(name, stdout, "/etc/rc.d/") else "disabled"
    if code != 0:
        return Unit(exists=True, enabled=enabled)
    instances = _instances(name, stdout)
    if instances is None:
        return Unit(exists=True, is_active=False, state="not running under procd", enabled=enabled)
    running = [each for each in instances if each.get("running") is True]
    if not instances:
        return Unit(exists=True, state="active with no instances", enabled=enabled)
    pids = [pid for each in running if isinstance(pid := each.get("pid"), int)]
    return Unit(
        exists=True,
        is_active=bool(running),
        state="running" if running else "stopped",
        enabled=enabled,
        pid=pids[0] if pids else None,
    )


def _instances(name: str, text: str) -> list[dict[str, object]] | None:
    """The instances that procd has of a service; None if it has no such service, or said something else."""
    try:
        told = json.loads(text[text.index("{") :])
        found = told[name].get("instances", {})
        return [each for each in found.values() if isinstance(each, dict)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


_lsb_codes = {0: "running", 1: "dead, with its pid file left", 2: "dead, with its lock left", 3: "not running"}


def _scripts(name: str, stdout: str, stderr: str, code: int | None) -> Unit:
    """A script that does not know `status` tells its usage, and its exit code means nothing then."""
    if f"/etc/init.d/{name}" not in stdout.split("\n"):
        return Unit(exists=False)
    said = f"{stdout}\n{stderr}"
    knows = re.search(r"\busage\b", said, re.IGNORECASE) is None
    state = _lsb_codes.get(code, "") if knows and code is not None else ""
    pid = re.search(r"\bpid:?\s{1,10}(\d{1,10})\b", said)
    return Unit(
        exists=True,
        is_active=code == 0 if state else None,
        state=state,
        enabled="enabled" if _started_by(name, stdout, "/etc/rc") else "disabled",
        pid=_pid(pid[1]) if pid is not None and state and code == 0 else None,
    )


def _started_by(name: str, text: str, folder: str) -> bool:
    """Whether one of the listed links starts the script."""
    return any(
        line.startswith(folder) and re.fullmatch(r"S[0-9]{2}", line.rsplit("/", 1)[-1].removesuffix(name)) is not None
        for line in text.split("\n")
    )


def _pid(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9]\d{0,9}", text.strip()) else None


def _short(text: str) -> str:
    return text if len(text) <= most_chars else f"{text[:most_chars]}…"
