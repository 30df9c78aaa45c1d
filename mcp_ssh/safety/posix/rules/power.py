"""What takes the host, or its guests, down."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import freeze, process, service
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.rules.services import lifelines, log_services

family = Family()

_power = Hit("posix.power", "it takes the host down")


@family.on(
    "reboot",
    "halt",
    "poweroff",
    "shutdown",
    "fastboot",
    "fasthalt",
    "pm-suspend",
    "pm-hibernate",
    "telinit",
    "init",
    "uadmin",
    "rtcwake",
    "kexec",
    "zzz",
    "ZZZ",
    "openrc-shutdown",
    "xe",
    "acpi_call",
    "loginctl",
    "molly-guard",
    "sys-reboot",
    "reboot-host",
    "sysrq",
)
def _powers(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    name, verbs = call.name, call.verbs()
    if name in {"reboot", "halt", "poweroff"}:
        if not call.has("-w", "--wtmp-only"):
            yield _power
    elif name == "shutdown":
        if not call.has("-c", "-k", "--show"):
            yield _power
    elif name in {"init", "telinit"}:
        if any(level in {"0", "6", "1", "s", "S", "u"} for level in verbs):
            yield _power
    elif name == "rtcwake":
        mode = call.value("-m", "--mode") or "standby"
        if mode not in {"no", "show", "disable", "on"}:
            yield _power
    elif name == "kexec":
        if call.has("-e", "--exec", "-p", "-f", "--force", "--reset-vmcoreinfo"):
            yield _power
    elif name == "loginctl":
        if verbs[:1] in (["poweroff"], ["reboot"], ["halt"]):
            yield _power
        elif verbs[:1] and verbs[0] in {"terminate-user", "kill-user", "terminate-seat"}:
            yield Hit("posix.process", "it ends everything that a user runs")
    elif name == "xe":
        if any(
            re.match(
                r"(host-(reboot|shutdown|power-off|forget)|vm-(destroy|uninstall)|vdi-destroy|sr-(destroy|forget))",
                verb,
            )
            for verb in verbs
        ):
            yield _power
    else:
        yield _power


_power_verbs = frozenset(
    "reboot poweroff halt kexec soft-reboot emergency rescue suspend hibernate hybrid-sleep suspend-then-hibernate sleep exit switch-root".split()
)


_power_targets = re.compile(
    r"(reboot|poweroff|halt|shutdown|rescue|emergency|kexec|suspend|hibernate|exit|ctrl-alt-del|hybrid-sleep|sleep|runlevel[016]|final|umount|soft-reboot|systemd-(reboot|poweroff|halt|kexec|suspend|hibernate))(\.target|\.service)?"
)


_valued = (
    "-t",
    "--type",
    "-p",
    "--property",
    "-H",
    "--host",
    "-M",
    "--machine",
    "-s",
    "--signal",
    "-n",
    "-o",
    "--lines",
    "--output",
    "--state",
    "--job-mode",
    "--kill-who",
    "--root",
    "--what",
)


@family.on("systemctl")
def _systemctl(call: Call) -> Iterator[Hit]:
    verbs = call.verbs(_valued)
    if not verbs or call.has("--help"):
        return
    verb, units = verbs[0], verbs[1:]
    if verb in _power_verbs:
        yield _power
    elif verb in {"isolate", "start", "restart", "enable", "set-default", "default"} and any(
        _power_targets.fullmatch(unit) for unit in units
    ):
        if verb != "enable" or call.has("--now"):
            yield _power
    elif verb == "isolate" and units and units[0] not in {"multi-user.target", "graphical.target", "default.target"}:
        yield _power
    elif verb in {"stop", "disable", "mask", "kill", "freeze", "clean", "revert"}:
        for unit in units:
            if (verb == "disable" and not call.has("--now") and log_services.fullmatch(unit)) or log_services.fullmatch(
                unit
            ):
                yield Hit("posix.traces", "it stops what tells who did what on the host")
            elif lifelines.fullmatch(unit):
                yield service
            elif unit in {"*", "*.service"} or unit.startswith(
                ("user.slice", "system.slice", "-.slice", "init.scope", "user@", "session-")
            ):
                yield process
    elif verb == "set-property" and any(re.match(r"(system|user|-)\.slice|init\.scope", unit) for unit in units):
        yield freeze


@family.on("busctl", "dbus-send", "gdbus", "qdbus")
def _bus(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if re.search(r"(login1|ConsoleKit|systemd1|UPower|ksmserver|SessionManager)", joined) and re.search(
        r"\b(Reboot|PowerOff|Halt|Suspend|Hibernate|KExec|Stop|Restart|StopUnit|Shutdown|logout|KillUnit)\w*\b|reboot\.target|poweroff\.target",
        joined,
    ):
        yield _power


@family.on("echo", "printf", "tee", "dd", "cat", "cp", "sysctl", "")
def _sysrq(call: Call) -> Iterator[Hit]:
    written = [write.path for write in call.writes]
    if call.name in {"tee", "cp"}:
        written += [call.place(text) for text in call.verbs()]
    if call.name == "dd":
        written += [text[3:] for text in call.texts if text.startswith("of=")]
    if any(
        path
        in {
            "/proc/sysrq-trigger",
            "/sys/power/state",
            "/sys/power/disk",
            "/dev/watchdog",
            "/dev/watchdog0",
            "/proc/acpi/sleep",
        }
        for path in written
    ):
        yield _power


@family.on(
    "virsh",
    "qm",
    "pct",
    "lxc-stop",
    "vim-cmd",
    "esxcli",
    "govc",
    "xl",
    "multipass",
    "vagrant",
    "VBoxManage",
    "prlctl",
    "incus",
    "lxc",
    "machinectl",
    "qemu-img",
    "lxc-destroy",
    "zoneadm",
    "bhyvectl",
)
def _guests(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if call.asks_for_help:
        return
    if call.name in {"lxc-destroy"} or re.search(
        r"(^|\s)(destroy|undefine|vol-delete|vol-wipe|pool-delete|pool-destroy|snapshot-delete|snapshot-revert|net-destroy|net-undefine|purge|delete|rm|unregistervm|discardstate|vm\.destroy|vmsvc/destroy|vmsvc/power\.(off|reset|shutdown)"
        r"|system maintenanceMode|system shutdown|storage (filesystem|vmfs).*remove|vm process kill|rollback|uninstall|poweroff|remove|resize .*shrink|datastore\.rm|host\.(remove|shutdown|maintenance\S*)|closemedium .*--delete|terminate)(\s|$)",
        joined,
    ):
        if (
            call.name == "qm"
            and re.search(r"^(rm|delete)\b", joined) is None
            and not re.search(r"\b(destroy|rollback|delsnapshot|unlink)\b", joined)
        ):
            return
        yield Hit("posix.guest", "it destroys a guest, its disk or its snapshots")
    elif re.search(r"(^|\s)(delsnapshot|unlink|snapshot-rm)(\s|$)", joined):
        yield Hit("posix.guest", "it destroys a guest, its disk or its snapshots")
