"""How a configuration is changed with care, by platform: what to look at, what guards it, what keeps and undoes it.

Facts: the command references of Cisco IOS, IOS XR and NX-OS, Arista EOS, Junos, VyOS and EdgeOS, AOS-CX, Comware, VRP,
RouterOS and FortiOS.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_ssh.model.host import Host, Shell
from mcp_ssh.safety.network.grammar import platform_of


@dataclass(frozen=True, slots=True)
class Workflow:
    """The steps that differ between platforms. Commands stand in backticks."""

    look: str
    change: str
    guard: str
    keep: str
    undo: str


_shell = "in one shell of ssh_shell, one line a call, the configuration mode left open between them"
_ios = Workflow(
    look="`show running-config` and the `show` commands of what changes",
    change=f"`configure terminal` {_shell}, `end` at last",
    guard=(
        "`reload in 10` brings the saved configuration back if you cut yourself off. It is judged dangerous, "
        "so a person must agree; without it change nothing that your own connection needs"
    ),
    keep="`reload cancel`, then `write memory`",
    undo="send the undoing lines, then `reload cancel`; nothing is saved",
)
_eos = Workflow(
    look="`show running-config` and the `show` commands of what changes",
    change=f"`configure session change` {_shell}, and look at `show session-config diffs` before it is committed",
    guard="it is committed by `commit timer 00:05:00`: after five minutes it is taken back by itself",
    keep="`configure session change commit`, then `write memory`",
    undo="`abort` in the session before the commit, and after it let the timer run out",
)
_nxos = Workflow(
    look="`show running-config` and the `show` commands of what changes",
    change=f"`configure terminal` {_shell}, `end` at last",
    guard="`checkpoint before` keeps what is there now",
    keep="`copy running-config startup-config`",
    undo="`rollback running-config checkpoint before`; it is judged dangerous, so a person must agree",
)
_xr = Workflow(
    look="`show running-config` and the `show` commands of what changes",
    change=f"`configure terminal` {_shell}, and look at `show configuration` there before it is committed",
    guard="it is committed by `commit confirmed minutes 5`: without a second `commit` it is taken back by itself",
    keep="`commit` within that time",
    undo="`abort` before the commit, and after it let the time run out",
)
_junos = Workflow(
    look="`show configuration` and the `show` commands of what changes",
    change=f"`configure` {_shell}, and look at `show | compare` and `commit check` before it is committed",
    guard="it is committed by `commit confirmed 5`: without a second `commit` it is taken back after five minutes",
    keep="`commit` within that time, then `exit`",
    undo=(
        "`rollback 0` before the commit, which is judged dangerous, so a person must agree; "
        "after the commit let the time run out"
    ),
)
_vyos = Workflow(
    look="`show configuration commands` and the `show` commands of what changes",
    change=f"`configure` {_shell}, and look at `compare` before it is committed",
    guard=(
        "it is committed by `commit-confirm 5`: without `confirm` the saved configuration comes back, "
        "on most versions by a reboot"
    ),
    keep="`confirm` within that time, then `save`",
    undo="`discard` before the commit, and after it send the undoing lines and `commit`, or let the time run out",
)
_aruba = Workflow(
    look="`show running-config` and the `show` commands of what changes",
    change=f"`configure terminal` {_shell}, `end` at last",
    guard="`checkpoint auto 5` first: without `checkpoint auto confirm` it is taken back after five minutes",
    keep="`checkpoint auto confirm`, then `write memory`",
    undo="let the time run out",
)
_display = Workflow(
    look="`display current-configuration` and the `display` commands of what changes",
    change=f"`system-view` {_shell}, `return` at last",
    guard="there is no timer: change nothing that your own connection needs, unless somebody is at the console",
    keep="`save`",
    undo="send the undoing lines; nothing is saved",
)
_routeros = Workflow(
    look="`/export` and the `print` commands of what changes",
    change="the lines one a call",
    guard="each line counts and is kept at once, without a timer: have the undoing line ready before each",
    keep="nothing: it is kept already",
    undo="send the undoing lines",
)
_fortios = Workflow(
    look="`show` and the `get` commands of what changes",
    change=f"`config …` {_shell}",
    guard="`end` makes it count and keeps it at once, without a timer: have the undoing lines ready before it",
    keep="nothing: it is kept already",
    undo="`abort` before the `end`, and after it send the undoing lines",
)
_device = Workflow(
    look="its commands that show the configuration, and the state of what changes",
    change=f"the configuration mode {_shell}",
    guard=(
        "what takes it back by itself, where the platform has it (a commit that must be confirmed, a reload in some "
        "minutes); else change nothing that your own connection needs"
    ),
    keep="save it as the platform does",
    undo="send the undoing lines; nothing is saved",
)
_posix = Workflow(
    look="the file with its owner and mode, and the state of the service that reads it",
    change="the file whole, with what it must hold before (ssh_write_file with its checksum, where it is offered)",
    guard="a copy beside it (`cp -a FILE FILE.before`), and the program's own check before it counts, as `nginx -t`",
    keep="reload the service rather than restarting it, and remove the copy when I say so",
    undo="put the copy back, check it, and reload again",
)

_by_platform: Mapping[str, Workflow] = {
    "cisco_ios": _ios,
    "cisco_nxos": _nxos,
    "cisco_xr": _xr,
    "arista_eos": _eos,
    "aruba_cx": _aruba,
    "juniper_junos": _junos,
    "vyos": _vyos,
    "ubiquiti_edgeos": _vyos,
    "hpe_comware": _display,
    "huawei_vrp": _display,
    "mikrotik_routeros": _routeros,
    "fortinet_fortios": _fortios,
}
platforms = tuple(_by_platform)


def workflow_of(host: Host) -> Workflow:
    """The steps for a host; general ones where its platform is not known or has none of its own."""
    if host.shell is Shell.POSIX:
        return _posix
    name = host.platform or ""
    return _by_platform.get(name) or _by_platform.get(platform_of(name), _device)
