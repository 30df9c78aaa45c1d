"""Hosts with `ssh_config: true`: what the user's own SSH configuration says of them, under what hosts.yaml says."""

import getpass
import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_ssh.config.check import Checker
from mcp_ssh.config.fields import is_address
from mcp_ssh.config.hostentry import DefaultsEntry, HostEntry
from mcp_ssh.config.lines import Path
from mcp_ssh.model.faults import Fault
from mcp_ssh.model.host import Auth, AuthMethod
from mcp_ssh.model.sshoptions import SshOptions
from mcp_ssh.sshconfig.disk import DiskFiles, usual_sources
from mcp_ssh.sshconfig.meaning import Meaning, meaning_of
from mcp_ssh.sshconfig.reader import Local, Note, Reader

Algorithms = Mapping[str, Collection[str]]
"""The algorithms that our SSH library knows, by the keywords of ssh_config in lower case."""


def this_user(home: str) -> Local:
    """Who reads the configuration, and where."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        name = str(os.getuid())
    return Local(name, home, os.getuid(), socket.gethostname())


@dataclass(slots=True)
class SshEntries:
    """Looks hosts up; faults go to the checker, and what is not done is kept in `warnings`.

    `names` are all hosts of the file, through which a ProxyJump may lead: `ways` are those that do, by host.
    """

    checker: Checker
    home: str
    environ: Mapping[str, str]
    known: Algorithms
    warnings: list[Fault] = field(default_factory=list)
    files: DiskFiles = field(default_factory=DiskFiles)
    names: Collection[str] = ()
    ways: dict[str, list[str]] = field(default_factory=dict)

    def of(self, name: str, entry: HostEntry, path: Path) -> Meaning:
        """What is said of the host of that name."""
        local = this_user(self.home)
        reader = Reader(self.files, usual_sources(self.home), local)
        meaning = meaning_of(reader.entry(name), local, self.environ, self.known)
        if entry.transport == "openssh":  # ssh reads it by itself, all of it
            meaning.options = SshOptions(name=name, key_name=meaning.options.key_name)
            return meaning
        faults = [str(note) for note in meaning.faults if not self._is_way(name, entry, meaning, note)]
        if faults:
            advice = "`transport: openssh` leaves it all to the system's ssh"
            self.checker.add((*path, "ssh_config"), f"{'; '.join(faults)}; {advice}")
        self.warnings += [_warning(name, note) for note in (*meaning.warnings, *meaning.moot)]
        return meaning

    def _is_way(self, name: str, entry: HostEntry, meaning: Meaning, note: Note) -> bool:
        """Whether it is about a ProxyJump that is taken, or that `jump` in hosts.yaml takes the place of."""
        if note.keyword.lower() != "proxyjump":
            return False
        hops = [hop.strip() for hop in meaning.jump.split(",")]
        if entry.jump is None and all(hop in self.names for hop in hops):
            self.ways[name] = hops
        return entry.jump is not None or name in self.ways

    def overlaid(self, entry: HostEntry, meaning: Meaning, path: Path) -> HostEntry:
        """The host's entry with what only the SSH configuration says; a shared login brings its own user."""
        if entry.host is None and not is_address(meaning.host):
            self.checker.add((*path, "ssh_config"), f"HostName {meaning.host!r} is no host name or IP address")
        more: dict[str, Any] = {"host": meaning.host, "port": meaning.port}
        if entry.credentials is None:
            more["user"] = meaning.user
        given = {key: value for key, value in more.items() if value is not None and getattr(entry, key) is None}
        return entry.model_copy(update=given)

    def login(self, entry: HostEntry, defaults: DefaultsEntry, meaning: Meaning) -> tuple[str, Auth] | None:
        """User and keys, unless the host's entry says how to log in, or the defaults do and no key is named."""
        if entry.auth is not None or entry.credentials is not None:
            return None
        if not meaning.identities_named and (defaults.auth is not None or defaults.credentials is not None):
            return None
        user = entry.user or defaults.user or this_user(self.home).user
        return user, Auth(AuthMethod.SSH_CONFIG, identities=meaning.identities)


def _warning(name: str, note: Note) -> Fault:
    return Fault(note.file, note.line, note.keyword, f"{note.message} (host {name})")


def without_repeats(warnings: list[Fault]) -> tuple[Fault, ...]:
    """One warning for each line of a configuration, however many hosts it is about."""
    first: dict[tuple[str, int, str], Fault] = {}
    for each in warnings:
        place = (each.file, each.line, each.key)
        if place not in first:
            first[place] = each
        elif not first[place].message.endswith("and others)"):
            first[place] = replace(first[place], message=f"{first[place].message[:-1]} and others)")
    return tuple(first.values())
