"""Ending all processes, and starting them without an end."""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.rules.hits import process
from mcp_ssh.safety.posix.rules.rule import Family, Hit
from mcp_ssh.safety.posix.text import unknown

family = Family()


_needed = re.compile(
    r"(sshd?|systemd(-\w+)?|init|dropbear|NetworkManager|dhclient|dhcpcd|wpa_supplicant|getty|agetty|login|dbus(-daemon)?|udevd|journald|rsyslogd?|auditd|bash|sh|kthreadd|\.|\.\*|\*|\^|\$|\.\+|)"
)


@family.on("kill", "xkill", "skill")
def _kills(call: Call) -> Iterator[Hit]:
    texts = list(call.texts)
    if call.has("-l", "-L", "--list", "--table") and not any(text.lstrip("-").isdigit() for text in texts):
        return
    signal = ""
    if texts and texts[0] in {"-s", "-n", "--signal"}:
        signal, texts = texts[1] if len(texts) > 1 else "", texts[2:]
    elif texts and re.fullmatch(r"-[A-Za-z0-9+]+", texts[0]) and len(texts) > 1:
        signal, texts = texts[0][1:], texts[1:]
    texts = [text for text in texts if text != "--"]
    if signal in {"0"}:
        return
    for text in texts:
        if text.startswith(("[0-9]", "*", "?")) or re.match(r"/proc/[\[*?]", text):
            yield process
        elif re.fullmatch(r"-1|0?1", text):
            if text.lstrip("0") == "1" and signal.upper() in {"HUP", "1", "SIGHUP", "CONT", "USR1", "USR2", "WINCH"}:
                continue
            yield process
        elif text == "0" and signal in {"9", "KILL", "SIGKILL", "STOP", "SIGSTOP"}:
            yield process
    if call.args and any(_lists_all(arg.listed) for arg in call.args):
        yield process


def _lists_all(commands: tuple[object, ...]) -> bool:
    """Whether commands inside of a substitution name all processes, or those that the host needs."""
    names = list[str]()
    filters = False
    for command in commands:
        words = [word.literal or unknown for word in getattr(command, "words", [])]
        if not words:
            continue
        name = words[0].rsplit("/", 1)[-1]
        names.append(name)
        if name == "pgrep" and "-u" in words and {"root", "0"} & set(words):
            return True
        if name in {"pidof", "pgrep"} and any(
            _needed.fullmatch(word) for word in words[1:] if not word.startswith("-")
        ):
            return True
        if (
            name in {"grep", "egrep"}
            or (name == "awk" and "/" in " ".join(words))
            or (name == "pgrep" and len([w for w in words[1:] if not w.startswith("-")]) > 0)
        ):
            filters = True
        if name in {"grep", "egrep"} and any(
            re.fullmatch(r"\[?s\]?shd?|sshd|init|systemd|", word) for word in words[1:] if not word.startswith("-")
        ):
            return True
    return bool({"ps", "seq", "ls"} & set(names[:1])) and not filters


@family.on("pkill", "killall", "killall5", "slay", "fuser", "pidkill")
def _kills_by_name(call: Call) -> Iterator[Hit]:
    if call.asks_for_help or (call.has("-l", "--list") and call.name != "killall5"):
        return
    if call.name == "killall5":
        if not any(text in {"-18", "-CONT", "-0"} for text in call.texts):
            yield process
        return
    if call.name == "fuser":
        if call.has("-k", "--kill") and any(
            call.place(text) in {"/", "/usr", "/home", "/var", "/etc", "/dev", "/bin", "/lib", "22/tcp", "ssh/tcp"}
            or text in {"22/tcp", "ssh/tcp"}
            for text in call.verbs()
        ):
            yield process
        return
    signals = {"-0", "-HUP", "-1", "-SIGHUP", "-USR1", "-USR2", "-CONT", "-SIGUSR1"}
    users = call.value("-u", "--euid", "-U", "--uid", "--user")
    operands = [
        text
        for text in call.verbs(
            ("-u", "-U", "-s", "--signal", "-g", "-G", "-P", "-t", "-o", "-y", "-n", "--user", "--euid", "--uid")
        )
        if text
    ]
    if call.texts and call.texts[0] in signals:
        return
    if (
        users in {"root", "0"}
        or (any(_needed.fullmatch(text) or unknown == text for text in operands) and operands)
        or any(re.fullmatch(r"\.\*?|\^?\.\*?\$?|\[.*\]\*?", text) for text in operands)
        or (call.texts and not operands and not users and call.has("-v", "--inverse"))
        or (call.has("-v", "--inverse") and call.name == "pkill")
        or ("" in call.verbs())
    ):
        yield process


@family.on("xargs")
def _kills_what_it_is_fed(call: Call) -> Iterator[Hit]:
    verbs = [text.rsplit("/", 1)[-1] for text in call.verbs()]
    if {"kill", "pkill"} & set(verbs) and any(
        feed.words and feed.words[0].literal == "pgrep" for feed in call.source.feeds
    ):
        if _lists_all(tuple(call.source.feeds)):
            yield process
    elif "kill" in verbs or "pkill" in verbs:
        names = list(call.fed_by)
        if names[:1] and names[0] in {"ps", "ls", "seq"} and not {"grep", "awk", "egrep", "head", "tail"} & set(names):
            yield process


@family.on_all
def _fork_bomb(call: Call) -> Iterator[Hit]:
    source, name = call.source, call.name.removesuffix("()")
    if call.name == "fork-bomb" or (name in source.inside and (source.background or source.is_piped)):
        yield Hit("posix.fork_bomb", "it starts processes without an end")
