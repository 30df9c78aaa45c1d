"""Services by which the host is reached, or that keep its records."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import service
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


lifelines = re.compile(
    r"(ssh|sshd|ssh\.socket|sshd\.socket|dropbear|networking|network|NetworkManager|systemd-networkd|wpa_supplicant|dhcpcd|dhclient"
    r"|systemd-resolved|netplan|connman|ifupdown|openvpn(@.*)?|wg-quick@.*|tailscaled|zerotier-one|cloudflared|getty@.*|serial-getty@.*"
    r"|dbus|systemd-logind|polkit|systemd-udevd|systemd-journald|rsyslog|auditd|syslog|syslog-ng|sssd|frr|bird|keepalived|hostapd|telnetd|openvswitch(-switch)?|network-online\.target|network\.target"
    r"|iscsid|multipathd|lvm2-.*|multi-user\.target|sysinit\.target|basic\.target|local-fs\.target|kubelet)(\.service|\.socket)?"
)


log_services = re.compile(r"(systemd-journald|rsyslog|auditd|syslog|syslog-ng)(\.service|\.socket)?")


@family.on(
    "service",
    "rc-service",
    "invoke-rc.d",
    "sv",
    "initctl",
    "stop",
    "rcctl",
    "s6-rc",
    "chkconfig",
    "update-rc.d",
    "rc-update",
    "launchctl",
)
def _services(call: Call) -> Iterator[Hit]:
    texts = call.verbs()
    stops = {
        "stop",
        "down",
        "exit",
        "force-stop",
        "disable",
        "off",
        "remove",
        "del",
        "delete",
        "unload",
        "bootout",
        "kill",
        "zap",
    }
    if call.name == "stop":
        names = texts[:1]
    elif any(text in stops for text in texts) or (call.has("-f") and call.name == "update-rc.d" and "remove" in texts):
        names = [text for text in texts if text not in stops]
    else:
        return
    for name in names:
        if log_services.fullmatch(name):
            yield Hit("posix.traces", "it stops what tells who did what on the host")
        elif lifelines.fullmatch(name.rsplit("/", 1)[-1]):
            yield service


@family.on(
    "ssh",
    "sshd",
    "networking",
    "network",
    "dropbear",
    "NetworkManager",
    "rsyslog",
    "auditd",
    "S50sshd",
    "S40network",
    "S50dropbear",
)
def _init_scripts(call: Call) -> Iterator[Hit]:
    if ("/init.d/" in call.program and call.texts[:1] in (["stop"], ["disable"])) or (
        "/rc.d/" in call.program and call.texts[:1] in (["stop"], ["onestop"], ["forcestop"])
    ):
        yield service
