"""Commands that stand for what they are: one that looks, one that changes, one that is dangerous.

None of them is ever sent. `ssh_describe_host` tells what would be said of each, and whoever asks a device for what only
POSIX hosts have is told the command that looks there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mcp_ssh.model.host import Host, Shell


@dataclass(frozen=True, slots=True)
class Examples:
    """The three of a kind of host."""

    look: str
    change: str
    danger: str

    def __iter__(self) -> Iterator[str]:
        """In the order of how far they reach."""
        return iter((self.look, self.change, self.danger))


_posix = Examples("uptime", "touch /tmp/probe", "reboot")
_device = Examples("show version", "configure terminal", "reload")
_vrp = Examples("display version", "system-view", "reboot")

_of_platform: Mapping[str, Examples] = {
    "busybox": _posix,
    "dlink": Examples("show switch", "enable snmp", "reboot"),
    "extreme_exos": Examples("show version", "configure snmp sysname probe", "reboot"),
    "keenetic": Examples("show version", "interface Bridge0", "system reboot"),
    "linux": _posix,
    "tplink_jetstream": Examples("show system-info", "configure", "reboot"),
    "bird": Examples("show status", "configure", "down"),
    "fortinet_fortios": Examples("get system status", "config system global", "execute reboot"),
    "hpe_comware": _vrp,
    "huawei_vrp": _vrp,
    "juniper_junos": Examples("show version", "configure", "request system reboot"),
    "mikrotik_routeros": Examples("/system resource print", "/ip dns set servers=192.0.2.1", "/system reboot"),
    "paloalto_panos": Examples("show system info", "configure", "request restart system"),
    "ubiquiti_edgeos": Examples("show version", "configure", "reboot"),
    "vyos": Examples("show version", "configure", "reboot"),
}
"""As the vendors' command references have them, where a device does not speak as Cisco's do."""


def examples_of(host: Host) -> Examples:
    """Those of the host's kind."""
    if host.shell is Shell.POSIX:
        return _posix
    return _of_platform.get(host.platform or "", _device)
