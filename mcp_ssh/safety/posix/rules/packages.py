"""Packages that the host cannot do without, and shared history."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_erase = Hit("network.erase", "it erases a network device's saved configuration")


_packages = Hit("posix.packages", "it removes packages that the host cannot do without")


_essential = re.compile(
    r"(libc6?|glibc|musl|libc-bin|systemd(-\w+)?|init|sysvinit(-core)?|udev|openssh(-server|-client|-sftp-server)?|ssh|dropbear|sudo|doas|bash|dash|sh|coreutils|util-linux|login|passwd|shadow|shadow-utils|base-files|base-passwd|filesystem|setup"
    r"|linux-(image|generic|headers|modules|firmware|base|lts|hardened|zen|virtual|server|aws|azure|gcp)\S*|linux|kernel(-\S+)?|grub\S*|shim\S*|efibootmgr|dracut|initramfs-tools|mkinitcpio"
    r"|network-?manager|NetworkManager\S*|netplan\.io|ifupdown2?|iproute2?|iproute|dhcpcd5?|isc-dhcp-client|dhclient|wpasupplicant|apt|apt-get|dpkg|rpm(-libs)?|yum|dnf|pacman|zypper|apk-tools|busybox"
    r"|python3?(\.\d+)?(-minimal)?|platform-python|perl(-base)?|e2fsprogs|lvm2|mdadm|mount|tar|gzip|pam|libpam\S*|openssl|libssl\S*|ca-certificates|device-mapper\S*|cryptsetup|xfsprogs|btrfs-progs|firmware-\S+|zlib1g|libgcc\S*|ncurses-base|hostname|procps|findutils|grep|sed|gawk|debianutils|kmod|dbus|polkit|libsystemd0|alpine-base|alpine-baselayout|base|ubuntu-(minimal|standard|server)|\*|\.\*|\S*\*)(:\w+)?"
)


@family.on(
    "apt",
    "apt-get",
    "aptitude",
    "dpkg",
    "rpm",
    "yum",
    "dnf",
    "microdnf",
    "zypper",
    "pacman",
    "yay",
    "apk",
    "emerge",
    "xbps-remove",
    "opkg",
    "pkg",
    "slackpkg",
    "snap",
    "brew",
    "rpm-ostree",
    "eopkg",
    "swupd",
    "tdnf",
    "urpme",
    "removepkg",
    "pkgin",
    "nala",
    "ipkg",
    "flatpak",
)
def _package_managers(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or (
        call.has("-s", "--simulate", "--dry-run", "--no-act", "--just-print", "--recon")
        and call.name not in {"pacman", "rpm"}
    ):
        return
    texts, verbs = call.texts, call.verbs(("-o", "-c", "-t", "--root", "-a", "--option", "-C", "--installroot"))
    joined = " ".join(texts)
    removes = any(
        verb
        in {
            "remove",
            "purge",
            "erase",
            "autoremove",
            "del",
            "uninstall",
            "rm",
            "full-remove",
            "deinstall",
            "delete",
            "r",
            "e",
        }
        for verb in verbs[:1]
    ) or verbs[:2] == ["history", "undo"]
    if call.name in {"rpm"}:
        removes = call.has("-e", "--erase")
    elif call.name == "dpkg":
        removes = call.has("-r", "-P", "--remove", "--purge")
    elif call.name in {"pacman", "yay"}:
        removes = any(re.match(r"-R|--remove", text) for text in texts)
    elif call.name == "emerge":
        removes = call.has("-C", "--unmerge", "-c", "--depclean")
    elif call.name in {"xbps-remove", "urpme", "removepkg"}:
        removes = True
    names = (
        verbs
        if call.name in {"rpm", "dpkg", "pacman", "yay", "emerge", "xbps-remove", "urpme", "removepkg"}
        else verbs[1:]
    )
    added = (
        [name.rstrip("-") for name in names if name.endswith("-")]
        if not removes and call.name in {"apt", "apt-get"}
        else []
    )
    if any(_essential.fullmatch(name) or unknown in name for name in added):
        yield _packages
    if not removes:
        if re.search(
            r"--(nodeps|force-all|force-depends|force-remove-essential|force-remove-reinstreq|allow-remove-essential)\b|-Rdd",
            joined,
        ) and not re.search(r"\b(install|-i|-U)\b", joined):
            yield _packages
        return
    if (
        any(_essential.fullmatch(name) or unknown == name for name in names)
        or re.search(
            r"--(force-all|force-remove-essential|allow-remove-essential|nodeps|force-depends)|-Rdd|--force-yes", joined
        )
        or any("$(" in name or unknown in name for name in names)
    ):
        yield _packages


@family.on("write", "erase")
def _erases_a_device(call: Call) -> Iterator[Hit]:
    """Typed by mistake on a posix host it means nothing; the base deny list names it for every host all the same."""
    if (call.name, *call.texts[:1]) in {("write", "erase"), ("erase", "startup-config")}:
        yield _erase


@family.on("git", "svn", "hg")
def _versions(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    where = call.value("-C")
    if (
        re.search(r"\bclean\b.*-\w*f", joined)
        and "-n" not in call.texts
        and (call.state.cwd in {"/", "~", "/etc"} or (where is not None and call.place(where) in {"/", "~", "/etc"}))
    ):
        yield Hit(
            "posix.delete.here",
            "it deletes everything that is not under version control, in a whole part of the system",
        )
    elif re.search(
        r"\bpush\b.*(--mirror|--delete|--prune)|\bpush\b.*\s:(refs/heads/)?(main|master|release\S*|production)\b|\bpush\b.*(-f\b|--force\b(?!-with-lease)).*\b(main|master|production)\b|update-ref -d|reflog expire .*--expire=now|filter-branch.*--all|gc .*--prune=now.*--aggressive-none",
        joined,
    ):
        yield Hit("posix.versions", "it rewrites or deletes shared history")
