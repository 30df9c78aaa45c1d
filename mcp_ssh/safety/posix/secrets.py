"""Where secrets stand in a command line, by the options and operands of the programs that take one.

The audit log leaves out what stands there. What a variable holds is not shown in the text and needs no hiding.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.text import unknown

Span = tuple[int, int]

_long = re.compile(
    r"--?(?:[a-z0-9]+[-_.])*(?:password|passwd|passphrase|pass|pw|token|secret|api[-_]?key|access[-_]?key|secret[-_]?key"
    r"|auth[-_]?key|private[-_]?key[-_]?pass\w*|psk|pin|community|oauth2-bearer|bearer|credentials?)",
    re.IGNORECASE,
)
least_chars = 3
_files = re.compile(
    r"-(?:stdin|file|prompt|command|path|store|env|fd|timeout|policy|length|lifetime|ttl)\b", re.IGNORECASE
)
"""Options whose name goes on like this name a place, not a secret."""

_options = {
    "mysql mysqldump mysqladmin mysqlimport mysqlshow mariadb mariadb-dump mariadb-admin mysqlsh": ("-p=",),
    "redis-cli valkey-cli": ("-a", "--pass"),
    "sshpass": ("-p",),
    "mongo mongosh mongodump mongorestore": ("-p",),
    "ldapsearch ldapmodify ldapadd ldapdelete ldappasswd": ("-w", "-s", "-a"),
    "docker podman nerdctl helm skopeo buildah crane az": ("-p",),
    "ipmitool": ("-P",),
    "snmpget snmpwalk snmpset snmpbulkwalk snmpgetnext snmptable": ("-c", "-A", "-X"),
    "sqlcmd bcp tsql": ("-P",),
    "mosquitto_pub mosquitto_sub": ("-P",),
    "zip unzip": ("-P",),
    "7z 7za 7zr unrar rar": ("-p=",),
    "openssl": ("-k", "-K", "-passin", "-passout", "-pass"),
    "useradd usermod": ("-p",),
    "gpg gpg2": ("--passphrase",),
    "smbclient rpcclient net": ("-U%",),
    "curl": ("-u:", "--user:", "-U:", "--proxy-user:", "--oauth2-bearer", "--pass", "--proxy-pass"),
    "wget": ("--password", "--http-password", "--ftp-password", "--proxy-password"),
    "xfreerdp rdesktop": ("-p", "/p:"),
    "ansible ansible-playbook": (),
}
"""Options by program. Behind `=`: the value stands in the same word only; behind `:` and `%`: behind that sign in it."""

_only_to_log_in = frozenset("docker podman nerdctl helm skopeo buildah crane az".split())
_told_on_input = {
    "sudo": ("-S", "--stdin"),
    "passwd": ("--stdin",),
    "smbpasswd": ("-s",),
    "cryptsetup": ("-q", "-d", "--key-file"),
}

_by_name = {name: options for names, options in _options.items() for name in names.split()}
_header = re.compile(r"(?i)(?:authorization|proxy-authorization|cookie|x-[\w-]*(?:key|token|auth)[\w-]*)\s*:\s*(.+)")
_scheme = re.compile(r"(?i)(?:bearer|basic|token|digest)\s+")


def secrets_of(calls: Iterable[Call], text: str) -> tuple[Span, ...]:
    """Where they stand in the whole text; in a script within, wherever its value stands."""
    found = list[Span]()
    for call in calls:
        for value, start, end in _values(call):
            if value and unknown not in value:
                found += _spans(value, text, start, end, call.span)
    return _merged(found)


def _values(call: Call) -> Iterator[tuple[str, int, int]]:
    """Each secret with where the word stands that holds it."""
    yield from _of_options(call)
    yield from _of_operands(call)
    yield from _of_input(call)


def _of_options(call: Call) -> Iterator[tuple[str, int, int]]:
    own = _by_name.get(call.name, ())
    if call.name in _only_to_log_in and "login" not in call.texts:
        own = ()
    for arg, after in zip_longest(call.args, call.args[1:]):
        text = arg.text
        name, has_value, value = text.partition("=")
        if _long.fullmatch(name) and not _files.search(name):
            if has_value:
                yield value, arg.start, arg.end
            elif after is not None and not after.text.startswith("-"):
                yield after.text, after.start, after.end
        for option in own:
            plain, sign = option.rstrip("=:%"), option[-1] if option[-1] in "=:%" else ""
            if sign != "=" and text == plain and after is not None:
                yield _behind(after.text, sign), after.start, after.end
            elif text.startswith(plain) and len(plain) == 2 and len(text) > 2 and not text.startswith("--"):
                yield _behind(text[2:].removeprefix("="), sign), arg.start, arg.end
        if call.name == "curl" and (header := _header.fullmatch(text)):
            yield _scheme.sub("", header[1], count=1), arg.start, arg.end


def _behind(text: str, sign: str) -> str:
    if sign in {"", "="}:
        return text
    return text.partition(sign)[2]


def _of_operands(call: Call) -> Iterator[tuple[str, int, int]]:
    words = call.operands({"-C"})
    texts = [word.text for word in words]
    if call.name == "htpasswd" and call.has("-b") and len(words) > 1:
        yield texts[-1], words[-1].start, words[-1].end
    if call.name == "openssl" and texts[:1] == ["passwd"]:
        yield from ((word.text, word.start, word.end) for word in words[1:])
    if call.name == "aws" and texts[:2] == ["configure", "set"] and len(words) > 3 and _long.fullmatch(f"--{texts[2]}"):
        yield texts[3], words[3].start, words[3].end
    if call.name == "rclone" and texts[:1] == ["obscure"] and len(words) > 1:
        yield texts[1], words[1].start, words[1].end


def _of_input(call: Call) -> Iterator[tuple[str, int, int]]:
    """What it is told on its input, by `echo`, a pipe or a heredoc."""
    given = call.stdin or ""
    if call.name == "chpasswd":
        yield from ((line.partition(":")[2], *call.span) for line in given.splitlines())
    if call.has(*_told_on_input.get(call.name, ()), "--password-stdin", "--pass-stdin", "--passphrase-fd"):
        yield from ((line, *call.span) for line in given.splitlines() if line)


def _spans(value: str, text: str, start: int, end: int, call: Span) -> Iterator[Span]:
    at = text.find(value, start, end)
    if at >= 0:
        yield at, at + len(value)
        return
    places = [] if len(value) < least_chars else [found.span() for found in re.finditer(re.escape(value), text)]
    if places:
        yield from places
    elif 0 <= start < end <= len(text) and call[0] <= start and end <= call[1]:
        yield start, end  # it is quoted in pieces: the whole word goes
    else:
        yield call


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged = list[Span]()
    for start, end in sorted(set(spans)):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)
