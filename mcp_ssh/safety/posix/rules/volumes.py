"""Volumes, pools, flash memory, boot loaders and firmware: programs with a word that destroys."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import boot, volume
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


_destroying = {
    "lvremove": "",
    "vgremove": "",
    "pvremove": "",
    "lvreduce": "",
    "vgreduce": "",
    "vgcfgrestore": "",
    "lvconvert": r"--(merge|repair|uncache|splitmirrors)",
    "lvchange": r"-an|-a n",
    "vgchange": r"-an|-a n",
    "zpool": r"^(-\S+ )*(destroy|labelclear|remove|detach|offline|export|create|add|replace|split|import .*-F)\b",
    "zfs": r"^(-\S+ )*(destroy|rollback|receive .*-F|recv .*-F|unmount -f|change-key|unload-key)\b",
    "btrfs": r"\b(subvolume (delete|del)|subvol del\w*|su de\w*|device (delete|remove)|filesystem resize|check --repair|rescue|replace start)\b",
    "mdadm": r"--(stop|zero-superblock|create|fail|remove|grow|set-faulty|build)|(^| )-(S|C|f|r|G)\b",
    "cryptsetup": r"\b(luksformat|erase|lukserase|lukskillslot|luksremovekey|reencrypt|luksheaderrestore|luksclose|close|luksconvertkey|format|luksdelkey|convert|luksuspend|lukssuspend|remove)\b",
    "dmsetup": r"\b(remove|remove_all|wipe_table|suspend|clear|rename|load|reload)\b",
    "losetup": r"(^| )-(d|D)|--detach",
    "multipath": r"(^| )-F|(^| )-f ",
    "partx": r"(^| )-d|--delete",
    "kpartx": r"(^| )-d",
    "lvm": r"\b(lvremove|vgremove|pvremove|lvreduce|vgreduce)\b",
    "debugfs": r"(^| )-w|--write",
    "tune2fs": r"(^| )-(O|U|E|f)\b.*clear|-O \^|-U clear",
    "resize2fs": r" \d+\w?$|-M",
    "e2fsck": r"(^| )-[a-z]*y|-f.*-y",
    "fsck": r"(^| )-[a-zA-Z]*y",
    "fsck.ext4": r"(^| )-[a-z]*y",
    "xfs_repair": r"(^| )-L",
    "xfs_db": r"(^| )-x",
    "reiserfsck": "rebuild",
    "ntfsfix": "",
    "bcache": "",
    "make-bcache": "",
    "drbdadm": r"\b(invalidate|create-md|wipe-md|down|disconnect|secondary|detach|outdate|--discard-my-data)\b",
    "rbd": r"\b(rm|remove|purge|snap (rm|purge|rollback)|trash (purge|mv))\b",
    "rados": r"\b(rm|purge|rmpool)\b",
    "ceph": r"\b(osd (purge|destroy|rm|out|crush rm|pool (delete|rm))|mon (remove|rm)|fs rm|orch rm|osd down|auth (rm|del))\b|--yes-i-really",
    "ceph-volume": r"\bzap\b",
    "gluster": r"\bvolume (delete|stop|remove-brick|reset)\b",
    "dmraid": r"(^| )-(an|E|rE)",
    "stratis": r"\b(destroy|pool destroy|filesystem destroy)\b",
    "vdo": r"\b(remove|stop)\b",
    "iscsiadm": r"--logout|(^| )-u\b|-o delete",
    "targetcli": r"\bdelete\b|clearconfig",
    "snapper": r"\b(delete|rm|remove|undochange|rollback)\b",
    "timeshift": r"--(delete|delete-all|restore)",
    "sysupgrade": "",
    "firstboot": "",
    "jffs2reset": "",
    "mtd": r"\b(erase|write|unlock|-r)\b",
    "flash_erase": "",
    "flash_eraseall": "",
    "flashcp": "",
    "nandwrite": "",
    "ubiformat": "",
    "ubirmvol": "",
    "ubidetach": "",
    "ubiupdatevol": "",
    "nandtest": "",
    "fw_setenv": "",
    "flashrom": r"(^| )-(w|E|e)\b|--(write|erase)",
    "efibootmgr": r"(^| )-(B|o|O|n|c|b)|--(delete|bootorder|bootnum|create)",
    "bootctl": r"\b(remove|install|set-default|set-oneshot|random-seed)\b",
    "grub-install": "",
    "grub2-install": "",
    "lilo": "",
    "extlinux": r"--install",
    "syslinux": "",
    "ms-sys": "",
    "mokutil": r"--(reset|delete|disable-validation|import|clear-password)",
    "nvram": r"(^| )-c|clear|erase|unset",
    "fwupdmgr": r"\b(update|install|reinstall|downgrade|switch-branch|activate)\b",
    "fwupdtool": r"\b(install|update|install-blob)\b",
    "rpi-eeprom-update": r"(^| )-(a|d|f|r)",
    "rpi-eeprom-config": r"--apply",
    "update-initramfs": r"(^| )-d",
    "kernel-install": r"\bremove\b",
    "grubby": r"--(remove-kernel|remove-args|set-default|update-kernel)",
    "grub-set-default": "",
    "grub2-set-default": "",
    "grub-reboot": "",
    "grub-editenv": r"\b(unset|set)\b",
    "ipmitool": r"\b(power|chassis power) (off|reset|cycle|soft|diag)\b|\bmc reset\b|\buser (set password|disable|set)\b|\blan set\b|\bbootdev\b|\bsel clear\b|\braw\b|\bhpm\b",
    "nvramtool": r"(^| )-(w|c|B)",
    "dfu-util": r"(^| )-D",
    "bmaptool": r"\bcopy\b",
    "ddrescue": r"/dev/",
    "partclone.restore": "",
    "partclone.ext4": r"(^| )-r",
    "fsarchiver": r"\brestfs\b",
    "clonezilla": "",
    "ocs-sr": "",
    "vgimportclone": "",
    "pvcreate": "",
    "zerofree": "",
    "testdisk": "",
    "cryptdisks_stop": "",
    "luksmeta": "nuke|wipe",
    "systemd-repart": "--empty",
    "fsfreeze": r"(^| )(-f|--freeze)",
    "xfs_freeze": r"(^| )-f",
}


def _family_of(name: str) -> Hit:
    if name in {"fsfreeze", "xfs_freeze"}:
        return Hit("posix.freeze", "it stops every write to a file system")
    if name in {
        "mtd",
        "flash_erase",
        "flash_eraseall",
        "flashcp",
        "nandwrite",
        "ubiformat",
        "sysupgrade",
        "firstboot",
        "jffs2reset",
        "fw_setenv",
        "flashrom",
        "fwupdmgr",
        "fwupdtool",
        "rpi-eeprom-update",
        "nandtest",
    }:
        return Hit("posix.flash", "it erases or overwrites flash memory, firmware or its settings")
    if name in {
        "efibootmgr",
        "bootctl",
        "grub-install",
        "grub2-install",
        "lilo",
        "extlinux",
        "syslinux",
        "ms-sys",
        "mokutil",
        "nvram",
        "grubby",
        "grub-set-default",
        "grub2-set-default",
        "grub-reboot",
        "grub-editenv",
        "kernel-install",
        "update-initramfs",
        "nvramtool",
        "rpi-eeprom-config",
    }:
        return boot
    if name == "ipmitool":
        return Hit("posix.power", "it reaches around the system to its board: power, firmware or logins")
    return volume


_shows = re.compile(r"\b(list|status|info|show|get|detail|examine|scan|query)\b")


@family.on(*(name for name in _destroying if not name.endswith("-none")))
def _destroys(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or (
        call.has("-n", "--dry-run", "--test", "-t")
        and call.name in {"zfs", "lvremove", "vgremove", "lvreduce", "e2fsck", "xfs_repair", "fsck"}
    ):
        return
    pattern, joined = _destroying[call.name], " ".join(call.texts)
    if call.name == "sysupgrade" and (call.has("-b", "-l", "-T", "-k") and not call.has("-n", "-F")):
        return
    if (
        call.name
        in {
            "grub-install",
            "grub2-install",
            "grub-set-default",
            "testdisk",
            "ntfsfix",
            "firstboot",
            "jffs2reset",
            "pvcreate",
            "zerofree",
        }
        and not call.texts
        and call.name not in {"firstboot", "jffs2reset"}
    ):
        return
    lowered = joined.lower() if call.name in {"cryptsetup"} else joined
    if not pattern or re.search(pattern, lowered):
        if call.name == "ceph" and not re.search(r"osd|mon|fs|orch|auth|yes-i-really", joined):
            return
        yield _family_of(call.name)
