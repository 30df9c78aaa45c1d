"""Modules and settings of the kernel, and what takes all that the host has."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import freeze
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()


@family.on("rmmod", "modprobe", "insmod")
def _modules(call: Call) -> Iterator[Hit]:
    removes = call.name == "rmmod" or call.has("-r", "--remove", "--remove-dependencies")
    names = " ".join(call.verbs())
    if removes and re.search(
        r"\b(e1000e?|igb|ixgbe|i40e|ice|tg3|bnx2x?|bnxt_en|r816[89]|mlx[45]_core|virtio_(net|blk|scsi|pci)|vmxnet3|hv_netvsc|ena|nvme(_core)?|ahci|sd_mod|megaraid_sas|mpt3sas|xfs|ext4|btrfs|dm_mod|usb_storage|usbcore|atlantic|iwlwifi|ath\w+|brcm\w+|rtl\w+|bonding|bridge|8021q|nf_tables|ip_tables|scsi_mod|libata|raid\w+)\b",
        names,
    ):
        yield freeze
    elif call.name == "insmod" and re.match(r".*(/tmp/|/dev/shm/|/var/tmp/|\./)", " " + names) and names:
        yield Hit("posix.freeze", "it loads code of unknown origin into the kernel")


@family.on("sysctl")
def _sysctl(call: Call) -> Iterator[Hit]:
    for text in call.texts:
        name, found, value = text.partition("=")
        if not found:
            continue
        name = name.replace("/", ".")
        if name in {"kernel.core_pattern", "kernel.modprobe", "kernel.hotplug", "kernel.poweroff_cmd"} or (
            name in {"kernel.pid_max", "kernel.threads-max", "fs.file-max", "vm.max_map_count", "fs.nr_open"}
            and value.strip().isdigit()
            and int(value) < 1024
        ):
            if not (name == "kernel.core_pattern" and "|" not in value):
                yield freeze
        elif (name == "vm.nr_hugepages" and value.isdigit() and int(value) > 100_000) or (
            name in {"vm.panic_on_oom"} and value == "2"
        ):
            yield freeze


@family.on("stress", "stress-ng", "memtester", "bonnie++", "hping3", "slowhttptest")
def _stresses(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    if call.name == "hping3" and not call.has("--flood", "--faster"):
        return
    if call.name.startswith("stress") and re.search(r"(?:-t|--timeout)[ =]?\d{1,3}s?\b", " ".join(call.texts)):
        return
    if call.name == "memtester" and call.texts:
        return
    yield Hit("posix.freeze", "it takes all that the host has, so that nothing else can run")


@family.on("cgset", "cgdelete", "chcpu")
def _groups(call: Call) -> Iterator[Hit]:
    if call.name == "chcpu" and not call.has("-d", "--disable", "-g", "--deconfigure"):
        return
    yield freeze


@family.on("tail", "sort", "tac", "sponge")
def _reads_without_an_end(call: Call) -> Iterator[Hit]:
    """What keeps all that it reads, fed by what never ends."""
    words = {word.literal for feed in call.source.feeds for word in feed.words}
    if words & {"yes", "/dev/zero", "/dev/urandom"} and "head" not in words and not call.behind:
        yield freeze
