"""What is asked of a POSIX host to learn what kind of machine it is, and how the answer falls into parts.

One command asks for everything: each part stands behind a heading `==> name <==`, the form in which head(1) itself
heads several files, in GNU's and BusyBox's alike. The words are plain and literal, so that the classifier sees that
they only read; nothing in them depends on the shell beyond POSIX. df comes last: on a file system whose server is gone
it hangs, and what came before it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_paths = (
    "/run/systemd/system",
    "/run/openrc/softlevel",
    "/sbin/procd",
    "/etc/init.d",
    "/etc/inittab",
    "/etc/redhat-release",
    "/.dockerenv",
    "/run/.containerenv",
)
_programs = ("opkg", "apk", "apt-get", "dnf", "yum", "zypper", "pacman", "sudo")
_files = (
    "/etc/os-release",
    "/usr/lib/os-release",
    "/proc/1/comm",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/meminfo",
    "/sys/devices/system/cpu/online",
    "/sys/class/dmi/id/sys_vendor",
    "/sys/class/dmi/id/product_name",
    "/sys/firmware/devicetree/base/model",
    "/tmp/sysinfo/model",  # noqa: S108  where OpenWRT writes it
    "/run/systemd/container",
    "/sys/fs/selinux/enforce",
)
_file_lines = 60
most_text_chars = 200_000
"""More than any host tells of itself."""


def _under(name: str, command: str) -> str:
    return f"echo; echo '==> {name} <=='; {command}"


probe = "; ".join(
    (
        _under("id -u", "id -u"),
        _under("ls -d", f"ls -d {' '.join(_paths)} 2>/dev/null"),
        _under("command -v", "; ".join(f"command -v {name}" for name in _programs)),
    )
).removeprefix("echo; ")
"""What must be known before a service or a package is asked about: the init system, the package manager, who we are."""

survey = "; ".join(
    (
        probe,
        _under("uname -snrm", "uname -snrm"),
        _under("date", "date +%Y-%m-%dT%H:%M:%S%z"),
        _under("readlink /sbin/init", "readlink /sbin/init"),
        f"echo; head -n {_file_lines} {' '.join(_files)} 2>/dev/null",
        _under("systemd-detect-virt", "systemd-detect-virt 2>/dev/null"),
        _under("ip -o addr", "ip -o addr show 2>/dev/null"),
        _under("ifconfig -a", "ifconfig -a 2>/dev/null"),
        _under("df -kP", "df -kP 2>/dev/null"),
    )
)
"""All of it."""

headings = frozenset(re.findall(r"==> (.+?) <==", survey)) | frozenset(_files)

Sections = Mapping[str, str]
"""The parts of an answer by their headings."""


def sections_of(text: str) -> Sections:
    """The parts. A heading that is not ours, or comes again, is a line of the part that it stands in."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text[:most_text_chars].split("\n"):
        heading = re.fullmatch(r"==> (.{1,100}) <==\r?", line)
        if heading is not None and heading[1] in headings and heading[1] not in found:
            lines = found[heading[1]] = []
        else:
            lines.append(line.rstrip("\r"))
    return {name: "\n".join(part).strip("\n\0") for name, part in found.items()}


class Init(StrEnum):
    """What starts services on a host, and is asked about them. `SCRIPTS`: those in /etc/init.d, by themselves."""

    SYSTEMD = "systemd"
    OPENRC = "openrc"
    PROCD = "procd"
    SCRIPTS = "init scripts"


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of machine it is, as far as it was found out. `managers` are its package managers by their programs."""

    init: Init | None = None
    managers: tuple[str, ...] = ()
    is_root: bool = False
    has_sudo: bool = False


def kind_of(sections: Sections) -> Kind:
    """The kind by the parts of `probe`."""
    programs = [line.rsplit("/", 1)[-1] for line in sections.get("command -v", "").split("\n")]
    managers = [name for name in _programs if name in programs and name != "sudo"]
    if has_path(sections, "/etc/redhat-release"):  # apt-get can be installed there, and is not what is used
        managers.sort(key=lambda name: name not in {"dnf", "yum"})
    return Kind(
        init=init_of(sections)[0],
        managers=tuple(managers),
        is_root=sections.get("id -u", "").strip() == "0",
        has_sudo="sudo" in programs,
    )


_marks = (
    (Init.SYSTEMD, "/run/systemd/system"),  # sd_booted(3)
    (Init.OPENRC, "/run/openrc/softlevel"),
    (Init.PROCD, "/sbin/procd"),
    (Init.SCRIPTS, "/etc/init.d"),
)


def init_of(sections: Sections) -> tuple[Init | None, str]:
    """What starts services, and the path that tells it."""
    listed = _listed(sections)
    return next(((init, path) for init, path in _marks if path in listed), (None, ""))


def has_path(sections: Sections, path: str) -> bool:
    """Whether the host has it, of the paths that were asked for."""
    return path in _listed(sections)


def _listed(sections: Sections) -> frozenset[str]:
    return frozenset(sections.get("ls -d", "").split("\n"))
