"""What an answer to the survey tells of a host. Pure: the same text, the same facts, and no text that breaks it.

Each fact says where it stands. What is not told is not there: nothing is derived from a name, a version or a habit of
distributions.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mcp_ssh.service.survey import Init, Sections, has_path, init_of, kind_of

Value: TypeAlias = str | int | float | list[float] | dict[str, int] | list[dict[str, str | int]]

most_rows = 100
"""Disks or addresses that are told of one host."""
most_chars = 200
most_line_chars = 2_000
most_words = 30
"""Blanks in the name of a file system."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name, its value (sizes in bytes, times in seconds), and the file or command that tells it."""

    name: str
    value: Value
    source: str


def facts_of(sections: Sections) -> tuple[Fact, ...]:
    """All that the parts of an answer tell, in the order in which people ask for it."""
    return tuple(fact for reader in _readers for fact in reader(sections))


def _release(sections: Sections) -> Iterator[Fact]:
    """As os-release(5) has it: the file in /etc comes before the one in /usr/lib."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        fields = dict(_assignments(sections.get(path, "")))
        if fields:
            for name, key in (("os", "PRETTY_NAME"), ("os_id", "ID"), ("os_version", "VERSION_ID")):
                if fields.get(key):
                    yield Fact(name, fields[key], path)
            return


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in _lines(text):
        found = re.fullmatch(r"([A-Z0-9_]{1,50})=(.{0,1000})", line.strip())
        if found is not None:
            yield found[1], _short(found[2].strip("\"'"))


def _system(sections: Sections) -> Iterator[Fact]:
    words = sections.get("uname -snrm", "").split()
    if len(words) != 4:  # noqa: PLR2004  one word for each letter
        return
    kernel, node, release, machine = words
    yield Fact("kernel", _short(f"{kernel} {release}"), "uname -snrm")
    yield Fact("architecture", _short(machine), "uname -snrm")
    yield Fact("hostname", _short(node), "uname -snrm")


def _hardware(sections: Sections) -> Iterator[Fact]:
    vendor, product = "/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"
    names = [name for path in (vendor, product) if (name := _line(sections, path))]
    if names:
        yield Fact("hardware", " ".join(names), product if product in sections else vendor)
        return
    for path in ("/tmp/sysinfo/model", "/sys/firmware/devicetree/base/model"):  # noqa: S108  where OpenWRT writes it
        if model := _line(sections, path):
            yield Fact("hardware", model, path)
            return


def _virtual(sections: Sections) -> Iterator[Fact]:
    if told := _line(sections, "systemd-detect-virt"):
        yield Fact("virtualization", told, "systemd-detect-virt")
        return
    if told := _line(sections, "/run/systemd/container"):
        yield Fact("virtualization", told, "/run/systemd/container")
        return
    for path, engine in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if has_path(sections, path):
            yield Fact("virtualization", engine, path)
            return


def _times(sections: Sections) -> Iterator[Fact]:
    if (uptime := _numbers(sections, "/proc/uptime", 1)) is not None:
        yield Fact("uptime_seconds", round(uptime[0]), "/proc/uptime")
    clock = _line(sections, "date")
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", clock):
        yield Fact("clock", clock, "date")


def _processors(sections: Sections) -> Iterator[Fact]:
    path = "/sys/devices/system/cpu/online"
    count = 0
    for part in _line(sections, path).split(","):
        found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if found is None:
            count = 0
            break
        count += int(found[2] or found[1]) - int(found[1]) + 1
    if count > 0:
        yield Fact("cpus", count, path)
    if (load := _numbers(sections, "/proc/loadavg", 3)) is not None:
        yield Fact("load", load, "/proc/loadavg")


_amounts = {
    "total_bytes": "MemTotal",
    "available_bytes": "MemAvailable",
    "free_bytes": "MemFree",
    "swap_total_bytes": "SwapTotal",
    "swap_free_bytes": "SwapFree",
}


def _memory(sections: Sections) -> Iterator[Fact]:
    rows = re.findall(r"^(\w{1,30}):\s+(\d{1,15}) kB$", sections.get("/proc/meminfo", ""), re.MULTILINE)
    amounts: Mapping[str, str] = dict(rows)
    found = {name: int(amounts[key]) * 1024 for name, key in _amounts.items() if key in amounts}
    if found:
        yield Fact("memory", found, "/proc/meminfo")


_in_memory = frozenset({"tmpfs", "devtmpfs", "udev", "none", "shm", "efivarfs", "run", "dev", "ramfs"})


def _disks(sections: Sections) -> Iterator[Fact]:
    """File systems that hold something; those in memory, and images of snap that are full by nature, are none."""
    rows: list[dict[str, str | int]] = []
    for line in _lines(sections.get("df -kP", "")):
        found = _disk(line)
        if found is None or found[0] in _in_memory or found[0].startswith("/dev/loop") or found[1] == 0:
            continue
        filesystem, size, used, available, mount = found
        rows.append(
            {
                "mount": _short(mount),
                "filesystem": _short(filesystem),
                "size_bytes": size * 1024,
                "used_bytes": used * 1024,
                "available_bytes": available * 1024,
            }
        )
    if rows:
        yield Fact("disks", rows[:most_rows], "df -kP")


def _disk(line: str) -> tuple[str, int, int, int, str] | None:
    """The columns of df: both names may hold blanks, so the figures between them are what is looked for."""
    words = line.split()
    for at in range(1, min(len(words) - 4, most_words)):
        size, used, available, percent = words[at : at + 4]
        if _is_disk(size, used, available, percent) and words[at + 4].startswith("/"):
            mount = line.split(None, at + 4)[-1].rstrip()
            return " ".join(words[:at]), int(size), int(used), int(available), mount
    return None


def _is_disk(size: str, used: str, available: str, percent: str) -> bool:
    figures = all(re.fullmatch(r"\d{1,18}", figure) for figure in (size, used, available.removeprefix("-")))
    return figures and re.fullmatch(r"\d{1,3}%|-", percent) is not None


_ip = re.compile(r"\d+:\s+(\S{1,50})\s+(inet6?)\s+([0-9a-fA-F.:]{2,45}(?:/\d{1,3})?)(?:\s+peer\s+\S+)?\s.*")
_interface = re.compile(r"(\S{1,50}?):?\s.*")
_inet = re.compile(r"\s+inet6?\s+(?:addr:\s?)?([0-9a-fA-F.:]{2,45}(?:/\d{1,3})?)(?:\s.*)?")


def _addresses(sections: Sections) -> Iterator[Fact]:
    """As `ip` tells them; as `ifconfig` does, in both of its forms, where there is no `ip`."""
    for source, read in (("ip -o addr", _told_by_ip), ("ifconfig -a", _told_by_ifconfig)):
        rows: list[dict[str, str | int]] = [
            {"interface": name, "address": address}
            for name, address in read(sections.get(source, ""))
            if not address.startswith(("127.", "::1", "fe80:"))
        ]
        if rows:
            yield Fact("addresses", rows[:most_rows], source)
            return


def _told_by_ip(text: str) -> Iterator[tuple[str, str]]:
    for line in _lines(text):
        if (found := _ip.fullmatch(line)) is not None:
            yield found[1], found[3]


def _told_by_ifconfig(text: str) -> Iterator[tuple[str, str]]:
    interface = ""
    for line in _lines(text):
        if (head := _interface.fullmatch(line)) is not None:
            interface = head[1]
        elif (found := _inet.fullmatch(line)) is not None and interface:
            yield interface, found[1]


def _software(sections: Sections) -> Iterator[Fact]:
    init, path = init_of(sections)
    first = _line(sections, "/proc/1/comm")
    if init is not None and init is not Init.SCRIPTS:
        yield Fact("init", init.value, path)
    elif _line(sections, "readlink /sbin/init").rsplit("/", 1)[-1] == "busybox":
        yield Fact("init", "busybox", "readlink /sbin/init")
    elif first == "init" and has_path(sections, "/etc/inittab"):
        yield Fact("init", "sysvinit", "/etc/inittab")
    elif first:
        yield Fact("init", first, "/proc/1/comm")
    managers = kind_of(sections).managers
    if managers:
        yield Fact("package_manager", managers[0], "command -v")


def _security(sections: Sections) -> Iterator[Fact]:
    path = "/sys/fs/selinux/enforce"
    told = {"1": "enforcing", "0": "permissive"}.get(_line(sections, path))
    if told is not None:
        yield Fact("selinux", told, path)


_readers: tuple[Callable[[Sections], Iterator[Fact]], ...] = (
    _release,
    _system,
    _hardware,
    _virtual,
    _times,
    _processors,
    _memory,
    _disks,
    _addresses,
    _software,
    _security,
)


def _lines(text: str) -> Iterator[str]:
    """The lines of a part but for those that are too long to be any of it."""
    return (line for line in text.split("\n") if len(line) <= most_line_chars)


def _line(sections: Sections, name: str) -> str:
    """The first line of a part; empty if there is none."""
    return _short(sections.get(name, "").split("\n", 1)[0].strip("\0 \t"))


def _numbers(sections: Sections, name: str, count: int) -> list[float] | None:
    """The first words of a part as plain numbers, if they are."""
    words = _line(sections, name).split()[:count]
    if len(words) < count or not all(re.fullmatch(r"\d{1,12}(\.\d{1,6})?", word) for word in words):
        return None
    return [float(word) for word in words]


def _short(text: str) -> str:
    return text if len(text) <= most_chars else f"{text[:most_chars]}…"
