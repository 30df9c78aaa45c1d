"""One entry under `hosts`, merged with the defaults, as a Host."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mcp_ssh.config.check import Checker
from mcp_ssh.config.fields import Checking
from mcp_ssh.config.hostentry import DefaultsEntry, FilesEntry, HostEntry, LimitsEntry
from mcp_ssh.config.lines import Path
from mcp_ssh.config.logins import Logins
from mcp_ssh.config.policy import TagOverrideEntry, access_of, whole
from mcp_ssh.config.sshentry import SshEntries
from mcp_ssh.config.tunnels import check_ends
from mcp_ssh.model.host import Auth, AuthMethod, FileRules, Host, HostKeyChecking, Limits, Shell, TunnelTerms, Way
from mcp_ssh.model.policy import Confirm, LinePattern
from mcp_ssh.model.sshoptions import SshOptions

T = TypeVar("T")

_host_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_password_methods = {AuthMethod.PASSWORD, AuthMethod.KEYBOARD_INTERACTIVE}


def checking_of(value: Checking) -> HostKeyChecking:
    """The mode that a word or a YAML boolean means; YAML reads a bare `off` as false."""
    if isinstance(value, bool):
        return HostKeyChecking.STRICT if value else HostKeyChecking.OFF
    return HostKeyChecking(value)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Makes hosts; faults go to the checker."""

    checker: Checker
    defaults: DefaultsEntry
    logins: Logins
    checking: HostKeyChecking
    platforms: Collection[str]
    overrides: Mapping[str, TagOverrideEntry]
    confirm: Confirm | None
    ssh: SshEntries

    def host(self, name: str, data: Any) -> Host | None:
        """The host of that name; None where its entry has faults."""
        path: Path = ("hosts", name)
        if not _host_name.match(name):
            self.checker.add(path, "a host's name is 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or digit")
        check_ends(self.checker, data, path)
        entry = self.checker.validate(HostEntry, data, path)
        if entry is None:
            self._check_rest(data, path)
            return None
        configured = self.ssh.of(name, entry, path) if entry.ssh_config else None
        if configured is not None:
            entry = self.ssh.overlaid(entry, configured, path)
        dials_in = entry.connect == "tunnel"
        if entry.host is None and not dials_in:
            self.checker.add((*path, "host"), "is required")
        login = configured and self.ssh.login(entry, self.defaults, configured)
        login = login or self.logins.of(entry, path)
        if login is None or (entry.host is None and not dials_in):
            return None
        user, auth = login
        shell = Shell(entry.shell or self.defaults.shell or "posix")
        self._check_terminal_keys(entry, shell, path)
        tags = frozenset(_first(entry.tags, self.defaults.tags, []))
        overriding = [self.overrides[tag] for tag in sorted(tags) if tag in self.overrides]
        return Host(
            name=name,
            address=entry.host or name,
            user=user,
            auth=auth,
            port=22 if dials_in else entry.port or self.defaults.port or 22,
            shell=shell,
            prompt_regex=self._prompt(entry, shell, path),
            platform=self._platform(entry, shell, path),
            charset=self._charset(entry, shell, path),
            enable_env=self._enable(entry, shell, path),
            sudo_env=entry.sudo_env or self.defaults.sudo_env,
            multiline=_first(entry.multiline, self.defaults.multiline, False),
            always_verified=(entry.commit or self.defaults.commit) == "verified",
            init_commands=tuple(_first(entry.init_commands, self.defaults.init_commands, [])),
            login_dialogue=tuple(
                (step.match, step.send) for step in _first(entry.login_dialogue, self.defaults.login_dialogue, [])
            ),
            description=entry.description or self.defaults.description or "",
            tags=tags,
            enabled=_first(entry.enabled, self.defaults.enabled, True),
            host_key=entry.host_key or self.defaults.host_key,
            host_key_checking=self._checking(entry, auth, path, strict=configured is not None and configured.strict),
            deny_patterns=(*(self.defaults.deny_patterns or ()), *(entry.deny_patterns or ())),
            limits=limits_of(entry.limits, self.defaults.limits, overriding),
            access=access_of(entry.access or entry.mode, self.defaults.access or self.defaults.mode, overriding),
            allow_patterns=self._allowed(entry, path),
            fast=_first(entry.fast, self.defaults.fast, True),
            legacy_crypto=_first(entry.legacy_crypto, self.defaults.legacy_crypto, False),
            way=self._way(entry, shell, path),
            command=tuple(entry.command or self.defaults.command or ()),
            tunnel=self._tunnel(entry, path),
            files=files_of(entry.files or self.defaults.files),
            ssh=configured.options if configured is not None else SshOptions(),
            confirm=_confirm(entry) or _confirm(self.defaults) or self.confirm,
        )

    def _allowed(self, entry: HostEntry, path: Path) -> tuple[LinePattern, ...]:
        given = (*(self.defaults.allow_patterns or ()), *(entry.allow_patterns or ()))
        if (
            entry.allow_patterns
            and (entry.access or entry.mode) != "restricted"
            and self.defaults.access != "restricted"
        ):
            self.checker.add((*path, "allow_patterns"), "counts only with `access: restricted`")
        return tuple(whole(text) for text in given)

    def _tunnel(self, entry: HostEntry, path: Path) -> TunnelTerms | None:
        if entry.tunnel is None:
            return None
        file = self.logins.file((*path, "tunnel", "device_key_file"), entry.tunnel.device_key_file)
        return TunnelTerms(entry.tunnel.port, file or "")

    def _way(self, entry: HostEntry, shell: Shell, path: Path) -> Way:
        if entry.connect == "tunnel":
            return Way.TUNNEL
        way = Way(entry.transport or self.defaults.transport or "asyncssh")
        has_command = (entry.command or self.defaults.command) is not None
        if has_command != (way is Way.COMMAND):
            words = "is required for transport command" if not has_command else "counts only with transport: command"
            self.checker.add((*path, "command"), words)
        if way is Way.COMMAND and shell is Shell.POSIX:
            self.checker.add((*path, "shell"), "must be cli for transport command: a console has no exec channels")
        return way

    def _check_rest(self, data: Any, path: Path) -> None:
        """Where an entry has faults, the others are told as well: nobody wants to mend a file in rounds."""
        entry, bad = self.checker.rest(DefaultsEntry, data, path)
        if isinstance(data, Mapping) and "host" not in data and not data.get("ssh_config"):
            self.checker.add((*path, "host"), "is required")
        if not bad & {"user", "auth", "credentials"}:
            self.logins.of(entry, path)
        if not bad & {"shell", "prompt_regex", "platform"}:
            shell = Shell(entry.shell or self.defaults.shell or "posix")
            self._prompt(entry, shell, path)
            self._platform(entry, shell, path)

    def _prompt(self, entry: DefaultsEntry, shell: Shell, path: Path) -> str | None:
        prompt = entry.prompt_regex or self.defaults.prompt_regex
        known = entry.platform or self.defaults.platform
        if shell is Shell.CLI and prompt is None and known is None:
            self.checker.add(
                (*path, "prompt_regex"), r"is required for a cli host without `platform`, such as '[\w.-]+[>#]\s*$'"
            )
        if shell is Shell.POSIX and entry.prompt_regex is not None:
            self.checker.add((*path, "prompt_regex"), "has no meaning for a posix host; write shell: cli with it")
        return prompt if shell is Shell.CLI else None

    def _platform(self, entry: DefaultsEntry, shell: Shell, path: Path) -> str | None:
        if shell is Shell.POSIX:
            if entry.platform is not None:
                self.checker.add((*path, "platform"), "has no meaning for a posix host; write shell: cli with it")
            return None
        name = entry.platform or self.defaults.platform
        if name is not None and name not in self.platforms:
            near = difflib.get_close_matches(name, self.platforms, n=1)
            guess = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(self.platforms)) or 'none'}"
            self.checker.add((*path, "platform"), f"there is no profile {name!r}, {guess}")
        return name

    def _enable(self, entry: DefaultsEntry, shell: Shell, path: Path) -> str | None:
        if shell is Shell.POSIX:
            if entry.enable_env is not None:
                self.checker.add((*path, "enable_env"), "has no meaning for a posix host")
            return None
        if entry.enable_env is not None and (entry.platform or self.defaults.platform) is None:
            self.checker.add((*path, "enable_env"), "needs `platform`: it tells how the privileged mode is entered")
        return entry.enable_env or self.defaults.enable_env

    def _check_terminal_keys(self, entry: DefaultsEntry, shell: Shell, path: Path) -> None:
        for key in ("commit", "init_commands", "login_dialogue", "multiline"):
            if shell is Shell.POSIX and getattr(entry, key) is not None:
                self.checker.add((*path, key), "has no meaning for a posix host")

    def _charset(self, entry: DefaultsEntry, shell: Shell, path: Path) -> str | None:
        if shell is Shell.POSIX:
            if entry.charset is not None:
                self.checker.add((*path, "charset"), "has no meaning for a posix host: its output is given as bytes")
            return None
        return entry.charset or self.defaults.charset

    def _checking(self, entry: HostEntry, auth: Auth, path: Path, *, strict: bool) -> HostKeyChecking:
        given = entry.host_key_checking if entry.host_key_checking is not None else self.defaults.host_key_checking
        if strict and entry.host_key_checking is None:
            return HostKeyChecking.STRICT
        checking = self.checking if given is None else checking_of(given)
        pinned = entry.host_key or self.defaults.host_key
        if checking is HostKeyChecking.OFF and auth.method in _password_methods and pinned is None:
            self.checker.add(
                (*path, "host_key_checking"),
                "off would send the password to whoever answers; use accept-new, or pin the key with host_key",
            )
        return checking


def _confirm(entry: DefaultsEntry) -> Confirm | None:
    return Confirm(entry.confirm) if entry.confirm is not None else None


def _first(own: T | None, common: T | None, otherwise: T) -> T:
    return own if own is not None else common if common is not None else otherwise


def files_of(entry: FilesEntry | None) -> FileRules:
    """The rules of an entry; without one everything is open."""
    if entry is None:
        return FileRules()
    return FileRules(tuple(entry.roots or ("/",)), tuple(entry.deny_paths), entry.max_bytes)


def limits_of(own: LimitsEntry | None, common: LimitsEntry | None, tags: Sequence[TagOverrideEntry]) -> Limits:
    """The host's own, before the strictest of its tags, before the defaults."""
    merged: dict[str, Any] = common.model_dump(exclude_none=True) if common is not None else {}
    of_tags = [tag.model_dump(exclude_none=True, exclude={"access"}) for tag in tags]
    merged |= {key: min(each[key] for each in of_tags if key in each) for each in of_tags for key in each}
    merged |= own.model_dump(exclude_none=True) if own is not None else {}
    return Limits(**merged)
