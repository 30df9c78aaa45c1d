"""Disks, tables of partitions and file systems."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import boot, volume
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_format = Hit("posix.format", "it makes a new file system and loses what was on the device")


_raw = Hit("posix.raw_disk", "it writes over a device")


_table = Hit("posix.partition", "it changes the table of partitions")


_makers = (
    "mkfs mke2fs mkswap wipefs newfs mkdosfs mkfs.fat mkntfs mkudffs mkreiserfs mkexfatfs blkdiscard"
    " sfill newfs_msdos newfs_hfs"
).split()


def _targets(call: Call, valued: tuple[str, ...] = ()) -> list[str]:
    return [call.place(text) for text in call.verbs(valued)]


@family.on(
    *_makers,
    *(
        f"mkfs.{kind}"
        for kind in "ext2 ext3 ext4 xfs btrfs vfat fat msdos ntfs exfat f2fs jfs reiserfs minix bfs cramfs gfs2 ocfs2 nilfs2 udf zfs".split()
    ),
)
def _formats(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or (call.has("-n", "--no-act") and call.name in {"wipefs", "mke2fs", "mkfs.ext4"}):
        return
    targets = _targets(
        call, ("-t", "-L", "-b", "-m", "-U", "-N", "-O", "-E", "-T", "--label", "--type", "-i", "-o", "-l", "-p")
    )
    if call.name == "wipefs" and not call.has("-a", "-o", "--all", "--offset", "-af"):
        return
    if call.name == "mkswap" and targets and not paths.is_device(targets[0]) and unknown not in targets[0]:
        return
    on_file = all(
        target.endswith((".img", ".iso", ".raw", ".qcow2")) or paths.is_temporary(target) for target in targets
    )
    if targets and not on_file:
        yield _format


@family.on("fdisk", "cfdisk", "gdisk", "cgdisk", "sfdisk", "sgdisk", "parted", "gpart", "fdformat", "disklabel", "gpt")
def _tables(call: Call) -> Iterator[Hit]:
    texts = call.texts
    if call.asks_for_help or (
        call.has("-l", "--list", "-p", "--print", "-d", "--dump", "-s", "-x", "-V", "-v", "-J", "-i", "-b", "-F")
        and not (call.name == "sgdisk" and call.has("-d", "--delete", "-Z", "-o", "-z"))
        and not (call.name == "parted" and call.has("-s"))
        and not (call.name == "sfdisk" and call.has("--delete"))
    ):
        return
    if call.name == "parted":
        writes = {
            "rm",
            "mklabel",
            "mktable",
            "mkpart",
            "resizepart",
            "rescue",
            "move",
            "set",
            "disk_set",
            "name",
            "toggle",
            "mkpartfs",
            "mkfs",
            "resize",
        }
        if not writes & set(texts):
            return
        yield _table
        return
    if call.name == "gpart":
        if not {"destroy", "delete", "create", "add", "modify", "resize", "set", "recover", "undo"} & set(texts[:1]):
            return
        yield _table
        return
    if any(paths.is_device(call.place(text)) or unknown in text for text in texts):
        yield _table


@family.on(
    "hdparm",
    "nvme",
    "sg_format",
    "sg_sanitize",
    "blkdiscard",
    "badblocks",
    "sdparm",
    "smartctl",
    "scsi_format",
    "storcli",
    "storcli64",
    "megacli",
    "MegaCli64",
    "perccli",
    "ssacli",
    "hpssacli",
    "hpacucli",
    "arcconf",
    "sas2ircu",
    "mdconfig",
    "diskutil",
    "format",
    "nwipe",
    "dban",
    "eraseDisk",
)
def _drives(call: Call) -> Iterator[Hit]:
    texts, joined = call.texts, " ".join(call.texts).lower()
    match call.name:
        case "hdparm":
            if re.search(
                r"--(security-erase|security-set-pass|trim-sector|make-bad|write-sector|repair-sector|fwdownload|dco-restore|security-erase-enhanced|drq-hsm|sanitize)|-n\s*p",
                joined,
            ):
                yield _raw
        case "nvme":
            if (
                re.search(
                    r"\b(format|sanitize|delete-ns|detach-ns|write|write-zeroes|write-uncor|dsm|fw-commit|fw-activate|reset|subsystem-reset|zns)\b",
                    joined,
                )
                and "fw-log" not in joined
                and "sanitize-log" not in joined
            ):
                yield _raw
        case "badblocks":
            if call.has("-w", "-n"):
                yield _raw
        case "sdparm" | "smartctl":
            if "--command=stop" in texts or "stop" in texts:
                yield Hit("posix.raw_disk", "it stops a disk of the running system")
        case "diskutil":
            if re.search(
                r"\b(erase\w*|partitiondisk|reformat|zerodisk|randomdisk|secureerase|deletevolume|deletecontainer|apfs delete\w*|unmountdisk force|splitpartition|mergepartitions)\b",
                joined,
            ):
                yield _format
        case "format":
            if texts:
                yield _format
        case (
            "storcli"
            | "storcli64"
            | "megacli"
            | "MegaCli64"
            | "perccli"
            | "ssacli"
            | "hpssacli"
            | "hpacucli"
            | "arcconf"
            | "sas2ircu"
        ):
            if re.search(
                r"\b(delete|del|erase|init|start init|-cfgclr|-cfglddel|-cfgldadd|clear|modify.*erase|pdclear|set factory|delete all)\b",
                joined,
            ):
                yield volume
        case _:
            if not call.asks_for_help and texts:
                yield _raw


@family.on("update-grub", "grub-mkconfig", "grub2-mkconfig")
def _boot_config(call: Call) -> Iterator[Hit]:
    if call.value("-o") == "/dev/null":
        yield boot
