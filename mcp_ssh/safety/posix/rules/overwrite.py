"""Overwriting files of the system, files of the kernel, and disks that fill up."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import overwrites, trace
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()


@family.on("truncate")
def _truncates(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    for target in call.verbs(("-s", "--size", "-r", "--reference")):
        yield from overwritten(call.place(target), adds=False)


def overwritten(path: str, *, adds: bool) -> Iterator[Hit]:
    """What writing to a path does; `adds`: behind what is there."""
    if paths.is_disk(path):
        yield Hit("posix.raw_disk", "it writes over a device", "check the device with lsblk first")
    elif paths.is_trace(path):
        if not adds:
            yield trace
    elif paths.is_critical(path):
        if (
            not adds
            or path in {"/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/group", "/etc/gshadow"}
            or "/sudoers.d/" in path
        ):
            if path in {
                "/etc/hosts",
                "/etc/resolv.conf",
                "/etc/hostname",
                "/etc/environment",
                "/etc/profile",
                "/etc/crontab",
                "/etc/exports",
            } or path.startswith("/etc/netplan"):
                return
            if path.endswith(("/.ssh/config", "/.ssh/known_hosts")) or (path.startswith("/etc/sudoers.d/") and adds):
                return
            yield overwrites
    elif re.match(r"/var/lib/(mysql|postgresql|mongodb|redis|etcd|dpkg|rpm|docker)/", path) and not adds:
        yield Hit("posix.database", "it overwrites files of a database")
    elif path in {"/proc/sysrq-trigger", "/sys/power/state", "/sys/power/disk", "/dev/watchdog"}:
        yield Hit("posix.power", "it takes the host down or freezes it")


@family.on_all
def _redirects(call: Call) -> Iterator[Hit]:
    """Files that redirections write to, and that are filled without an end."""
    for write in call.writes:
        yield from overwritten(write.path, adds=write.adds)
        yield from _kernel_files(call, write.path)
        if call.name in {
            "yes",
            "cat",
            "tail",
            "base64",
            "tr",
            "dd",
            "od",
            "xxd",
            "openssl",
            "pv",
        } and not write.path.startswith("/dev/"):
            endless = call.name == "yes" or any(
                text in {"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"} for text in call.texts
            )
            if (
                (endless or (call.stdin == unknown and _reads_endless(call)))
                and "timeout" not in call.behind
                and not _is_counted(call)
            ):
                yield Hit("posix.fill", "it writes until the disk is full")


def _reads_endless(call: Call) -> bool:
    return (
        any(
            each.operator == "<" and each.target.literal in {"/dev/zero", "/dev/urandom", "/dev/random"}
            for each in call.source.redirects
        )
        or "yes" in call.fed_by
    )


def _is_counted(call: Call) -> bool:
    return any(text.startswith(("count=", "-c", "-N", "-n")) for text in call.texts)


def _kernel_files(call: Call, path: str) -> Iterator[Hit]:
    said = " ".join(call.texts) if call.name in {"echo", "printf"} else (call.stdin or unknown)
    if re.match(r"/sys/(block|class/block)/[^/]+/device/(delete|state)", path) or re.match(
        r"/sys/bus/(pci|usb|scsi)/.*/(remove|unbind|reset)$", path
    ):
        yield Hit("posix.raw_disk", "it takes a device away from the running system")
    elif re.match(r"/sys/bus/.*/(unbind|remove|reset|disable)$|/sys/class/net/[^/]+/(device/remove|flags)", path):
        yield Hit("posix.network", "it takes a device away from the running system")
    elif re.match(r"/sys/firmware/efi/|/sys/class/mtd|/dev/mtd|/dev/nvram", path):
        yield Hit("posix.boot", "it writes to the firmware")
    elif re.match(
        r"/sys/devices/system/(cpu|memory)/.*/(online|state|probe|hard_offline_page|soft_offline_page)", path
    ) and said.strip() in {"0", "offline", unknown}:
        yield Hit("posix.freeze", "it takes processors or memory away from the running system")
    elif re.match(
        r"/sys/fs/cgroup/.*(freeze|freezer\.state|cgroup\.kill|memory\.max|pids\.max|cpu\.max)", path
    ) and re.search(r"FROZEN|\b[01]\b|\x00", said):
        yield Hit("posix.freeze", "it freezes or ends the processes of a group")
    elif re.match(
        r"/proc/sys/kernel/(core_pattern|modprobe|hotplug|poweroff_cmd|panic|sysrq|usermodehelper|pid_max|threads-max|ns_last_pid)",
        path,
    ):
        if "core_pattern" in path and "|" not in said:
            return
        if path.endswith(("/panic", "/sysrq")):
            return
        yield Hit("posix.freeze", "it changes what the kernel itself runs or allows")
    elif re.match(r"/proc/\d+/(mem|oom_adj)|/dev/(mem|kmem|port)", path):
        yield Hit("posix.freeze", "it writes to memory that is not its own")
    elif path.startswith("/proc/sys/net/ipv4/conf/") and path.endswith("/disable_policy"):
        yield Hit("posix.network", "it changes how packets are let in")


@family.on("tee", "sponge")
def _tees(call: Call) -> Iterator[Hit]:
    adds = call.has("-a", "--append")
    for target in call.verbs():
        yield from overwritten(call.place(target), adds=adds)
        yield from _kernel_files(call, call.place(target))


@family.on("dd", "dcfldd", "dc3dd", "gdd")
def _dd(call: Call) -> Iterator[Hit]:
    values = dict(text.partition("=")[::2] for text in call.texts)
    target = values.get("of", "")
    path = call.place(target) if target else ""
    if path and paths.is_device(path):
        yield Hit(
            "posix.raw_disk", "it writes over a device", "write to a regular file, or check the device with lsblk first"
        )
    elif unknown in target and target.startswith(("/dev/", unknown)):
        yield Hit("posix.raw_disk", "it may write over a device: which one is only known when it runs")
    elif path and path.startswith("/") and (paths.is_critical(path) or paths.is_trace(path)):
        yield from overwritten(path, adds=False)
    elif (
        path
        and values.get("if") in {"/dev/zero", "/dev/urandom", "/dev/random"}
        and "count" not in values
        and "timeout" not in call.behind
    ):
        yield Hit("posix.fill", "it writes until the disk is full", "give it a count")
    elif (
        path
        and values.get("if") in {"/dev/zero", "/dev/urandom"}
        and _size(values.get("bs", "512")) * _size(values.get("count", "1")) > 100 * 2**30
    ):
        yield Hit("posix.fill", "it writes more than 100 GiB")
    if (
        values.get("if", "").startswith("/dev/")
        and paths.is_disk(values.get("if", ""))
        and path in {"", "/dev/stdout"}
        and "ssh" in call.fed_by
    ):
        return


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*([kKMGTPE]?)i?[bB]?", text)
    return int(found[1]) * 1024 ** " KMGTPE".index(found[2].upper() or " ") if found else 1


@family.on("fallocate", "mkfile", "xfs_mkfile")
def _allocates(call: Call) -> Iterator[Hit]:
    length = call.value("-l", "--length") or ""
    if call.name != "fallocate":
        length = next(iter(call.verbs()), "")
    if _size(length) >= 100 * 2**30 or unknown in length or "%" in length:
        yield Hit("posix.fill", "it takes up a great part of the disk")


@family.on("head", "tail")
def _heads(call: Call) -> Iterator[Hit]:
    if any(text in {"/dev/zero", "/dev/urandom"} for text in call.texts) and call.writes:
        count = call.value("-c", "--bytes") or ""
        if _size(count) > 100 * 2**30:
            yield Hit("posix.fill", "it writes more than 100 GiB")
    if call.name == "tail" and any(text == "/dev/zero" for text in call.texts):
        yield Hit("posix.freeze", "it takes all of the memory")
