"""How the command lines of a platform are read: separators, filters, what leads to a shell, and its rules.

A grammar is a value: the platforms' own facts stand in `danger.py`, taken from the table of platforms whose sources are
netmiko, scrapli, ansible's collections and the vendors' manuals.
"""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field

aliases = {
    "ios": "cisco_ios",
    "iosxe": "cisco_ios",
    "ios_xe": "cisco_ios",
    "cisco_xe": "cisco_ios",
    "cisco_iosxe": "cisco_ios",
    "cisco": "cisco_ios",
    "catalyst": "cisco_ios",
    "nxos": "cisco_nxos",
    "nexus": "cisco_nxos",
    "cisco_nx": "cisco_nxos",
    "iosxr": "cisco_xr",
    "cisco_iosxr": "cisco_xr",
    "ios_xr": "cisco_xr",
    "xr": "cisco_xr",
    "asa": "cisco_asa",
    "ftd": "cisco_asa",
    "s300": "cisco_s300",
    "cbs": "cisco_s300",
    "eos": "arista_eos",
    "arista": "arista_eos",
    "junos": "juniper_junos",
    "juniper": "juniper_junos",
    "mikrotik": "mikrotik_routeros",
    "routeros": "mikrotik_routeros",
    "ros": "mikrotik_routeros",
    "procurve": "hp_procurve",
    "aruba_aoss": "hp_procurve",
    "aoss": "hp_procurve",
    "aruba_os": "hp_procurve",
    "hp": "hp_procurve",
    "aoscx": "aruba_cx",
    "aruba_aoscx": "aruba_cx",
    "aos_cx": "aruba_cx",
    "comware": "hp_comware",
    "h3c": "hp_comware",
    "hpe_comware": "hp_comware",
    "huawei": "huawei_vrp",
    "vrp": "huawei_vrp",
    "vrpv8": "huawei_vrp",
    "huawei_vrpv8": "huawei_vrp",
    "fortios": "fortinet_fortios",
    "fortinet": "fortinet_fortios",
    "fortigate": "fortinet_fortios",
    "panos": "paloalto_panos",
    "palo_alto": "paloalto_panos",
    "paloalto": "paloalto_panos",
    "dell": "dell_os10",
    "os10": "dell_os10",
    "dell_os6": "dell_os10",
    "dell_os9": "dell_os10",
    "dell_force10": "dell_os10",
    "edgeos": "ubiquiti_edgeos",
    "ubiquiti": "ubiquiti_edgeos",
    "edgerouter": "ubiquiti_edgeos",
    "vyatta": "vyos",
    "edgeswitch": "ubiquiti_edgeswitch",
    "ubiquiti_edge": "ubiquiti_edgeswitch",
    "fastpath": "ubiquiti_edgeswitch",
    "netgear": "ubiquiti_edgeswitch",
    "netgear_prosafe": "ubiquiti_edgeswitch",
    "d_link": "dlink",
    "dlink_ds": "dlink",
    "tplink": "tplink_jetstream",
    "tp_link": "tplink_jetstream",
    "jetstream": "tplink_jetstream",
    "exos": "extreme_exos",
    "extreme": "extreme_exos",
    "vtysh": "frr",
    "quagga": "frr",
    "birdc": "bird",
    "ndms": "keenetic",
    "zynos": "zyxel",
    "zyxel_os": "zyxel",
}
"""Names that people and other tools use, and ours."""


def platform_of(name: str) -> str:
    """Our name of a platform; one that is not known stays as it is."""
    lowered = name.lower().replace("-", "_")
    return aliases.get(lowered, lowered)


@dataclass(frozen=True, slots=True)
class Danger:
    """One rule: words of a command, each matched by any beginning of it.

    A word may hold `|`, the least that must be typed of it; `*` for any characters; `...` at the end for any further
    words. Without it, no further word may stand there.
    """

    rule: str
    reason: str
    words: tuple[str, ...]
    open_end: bool

    def matches(self, words: Sequence[str]) -> bool:
        """Whether a line is this."""
        count = len(self.words)
        if len(words) < count or (len(words) > count and not self.open_end):
            return False
        return all(fits(word, pattern) for word, pattern in zip(words, self.words, strict=False))


def fits(word: str, pattern: str) -> bool:
    """Whether what was typed may be the word of a rule."""
    if "*" in pattern:
        return fnmatch.fnmatchcase(word, pattern)
    least, found, rest = pattern.partition("|")
    return bool(word) and (least + rest).startswith(word) and (not found or len(word) >= len(least))


def dangers(text: str) -> tuple[Danger, ...]:
    """Rules from lines of text: `family: reason` begins a family, indented lines are its commands."""
    found, rule, reason = list[Danger](), "", ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line.startswith(" "):
            rule, _, reason = (part.strip() for part in line.partition(":"))
            continue
        for command in line.split(","):
            words = command.split()
            if not words:
                continue
            open_end = words[-1] == "..."
            found.append(Danger(f"network.{rule}", reason, tuple(words[: -1 if open_end else None]), open_end))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Grammar:
    """How one platform is read."""

    name: str
    rules: tuple[Danger, ...]
    heads: frozenset[str]
    config_heads: frozenset[str] = frozenset()
    separators: str = ""
    filters_write: frozenset[str] = frozenset({"redirect", "tee", "append", "save", "file", "vsh", "copy"})
    shell_heads: frozenset[str] = frozenset()
    pipes_to_shell: bool = False
    style: str = "cisco"
    _by_letters: dict[str, list[Danger]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Rules by the letters that their first two words begin with: a line is compared with those that it may be."""
        for rule in self.rules:
            letters = "".join("*" if word[0] in "*?" else word[0] for word in rule.words[:2])
            self._by_letters.setdefault(letters, []).append(rule)

    def matching(self, words: Sequence[str]) -> list[Danger]:
        """The rules that a line is."""
        first, second = words[0][:1], words[1][:1] if len(words) > 1 else ""
        places = {head + tail for head in (first, "*") for tail in ("", "*", second)}
        return [rule for place in places for rule in self._by_letters.get(place, ()) if rule.matches(words)]

    def readings(self, word: str, *, configures: bool = False) -> list[str]:
        """The known heads that a first word may be in the mode, the shortest first; itself if it is one."""
        heads = self.config_heads if configures and self.config_heads else self.heads
        if word in heads:
            return [word]
        return sorted((head for head in heads if head.startswith(word)), key=lambda head: (len(head), head))
