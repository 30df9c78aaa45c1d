"""hosts.yaml to a Snapshot: read, checked as a whole, merged, paths made absolute."""

import gc
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_ssh.config.added import Added, ReadAdded, nothing_added, read_added
from mcp_ssh.config.check import Checker
from mcp_ssh.config.environment import Environment, transports
from mcp_ssh.config.hostentry import CredentialEntry, DefaultsEntry
from mcp_ssh.config.hosts import Hosts, checking_of
from mcp_ssh.config.jumps import Jumps
from mcp_ssh.config.lines import YamlError, read
from mcp_ssh.config.logins import Logins
from mcp_ssh.config.merged import faults_of, merged
from mcp_ssh.config.modes import fault_of
from mcp_ssh.config.paths import Paths
from mcp_ssh.config.policy import TagOverrideEntry, policy_of
from mcp_ssh.config.schema import HostsFile, RateLimitEntry, ServerEntry
from mcp_ssh.config.settingsentry import SettingsEntry
from mcp_ssh.config.snapshot import Site, Snapshot
from mcp_ssh.config.sshentry import Algorithms, SshEntries, without_repeats
from mcp_ssh.config.tokens import default_token, tokens_of
from mcp_ssh.config.tunnels import check_apart, listener_of
from mcp_ssh.model.faults import ConfigurationError, Fault
from mcp_ssh.model.host import Inventory
from mcp_ssh.model.policy import Confirm, Policy
from mcp_ssh.model.principal import Token
from mcp_ssh.model.settings import AuditSettings, Settings

max_file_bytes = 1_048_576


Platforms = Callable[[str | None], Collection[str]]
"""The names of all profiles, with those of a folder; raises `ValueError` if that is not right."""


def _none(folder: str | None) -> Collection[str]:
    del folder
    return ()


_any: Algorithms = {}


def load(environment: Environment, platforms: Platforms = _none, algorithms: Algorithms = _any) -> Snapshot:
    """Read the file that the environment names, checked against `platforms` and `algorithms`, and the added hosts.

    Raises `ConfigurationError` with all faults.
    """
    path = environment.config
    with _without_collector():
        return parse(_text(path), path, environment, platforms, read_added, algorithms)


def parse(  # noqa: PLR0913, PLR0917  what it is checked against, and what is added
    text: str,
    path: Path,
    environment: Environment,
    platforms: Platforms = _none,
    added: ReadAdded = nothing_added,
    algorithms: Algorithms = _any,
) -> Snapshot:
    """The text of a file at `path`, which relative key paths are resolved against.

    Pure but for that, for `added`, and for the user's SSH configuration where a host wants it.
    """
    file = str(path)
    try:
        document = read(text)
    except YamlError as error:
        raise ConfigurationError([Fault(file, error.line, "(file)", error.message)]) from None
    checker = Checker(file, document)
    for duplicate in document.duplicates:
        checker.add(duplicate, "stands twice; YAML would keep the last one silently")
    snapshot = _Loader(checker, path, environment, platforms, added, algorithms).snapshot(document.data)
    if checker.faults:
        raise ConfigurationError(checker.faults)
    return snapshot


@contextmanager
def _without_collector() -> Iterator[None]:
    """The garbage collector rests: nearly all that is made meanwhile stays, and it would look at it again and again."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            fault, raw = fault_of(os.fstat(file.fileno()), path, is_secret=False), file.read(max_file_bytes + 1)
    except FileNotFoundError:
        raise ConfigurationError([_file_fault(path, "there is no such file; copy hosts.example.yaml there")]) from None
    except OSError as error:
        raise ConfigurationError([_file_fault(path, f"cannot be read: {error.strerror}")]) from None
    if fault:
        raise ConfigurationError([_file_fault(path, fault)])
    if len(raw) > max_file_bytes:
        raise ConfigurationError([_file_fault(path, f"has more than {max_file_bytes} bytes")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError([Fault(str(path), line, "(file)", "is not UTF-8")]) from None


def _file_fault(path: Path, message: str) -> Fault:
    return Fault(str(path), 1, "(file)", message)


class _Loader:
    """One pass over the data; faults go to the checker, and what has faults is left out."""

    def __init__(  # noqa: PLR0913, PLR0917  as for `parse`
        self,
        checker: Checker,
        path: Path,
        environment: Environment,
        platforms: Platforms,
        added: ReadAdded,
        algorithms: Algorithms,
    ) -> None:
        self._added = added
        self._platforms = platforms
        self._ssh = SshEntries(checker, str(environment.home), environment.environ, algorithms)
        self._checker = checker
        self._path = path
        self._environment = environment
        self._paths = Paths(environment.home, path.parent)

    def snapshot(self, data: Any) -> Snapshot:
        top = self._top(data)
        entry = self._checker.validate(SettingsEntry, top.get("settings", {}), ("settings",)) or SettingsEntry()
        rates = self._checker.validate(RateLimitEntry, top.get("rate_limit", {}), ("rate_limit",)) or RateLimitEntry()
        settings = replace(self._settings(entry, rates), tunnel_listener=listener_of(self._checker, top))
        keys_dir = self._environment.keys_dir or entry.keys_dir
        policy, overrides = policy_of(self._checker, top.get("policy", {}))
        added = self._added(settings.state_dir)
        inventory = self._inventory(top, settings, keys_dir, overrides, added)
        self._check_exempt(policy, inventory)
        warnings, seen = without_repeats(self._ssh.warnings), tuple(self._ssh.files.seen)
        path, tokens, site = str(self._path), self._tokens(top), self._site(top)
        return Snapshot(inventory, settings, path, tokens, site, policy, faults_of(added), warnings, seen)

    def _check_exempt(self, policy: Policy, inventory: Inventory) -> None:
        own = {host.name for host in inventory.hosts.values() if not host.is_added}
        for name in policy.network.exempt - own:
            what = f"there is no host {name!r}" if name not in inventory.hosts else f"{name!r} is an added host"
            self._checker.add(("policy", "network", "exempt_hosts"), what)

    def _site(self, top: Mapping[str, Any]) -> Site:
        entry = self._checker.validate(ServerEntry, top.get("server", {}), ("server",)) or ServerEntry()
        given = self._environment.network
        return Site(
            faces=transports[entry.transport] if given.faces is None else given.faces,
            host=given.host or entry.host,
            port=given.port or entry.port,
            public_base_url=given.public_base_url or entry.public_base_url,
            origins=tuple(entry.allowed_origins),
        )

    def _tokens(self, top: Mapping[str, Any]) -> tuple[Token, ...]:
        """Variables of them are looked at where somebody can come in by one; the form is checked anyway."""
        entries = self._checker.mapping(top.get("tokens", {}), ("tokens",))
        secret = self._environment.network.token
        environ = self._environment.environ if secret or self._environment.token else None
        own = tokens_of(self._checker, entries, environ)
        return (default_token(secret), *own) if secret is not None else own

    def _top(self, data: Any) -> Mapping[str, Any]:
        top = self._checker.mapping(data, ()) if data is not None else {}
        for key in top:
            if key not in HostsFile.model_fields:
                self._checker.unknown(key, HostsFile.model_fields, ())
        if "version" in top and (top["version"] != 1 or isinstance(top["version"], bool)):
            self._checker.add(("version",), "must be 1")
        return top

    def _inventory(
        self,
        top: Mapping[str, Any],
        settings: Settings,
        keys_dir: str | None,
        overrides: Mapping[str, TagOverrideEntry],
        added: Sequence[Added],
    ) -> Inventory:
        checker = self._checker
        defaults = checker.validate(DefaultsEntry, top.get("defaults", {}), ("defaults",)) or DefaultsEntry()
        shared = checker.mapping(top.get("credentials", {}), ("credentials",))
        credentials = {
            name: checker.validate(CredentialEntry, entry, ("credentials", name)) for name, entry in shared.items()
        }
        identity = f"{settings.state_dir}/identity"
        logins = Logins(checker, defaults, credentials, self._paths, keys_dir, identity)
        hosts = Hosts(
            checker,
            defaults,
            logins,
            settings.host_key_checking,
            self._known(settings),
            overrides,
            settings.confirm,
            self._ssh,
        )
        entries = checker.mapping(top.get("hosts", {}), ("hosts",))
        self._ssh.names = entries.keys()
        found = [hosts.host(name, entry) for name, entry in entries.items()]
        built = {host.name: host for host in found if host is not None}
        own = Jumps(checker, defaults.jump or (), self._with_ways(entries), built).tied()
        hosts_of_all = merged(checker, own, added, defaults, identity)
        check_apart(checker, [*hosts_of_all.values()])
        return Inventory(hosts_of_all)

    def _with_ways(self, entries: Mapping[str, Any]) -> Mapping[str, Any]:
        """The entries, with the ways of the user's SSH configuration where those lead through hosts of the file."""
        return {**entries, **{name: {**entries[name], "jump": hops} for name, hops in self._ssh.ways.items()}}

    def _known(self, settings: Settings) -> Collection[str]:
        try:
            return self._platforms(settings.profiles_dir)
        except ValueError as error:
            self._checker.add(("settings", "profiles_dir"), str(error))
            return self._platforms(None)

    def _settings(self, entry: SettingsEntry, rates: RateLimitEntry) -> Settings:
        absolute, given = self._paths.absolute, self._environment.rates
        return Settings(
            state_dir=absolute(entry.state_dir),
            profiles_dir=absolute(entry.profiles_dir) if entry.profiles_dir is not None else None,
            audit_log=absolute(self._environment.audit_log or entry.audit_log),
            secrets_dir=absolute(entry.secrets_dir) if entry.secrets_dir is not None else None,
            secret_command=tuple(entry.secret_command or ()),
            audit=AuditSettings(
                shows_command=entry.audit.log_command == "redacted",
                sync_always=entry.audit.sync == "always",
                rotate_bytes=entry.audit.rotate_bytes,
                key_env=entry.audit.key_env,
                also=tuple(entry.audit.also),
            ),
            recording_keep_days=entry.recording.keep_days if entry.recording.enabled else None,
            known_hosts=tuple(absolute(each) for each in entry.known_hosts),
            idle_timeout_s=entry.idle_timeout,
            shortens_idle="idle_timeout" not in entry.model_fields_set,
            command_timeout_s=entry.command_timeout,
            connect_timeout_s=entry.connect_timeout,
            reply_within_s=entry.reply_within,
            outputs_quota_bytes=entry.outputs.quota_bytes,
            outputs_ttl_s=entry.outputs.ttl,
            keepalive_interval_s=entry.keepalive_interval,
            max_command_chars=entry.max_command_chars,
            max_output_bytes=entry.max_output_bytes,
            max_sessions=entry.max_sessions,
            rate_limit_enabled=rates.enabled if given.enabled is None else given.enabled,
            calls_per_minute=given.per_minute or rates.requests_per_minute,
            calls_per_hour=given.per_hour or rates.commands_per_hour,
            host_key_checking=checking_of(entry.host_key_checking),
            deny_patterns=tuple(entry.deny_patterns),
            builtin_deny=entry.builtin_deny,
            confirm=Confirm(entry.confirm) if entry.confirm is not None else None,
            log_level=self._environment.log_level or entry.log_level,
            tool_groups=tuple(entry.tool_groups),
            max_parallel=entry.max_parallel,
            transfer_dir=absolute(entry.transfer_dir) if entry.transfer_dir is not None else None,
            task_result_ttl_s=entry.task_result_ttl,
            task_progress_interval_s=entry.task_progress_interval,
        )
