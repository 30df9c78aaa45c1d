"""`~/.ssh/config` as hosts.yaml: each name of a `Host` line becomes a host, as ssh itself would see it.

Wildcards give defaults and become no hosts. Every line of the configuration is taken, became something else, or was
left, and the report says which, with file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_ssh.imports.report import Report, host_name
from mcp_ssh.sshconfig.keywords import is_off
from mcp_ssh.sshconfig.lines import Line
from mcp_ssh.sshconfig.meaning import Meaning, meaning_of
from mcp_ssh.sshconfig.patterns import is_pattern
from mcp_ssh.sshconfig.reader import Entry, Reader

_by_ssh = frozenset(
    "proxycommand gssapiauthentication pkcs11provider knownhostscommand hostbasedauthentication bindinterface".split()
)
"""What only the system's ssh does."""

_own_keys = ("hostname", "user", "port", "stricthostkeychecking")
_kept_there = frozenset(
    """
    hostkeyalias hostkeyalgorithms kexalgorithms ciphers macs pubkeyacceptedalgorithms userknownhostsfile
    globalknownhostsfile identityagent identitiesonly serveraliveinterval connecttimeout preferredauthentications
    pubkeyauthentication passwordauthentication kbdinteractiveauthentication addressfamily bindaddress compression
    """.split()
)
"""What has no key of its own in hosts.yaml, and counts by `ssh_config: true`."""


@dataclass(slots=True)
class _Import:
    report: Report
    reader: Reader
    environ: Mapping[str, str]
    told: set[str] = field(default_factory=set)

    def host(self, name: str) -> None:
        entry = self.reader.entry(name)
        meaning = meaning_of(entry, self.reader.local, self.environ)
        made: dict[str, Any] = {"host": meaning.host, "port": None if meaning.port == 22 else meaning.port}  # noqa: PLR2004
        made["user"] = self._user(name, meaning)
        by_ssh = [line for keyword in sorted(_by_ssh) for line in self._on(entry, keyword)]
        by_ssh += self._on_tokens(entry, meaning)
        made |= self._login(name, entry, meaning, by_ssh)
        if by_ssh:
            made["transport"] = "openssh"
            made["host"] = name
            words = ", ".join(f"{line.written} at {line.place}" for line in by_ssh)
            self.report.changed.append(f"host {name!r}: `transport: openssh`, the system's ssh, for {words}")
        elif any(self._on(entry, keyword) for keyword in _kept_there):
            self._by_configuration(name, entry, made)
        if not by_ssh:
            self._jump(name, entry, meaning)
        if meaning.strict:
            made["host_key_checking"] = "strict"
        self.report.host(name, made)
        taken = [line for keyword in _own_keys for line in self._on(entry, keyword)]
        if taken:
            self.report.taken.append(
                f"host {name!r}: " + ", ".join(f"{line.written} at {line.place}" for line in taken)
            )
        self._leave(name, entry, meaning, is_by_ssh=bool(by_ssh))

    def _on(self, entry: Entry, keyword: str) -> list[Line]:
        """The lines that switch something on."""
        return [line for line in entry.settings.get(keyword, ()) if not is_off(line)]

    def _on_tokens(self, entry: Entry, meaning: Meaning) -> list[Line]:
        """Keys on a hardware token, where there are no others: the system's ssh speaks to those."""
        pairs = [*zip(meaning.identities.files, self._on(entry, "identityfile"), strict=False)]
        if any(Path(path).is_file() and not _is_on_token(path) for path, _ in pairs):
            return []
        return [line for path, line in pairs if _is_on_token(path)]

    def _user(self, name: str, meaning: Meaning) -> str:
        if meaning.user is None:
            self.report.changed.append(
                f"host {name!r}: it names no user; {self.reader.local.user!r} is written, as ssh does"
            )
        return meaning.user or self.reader.local.user

    def _login(self, name: str, entry: Entry, meaning: Meaning, by_ssh: list[Line]) -> dict[str, Any]:
        """The first key that exists, with its certificate; else the agent."""
        lines = self._on(entry, "identityfile")
        pairs = [*zip(meaning.identities.files, lines, strict=False)] if lines else []
        there = [(path, line) for path, line in pairs if Path(path).is_file() and not _is_on_token(path)]
        for path, line in pairs:
            if (path, line) not in there and not by_ssh:
                self.report.left.append(
                    f"host {name!r}: {line.written} {path} at {line.place}: no key file that is read here"
                )
        if not there or by_ssh:
            if not by_ssh:
                self.report.changed.append(f"host {name!r}: it names no key that exists; the ssh-agent is used")
            return {"auth": {"method": "agent"}}
        path = there[0][0]
        self.report.taken.append(f"host {name!r}: {there[0][1].written} at {there[0][1].place}")
        for further, line in there[1:]:
            self.report.left.append(f"host {name!r}: {line.written} {further} at {line.place}: a host has one key")
        certificate = next((each for each in meaning.identities.certificates if Path(each).is_file()), None)
        if certificate or Path(f"{path}-cert.pub").is_file():
            auth = {"method": "certificate", "key_path": path, "certificate_path": certificate}
            return {"auth": {key: value for key, value in auth.items() if value}}
        return {"auth": {"method": "key", "key_path": path}}

    def _by_configuration(self, name: str, entry: Entry, made: dict[str, Any]) -> None:
        kept = [line for keyword in sorted(_kept_there) for line in self._on(entry, keyword)]
        if host_name(name) != name:  # it is looked up by the name that the host has
            for line in kept:
                self.report.left.append(
                    f"host {name!r}: {line.written} at {line.place}: the host has another name here"
                )
            return
        made["ssh_config"] = True
        words = ", ".join(f"{line.written} at {line.place}" for line in kept)
        self.report.changed.append(f"host {name!r}: `ssh_config: true`, so that it stays where it is: {words}")

    def _jump(self, name: str, entry: Entry, meaning: Meaning) -> None:
        line = entry.line("proxyjump")
        if line is not None and not is_off(line):
            self.report.ways[host_name(name)] = meaning.jump
            self.report.changed.append(f"host {name!r}: `jump`, for ProxyJump at {line.place}")

    def _leave(self, name: str, entry: Entry, meaning: Meaning, *, is_by_ssh: bool) -> None:
        notes = [*meaning.warnings, *meaning.moot, *(note for note in entry.faults)]
        for note in notes:
            if is_by_ssh and note in meaning.warnings:
                continue  # ssh does it
            text = f"{note.keyword} at {note.file}:{note.line} {note.message}"
            if text not in self.told:
                self.told.add(text)
                self.report.left.append(text)
        others = meaning.faults if not is_by_ssh else []
        for note in others:
            if note not in entry.faults and note.keyword.lower() not in {"proxyjump", *_by_ssh}:
                self.report.left.append(f"host {name!r}: {note}")


def _is_on_token(path: str) -> bool:
    """Whether the private half lies on a hardware key, which the agent or the system's ssh speaks to."""
    try:
        return b"sk-" in Path(f"{path}.pub").read_bytes()[:32]
    except OSError:
        return False


def take(reader: Reader, environ: Mapping[str, str], report: Report) -> None:
    """Take every host that is named; ways through jump hosts are left in `report.ways`."""
    found = _Import(report, reader, environ)
    names: dict[str, None] = {}
    for line in reader.names():
        if line.keyword == "match":
            report.changed.append(f"Match at {line.place}: what it says became part of the hosts that it is about")
            continue
        for word in line.words:
            if is_pattern(word):
                report.changed.append(
                    f"Host {word} at {line.place}: a pattern is no host; what it says became part of those it is about"
                )
            else:
                names[word] = None
    for name in names:
        found.host(name)


def untied(report: Report) -> None:
    """Leave hosts to the system's ssh whose jump host is: nobody else can go through it."""
    for name, entry in report.hosts.items():
        hops = [hop for hop in entry.get("jump", ()) if report.hosts[hop].get("transport") == "openssh"]
        if hops:
            for key in ("jump", "ssh_config", "port"):
                entry.pop(key, None)
            entry.update(host=name, auth={"method": "agent"}, transport="openssh")
            report.changed.append(f"host {name!r}: `transport: openssh`, as its jump host {hops[0]!r} has")
