"""Interfaces, addresses and routes by which the host is reached."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.rule import Family, Hit

family = Family()

_network = Hit("posix.network", "it cuts the network by which the host is reached")


_virtual = re.compile(
    r"(lo|docker\d*|veth\w*|br-[0-9a-f]+|virbr\d*|tun\d*|tap\d*|wg\d+|dummy\d*|cni\d*|flannel\S*|cali\w*|vnet\d*|vxlan\S*|gre\w*|ifb\d*|can\d*|vcan\d*|macvlan\w*|test\S*|tailscale\d|zt\w+|podman\d|lxcbr\d|lxdbr\d)"
)


def _is_real(name: str) -> bool:
    return bool(name) and not _virtual.fullmatch(name.partition("@")[0])


@family.on("ip")
def _ip(call: Call) -> Iterator[Hit]:
    texts = [
        text
        for text in call.texts
        if not re.fullmatch(r"-[46dsjpocno]+|-(br|color|json|details|stats|all|family|force|batch)\S*|inet6?", text)
    ]
    if any(text in {"-batch", "-b"} for text in call.texts):
        yield _network
        return
    if not texts:
        return
    kind, words = texts[0], texts[1:]
    joined = " ".join(words)
    device = next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "dev"), "")
    if "link".startswith(kind) and kind[:1] == "l":
        name = device or next((word for word in words[1:] if word not in {"dev"}), "")
        if (
            (
                (
                    words[:1]
                    and "set".startswith(words[0])
                    and re.search(r"\b(down|nomaster|netns)\b", joined)
                    and _is_real(name)
                )
                or (re.search(r"\bdown\b", joined) and _is_real(name) and words[:1] and "set".startswith(words[0]))
            )
            or (words[:1] and "delete".startswith(words[0]) and len(words[0]) > 1 and _is_real(name))
            or (
                words[:1]
                and "set".startswith(words[0])
                and re.search(r"\b(address [0-9a-f]{2}:|mtu \d{1,3}\b|arp off|master)\b", joined)
                and _is_real(name)
            )
        ):
            yield _network
    elif "address".startswith(kind) and kind[:1] == "a":
        if (
            words[:1]
            and (words[0].startswith("f") or ("delete".startswith(words[0]) and words[0] != ""))
            and _is_real(device)
        ) or (words[:1] and words[0].startswith("f") and not device):
            yield _network
    elif ("route".startswith(kind) and kind[:2] in {"r", "ro"}) or kind in {"route", "r"}:
        verb = words[0] if words else ""
        if (
            (verb.startswith("f") and words[1:2] != ["cache"])
            or (
                verb
                and ("delete".startswith(verb) and verb.startswith("d"))
                and re.search(r"\b(default|0\.0\.0\.0/0|::/0)\b", joined)
            )
            or (
                verb in {"add", "a", "replace", "r", "change", "append"}
                and re.search(
                    r"\b(blackhole|unreachable|prohibit)\b.*(default|0\.0\.0\.0/0|::/0|0/0|0\.0\.0\.0/1)|\b(replace|change)\b.*default|\breplace default\b",
                    joined,
                )
            )
        ):
            yield _network
    elif "rule".startswith(kind) and kind.startswith("ru"):
        if words[:1] and (
            words[0].startswith("f")
            or re.search(
                r"(add|a)\b.*(from all|to all|0/0|0\.0\.0\.0/0|pref \d+).*(blackhole|prohibit|unreachable)", joined
            )
            or re.search(r"\bdel\b.*\b(main|32766)\b", joined)
        ):
            yield _network
    elif ("neighbour".startswith(kind) and words[:1] and words[0].startswith("f") and "all" in words) or (
        kind in {"netns"} and words[:1] and words[0] in {"del", "delete"}
    ):
        return
    elif "xfrm".startswith(kind) and re.search(r"\b(flush|deleteall)\b", joined):
        yield _network


@family.on(
    "ifconfig",
    "ifdown",
    "nmcli",
    "networkctl",
    "route",
    "rfkill",
    "ethtool",
    "dhclient",
    "dhcpcd",
    "brctl",
    "ovs-vsctl",
    "ovs-ofctl",
    "tc",
    "wg-quick",
    "tailscale",
    "iw",
    "iwconfig",
    "teamdctl",
    "ifenslave",
    "netplan",
    "networksetup",
    "uci",
    "wifi",
    "connmanctl",
    "ipfw",
    "pfctl",
    "arp",
    "bridge",
    "wpa_cli",
    "mii-tool",
    "vconfig",
    "scutil",
    "zerotier-cli",
    "wg",
    "mstpctl",
    "ifreload",
    "ubus",
    "hostapd_cli",
)
def _interfaces(call: Call) -> Iterator[Hit]:
    if call.asks_for_help:
        return
    texts, joined = call.texts, " ".join(call.texts)
    first = texts[0] if texts else ""
    bad = False
    match call.name:
        case "ifconfig":
            bad = _is_real(first) and bool(
                re.search(
                    r"^0(\s|$)|\b(down|0\.0\.0\.0|delete|destroy|-alias|del|unplumb|hw ether)\b", " ".join(texts[1:])
                )
            )
        case "ifdown":
            bad = call.has("-a", "--all") or any(_is_real(text) for text in call.verbs())
        case "nmcli":
            bad = bool(
                re.search(
                    r"\b(networking off|net\w* off|n off|radio (all|wifi) off|r(adio)? a\w* off|(connection|con|c) (down|delete|del|d)|(device|dev|d) (disconnect|dis|delete|del|down)|device set \S+ managed no|general shutdown|con\w* (mod|modify) \S+ (ipv4\.method disabled|connection\.autoconnect no))\b",
                    joined,
                )
            ) and not any(not _is_real(text) for text in texts[2:3])
        case "networkctl":
            bad = first in {"down", "delete"} and any(_is_real(text) for text in texts[1:])
        case "route":
            bad = bool(re.search(r"\b(del|delete|flush|-f)\b", joined)) and bool(
                re.search(r"\b(default|0\.0\.0\.0|flush|-f)\b", joined)
            )
        case "rfkill":
            bad = first == "block"
        case "ethtool":
            bad = call.has("-E", "--change-eeprom", "-f", "--flash", "-r", "--negotiate", "--reset") or (
                call.has("-s") and bool(re.search(r"\b(autoneg off|speed 10\b|wol)", joined))
            )
        case "dhclient" | "dhcpcd":
            bad = call.has("-r", "-k", "-x", "--release", "--exit")
        case "brctl":
            bad = first in {"delbr", "delif"}
        case "ovs-vsctl" | "ovs-ofctl":
            bad = bool(re.search(r"\b(del-br|del-port|emer-reset|del-controller|del-flows|set-fail-mode)\b", joined))
        case "tc":
            bad = bool(
                re.search(
                    r"\b(add|replace|change)\b.*\b(loss (100|[89]\d)%?|rate (\d{1,2}(bit|bps|kbit)|1bps)|delay (\d{2,}s|\d{5,}ms)|blackhole|drop|plug|corrupt (100|[5-9]\d)%)",
                    joined,
                )
            )
        case "wg-quick":
            bad = first in {"down"}
        case "wg":
            bad = first == "set" and "remove" in texts
        case "tailscale":
            bad = first in {"down", "logout"}
        case "zerotier-cli":
            bad = first == "leave"
        case "netplan":
            bad = first in {"set", "rebind"} and "null" in joined
        case "networksetup":
            bad = bool(re.search(r"off|-remove|-setnetworkserviceenabled", joined))
        case "uci":
            bad = (
                first in {"delete", "del", "set"}
                and bool(re.search(r"\b(network\.(lan|wan)|firewall|dropbear|system\.@)", joined))
                and (
                    first != "set"
                    or bool(
                        re.search(
                            r"(proto=|ipaddr=|enabled?=0|disabled=1|input=|PasswordAuth|Port=|device=|ifname=|enable=)",
                            joined,
                        )
                    )
                )
            )
        case "wifi":
            bad = first in {"down", "off"}
        case "connmanctl":
            bad = first in {"disable", "disconnect"}
        case "ipfw":
            bad = (
                bool(re.search(r"\b(flush|delete|add \d* ?deny (ip|all) from any|disable)\b", joined))
                and "-n" not in texts
            )
        case "pfctl":
            bad = call.has("-d", "-F", "-k")
        case "arp":
            bad = call.has("-d") and ("-a" in texts or "*" in joined)
        case "ifenslave":
            bad = call.has("-d")
        case "wpa_cli" | "hostapd_cli":
            bad = bool(re.search(r"\b(disconnect|terminate|remove_network|disable)\b", joined))
        case "scutil":
            bad = "--nc stop" in joined
        case "bridge":
            bad = bool(re.search(r"\bvlan del\b|\bfdb (del|flush)\b", joined)) and _is_real(texts[-1] if texts else "")
        case "vconfig":
            bad = first == "rem"
        case "ubus":
            bad = bool(re.search(r"\b(down|reboot|remove)\b", joined)) and "call" in texts
        case "iw":
            bad = bool(re.search(r"\b(del|disconnect|set txpower fixed 0|leave)\b", joined))
        case "iwconfig":
            bad = bool(re.search(r"\btxpower off\b", joined))
        case _:
            bad = False
    if bad:
        yield _network
