"""The base deny list as structured rules on plain words: the first floor of judgement.

Each rule looks at one simple command behind its wrappers. The base patterns of the product are these rules: the regex
of the first one would also stop `rm -rf /tmp/build`, the rule does not.
"""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mcp_ssh.model.decision import Finding, Level
from mcp_ssh.safety.syntax import Redirect, Word
from mcp_ssh.safety.wrappers import basename

_help = frozenset(("--help", "--version", "-V"))

_system = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /opt /proc /root /run /sbin /srv /sys /usr /var "
    "~ $HOME ${HOME}".split()
)
_disks = "sd hd vd xvd nvme mmcblk disk mapper dm- md loop mtd ubi"
_devices = tuple(f"/dev/{name}" for name in _disks.split())
_harmless_devices = tuple(f"/dev/{name}" for name in "null zero stdout stderr tty fd/ shm/".split())


@dataclass(frozen=True, slots=True)
class Rule:
    """`base` is the product's textual pattern that this rule stands for; `needles` the raw text when nothing parses."""

    id: str
    reason: str
    matches: Callable[[Sequence[Word]], bool]
    base: tuple[str, ...]
    needles: tuple[str, ...]
    suggestion: str = ""


def _options(words: Sequence[Word]) -> Iterator[str]:
    for word in words[1:]:
        if word.text == "--":
            return
        if word.text.startswith("-"):
            yield word.text


def _operands(words: Sequence[Word]) -> Iterator[str]:
    plain = False
    for word in words[1:]:
        if word.text == "--" and not plain:
            plain = True
        elif plain or not word.text.startswith("-"):
            yield word.text


def _asks_for_help(words: Sequence[Word]) -> bool:
    return any(word.text in _help for word in words[1:])


def _deletes_the_system(words: Sequence[Word]) -> bool:
    if basename(words[0].text) != "rm":
        return False
    options = tuple(_options(words))
    recursive = any(
        each in {"--recursive", "--no-preserve-root"} or (each[:2] != "--" and set(each) & {"r", "R"})
        for each in options
    )
    return recursive and any(_is_system(target) for target in _operands(words))


def _is_system(target: str) -> bool:
    path = target.rstrip("/") or "/"
    while path.endswith(("/*", "/.*")) or path in {"/*", "/.*"}:  # everything in it is as good as all of it
        path = path.rsplit("/", 1)[0] or "/"
    if path.startswith("/"):
        path = "/" + posixpath.normpath(path).strip("/")
    return path in _system


def _formats(words: Sequence[Word]) -> bool:
    name = basename(words[0].text)
    makes = name == "mkfs" or name.startswith("mkfs.") or name in {"mke2fs", "wipefs", "mkswap"}
    return makes and not _asks_for_help(words) and any(target.startswith("/") for target in _operands(words))


def _takes_the_host_down(words: Sequence[Word]) -> bool:
    name = basename(words[0].text)
    if _asks_for_help(words):
        return False
    if name in {"reboot", "halt", "poweroff"}:
        return not any(option in {"-w", "--wtmp-only"} for option in _options(words))
    if name == "shutdown":
        return not any(option in {"-c", "-k", "--show"} for option in _options(words))
    if name in {"init", "telinit"}:
        return any(level in {"0", "6"} for level in _operands(words))
    if name == "systemctl":
        verb = next(_operands(words), "")
        return verb in {
            "reboot",
            "poweroff",
            "halt",
            "kexec",
            "soft-reboot",
            "emergency",
            "rescue",
            "suspend",
            "hibernate",
        }
    return False


def _overwrites_a_device(words: Sequence[Word]) -> bool:
    if basename(words[0].text) != "dd":
        return False
    targets = [word.text[3:] for word in words[1:] if word.text.startswith("of=")]
    return any(target.startswith("/dev/") and not target.startswith(_harmless_devices) for target in targets)


def _says(*expected: str) -> Callable[[Sequence[Word]], bool]:
    """Whether the first words are these, each as any prefix: devices take abbreviations."""

    def matches(words: Sequence[Word]) -> bool:
        if len(words) < len(expected):
            return False
        return all(
            word.text and full.startswith(word.text.lower()) for word, full in zip(words, expected, strict=False)
        )

    return matches


def _starts_with(*names: str) -> Callable[[Sequence[Word]], bool]:
    return lambda words: words[0].text.lower() in names


posix_rules = (
    Rule(
        "posix.delete.root",
        "it deletes the system, or a whole part of it",
        _deletes_the_system,
        (r"rm\s+-rf\s+/",),
        (r"\brm\s+(-\S+\s+)*-\S*[rR]\S*\s+(-\S+\s+)*[\"']?(/|~|\$HOME)[\"']?(\s|\*|$)",),
        "name the folder that is really meant",
    ),
    Rule(
        "posix.format",
        "it makes a new file system and loses what was on the device",
        _formats,
        ("mkfs", r"\bmkfs\b", r"mkfs\."),
        (r"\bmkfs\b",),
    ),
    Rule(
        "posix.power",
        "it takes the host down",
        _takes_the_host_down,
        ("reboot", r"\breboot\b", "shutdown", r"\bshutdown\b"),
        (r"(^|[\s;&|(])(reboot|shutdown|halt|poweroff)(\s|$|[;&|)])",),
    ),
    Rule(
        "posix.raw_disk",
        "it writes over a device",
        _overwrites_a_device,
        (r"dd\s+.*of=/dev/", r"dd\s+.*of=/dev/.*"),
        (r"\bdd\s+.*\bof=/dev/(sd|hd|vd|xvd|nvme|mmcblk|mapper|dm-|md|loop)",),
        "write to a regular file, or check the device with lsblk first",
    ),
)

cli_rules = (
    Rule(
        "cli.erase",
        "it erases the device's saved configuration",
        lambda words: _says("write", "erase")(words) or _says("erase", "startup-config")(words),
        (r"write\s+erase", r"erase\s+startup-config"),
        (r"\bwrite\s+erase\b", r"\berase\s+startup-config\b"),
    ),
    Rule(
        "cli.power",
        "it takes the device down",
        _starts_with("reboot", "reload", "shutdown"),
        ("reboot", r"\breboot\b", "shutdown", r"\bshutdown\b"),
        (r"(^|\n)\s*(reboot|reload|shutdown)\b",),
    ),
)

# Typed by mistake on a posix host they mean nothing; the base deny list names them for every host all the same.
any_shell_rules = (
    Rule(
        "cli.erase",
        "it erases a network device's saved configuration",
        lambda words: [word.text for word in words[:2]] in (["write", "erase"], ["erase", "startup-config"]),
        (r"write\s+erase", r"erase\s+startup-config"),
        (r"\bwrite\s+erase\b", r"\berase\s+startup-config\b"),
    ),
)


def device_redirect(redirect: Redirect) -> Finding | None:
    """A redirection that writes over a disk."""
    target = redirect.target
    if ">" not in redirect.operator or not target.text.startswith(_devices):
        return None
    return Finding("posix.raw_disk", Level.DANGEROUS, "it writes over a device", (target.start, target.end))
