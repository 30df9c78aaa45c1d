"""Packet filters by which the host may not be reached any more."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()

_filter = Hit(
    "posix.firewall",
    "it changes the filter so that the host may not be reached any more",
    "let your own address in first, and set a timer that takes it back",
)


@family.on("iptables", "ip6tables", "iptables-nft", "iptables-legacy", "ip6tables-nft", "ebtables", "arptables")
def _iptables(call: Call) -> Iterator[Hit]:
    if call.has("-L", "-S", "--list", "--list-rules", "-C", "--check") and not call.has("-F", "-A", "-I", "-P"):
        return
    joined = " ".join(call.texts)
    table = call.value("-t", "--table") or "filter"
    if call.has("-F", "--flush", "-X", "--delete-chain"):
        if table in {"filter", "raw", "mangle"} or call.has("-F", "--flush"):
            yield _filter
        return
    if call.value("-P", "--policy") is not None and re.search(r"\b(DROP|REJECT)\b", joined):
        yield _filter
        return
    if (
        re.search(r"(^| )(-D|--delete)", joined)
        and re.search(r"\b(INPUT|OUTPUT)\b", joined)
        and re.search(r"(--dport|--dports)\s+(\S*,)?(22|ssh)\b|ESTABLISHED|(^| )-[iI] lo\b|(INPUT|OUTPUT) \d+$", joined)
    ):
        yield _filter
        return
    if (
        re.search(r"(^| )(-A|-I|--append|--insert|-R|--replace)", joined)
        and re.search(r"(-j|--jump|-g)\s+(DROP|REJECT|TARPIT)\b", joined)
        and re.search(r"\b(INPUT|OUTPUT|PREROUTING|POSTROUTING)\b", joined)
    ):
        source = call.value("-s", "--source", "--src")
        target = call.value("-d", "--destination", "--dst")
        port = call.value("--dport", "--dports", "--destination-port", "--sport", "--ports")
        narrow = (
            (source not in {None, "0.0.0.0/0", "0/0", "::/0", "any"})
            or (target not in {None, "0.0.0.0/0", "0/0", "::/0"})
            or re.search(
                r"INVALID|--icmp-type|-p icmp|-m (recent|connlimit|hashlimit|limit|string|set|geoip)|--match-set",
                joined,
            )
            is not None
        )
        mentions_ssh = port is not None and re.search(r"(^|,|:)(22|ssh|2222)(,|:|$)|^0:|^1:", port) is not None
        if (
            (mentions_ssh and not narrow)
            or (
                mentions_ssh
                and re.search(r"! ?-s|-s !", joined) is None
                and (source or "").endswith(("/0", "/8", "/16"))
            )
            or (port is None and not narrow)
        ):
            yield _filter


@family.on("nft")
def _nft(call: Call) -> Iterator[Hit]:
    texts = [text for text in call.texts if text not in {"-a", "-n", "-e", "-s"}]
    joined = " ".join(texts)
    if call.has("-c", "--check"):
        return
    if call.has("-f", "--file"):
        if call.stdin not in {None, unknown}:
            joined = call.stdin or ""
        else:
            return
    if re.search(r"\b(flush (ruleset|table|chain)|(delete|destroy) (table|chain|rule)|reset)\b|policy drop", joined):
        if (
            re.search(r"\b(delete|destroy|flush) (rule|chain|table)\b", joined)
            and re.search(r"\b(nat|mangle)\b", joined)
            and "filter" not in joined
            and "input" not in joined.lower()
        ):
            return
        yield _filter
    elif (
        re.search(r"\b(add|insert) rule\b.*\b(input|output)\b", joined, re.IGNORECASE)
        and re.search(r"\b(drop|reject)\b", joined)
        and (
            re.search(r"dport (\{[^}]*\b)?(22|ssh)\b", joined)
            or not re.search(r"\b(dport|saddr|daddr|ct state invalid|icmp|iifname|sport|limit|protocol)\b", joined)
        )
    ):
        yield _filter


@family.on("iptables-restore", "ip6tables-restore", "ipset", "netfilter-persistent", "shorewall", "csf", "apf")
def _filters(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if call.asks_for_help:
        return
    if call.name.endswith("-restore"):
        if not call.has("-t", "--test"):
            yield _filter
    elif call.name == "ipset":
        if re.search(r"^(-\S+ )*(destroy|flush|restore|x|-X|-F)\b", joined) and len(call.verbs()) < 2:
            yield _filter
    elif re.search(r"\b(flush|stop|clear|safe-stop|-x|--disable|-f|-df|denyf|close)\b", joined):
        yield _filter


@family.on("ufw", "firewall-cmd", "firewall-offline-cmd")
def _firewalls(call: Call) -> Iterator[Hit]:
    joined = " ".join(call.texts)
    if call.name == "ufw":
        if "--dry-run" in call.texts:
            return
        if (
            re.search(r"\b(reset|enable)\b", joined)
            or re.search(r"\bdefault (deny|reject)( incoming| outgoing| routed)?|\bdefault (deny|reject)", joined)
            or re.search(
                r"\b(deny|reject)\b.*\b(22|ssh|OpenSSH|any)\b(?!\d)|delete (allow|limit) (in )?(.*\b)?(22|ssh|OpenSSH)\b|\b(deny|reject) (in|out|from any)\b( to any)?( on \S+)?$",
                joined,
            )
        ):
            yield _filter
        return
    if re.search(
        r"--panic-on|--remove-service[= ]ssh|--remove-port[= ]22/|--set-default-zone[= ](drop|block)|--set-target[= ](DROP|REJECT|%%REJECT%%)|--zone[= ](drop|block) .*--(add|change)-interface|--(add|change)-interface.*--zone[= ](drop|block)|--add-rich-rule[= ].*(drop|reject)|--remove-interface|--delete-zone|--load-zone-defaults|--reset-to-defaults",
        joined,
    ):
        if (
            "rich-rule" in joined
            and re.search(r"source address=.?\d", joined)
            and not re.search(r"0\.0\.0\.0/0", joined)
        ):
            return
        yield _filter
