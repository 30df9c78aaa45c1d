"""The `policy:` block: its form, its patterns, and the examples that its rules carry."""

import fnmatch
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import Field

from mcp_ssh.config.check import Checker
from mcp_ssh.config.fields import Bytes, Entry, PatternText, Seconds, Tag
from mcp_ssh.model.policy import Access, Action, Evaluation, LinePattern, NetworkPolicy, Policy, PolicyRule
from mcp_ssh.safety.patterns import Pattern, compile_pattern
from mcp_ssh.safety.posix.judge import judge

Glob = Annotated[str, Field(min_length=1, max_length=500)]
AccessName = Literal["unrestricted", "readonly", "restricted"]


class RuleEntry(Entry):
    """One rule: what it does with which commands on which hosts."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    action: Literal["allow", "deny", "confirm"]
    hosts: list[Glob] = Field(["*"], description="Globs of host names")
    tags: list[Tag] = Field([], description="Hosts with one of these tags; absent: all")
    commands: list[Glob] = Field([], description="Globs for a whole simple command, such as 'systemctl status *'")
    regex: list[PatternText] = Field([], description="Regular expressions for a whole simple command")
    match: list[str] = Field([], description="Commands that the rule must take; looked at when the file is read")
    not_match: list[str] = Field([], description="Commands that the rule must not take")


class NetworkEntry(Entry):
    """Which addresses may be dialled."""

    allow_cidrs: list[str] = Field([], description="Networks such as 10.0.0.0/8; absent: all")
    block_ips: list[str] = Field([], description="Addresses or networks that are never dialled")
    exempt_hosts: list[str] = Field([], description="Hosts whose address is not looked at")


class TagOverrideEntry(Entry):
    """What holds for the hosts with a tag; of several tags the strictest."""

    access: AccessName | None = None
    max_seconds: Seconds | None = None
    max_output_bytes: Bytes | None = None
    max_concurrent: Annotated[int, Field(ge=1, le=1_000)] | None = None
    idle_seconds: Seconds | None = None
    task_result_ttl: Seconds | None = None


class OverridesEntry(Entry):
    """Limits and access by tag."""

    tags: dict[Tag, TagOverrideEntry] = Field({}, description="By tag")


class PolicyEntry(Entry):
    """What may be run where. Absent: everything but what is dangerous."""

    default: Literal["allow", "deny", "confirm"] | None = Field(None, description="deny, once there are rules")
    evaluation: Literal["deny_overrides", "first_match", "last_match"] = "deny_overrides"
    deny_substrings: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        [], description="Texts that no command may hold"
    )
    rules: list[RuleEntry] = Field([], description="Once there is one, what none takes is denied")
    network: NetworkEntry = NetworkEntry()
    overrides: OverridesEntry = OverridesEntry()


@dataclass(frozen=True, slots=True)
class GlobPattern:
    """A glob for a whole line; `*` takes any characters."""

    text: str

    def takes(self, line: str) -> bool:
        """Whether it takes the whole line."""
        return fnmatch.fnmatchcase(line, self.text)


@dataclass(frozen=True, slots=True)
class RegexPattern:
    """A regular expression for a whole line."""

    text: str
    compiled: Pattern

    def takes(self, line: str) -> bool:
        """Whether it takes the whole line."""
        return self.compiled.search(line) is not None


def whole(text: str) -> LinePattern:
    """A regular expression that must take all of a line. Raises `PatternError`."""
    return RegexPattern(text, compile_pattern(rf"^(?:{text})$"))


def policy_of(checker: Checker, data: Any) -> tuple[Policy, Mapping[str, TagOverrideEntry]]:
    """The policy and the overrides by tag; faults go to the checker."""
    entry = checker.validate(PolicyEntry, data, ("policy",)) or PolicyEntry()
    rules = tuple(_rule(checker, rule, number) for number, rule in enumerate(entry.rules))
    default = entry.default or ("deny" if rules else "allow")
    network = entry.network
    return (
        Policy(
            rules=rules,
            default=Action(default),
            evaluation=Evaluation(entry.evaluation),
            deny_substrings=tuple(entry.deny_substrings),
            network=NetworkPolicy(
                allow=tuple(_networks(checker, network.allow_cidrs, "allow_cidrs")),
                block=tuple(_networks(checker, network.block_ips, "block_ips")),
                exempt=frozenset(network.exempt_hosts),
            ),
        ),
        entry.overrides.tags,
    )


def access_of(own: str | None, common: str | None, tags: list[TagOverrideEntry]) -> Access:
    """A host's own access, or the strictest of its tags, or that of the defaults."""
    order = [Access.UNRESTRICTED, Access.RESTRICTED, Access.READONLY]
    if own is not None:
        return Access(own)
    named = [Access(tag.access) for tag in tags if tag.access is not None]
    return max(named, key=order.index) if named else Access(common or "unrestricted")


def _rule(checker: Checker, entry: RuleEntry, number: int) -> PolicyRule:
    patterns: tuple[LinePattern, ...] = (*map(GlobPattern, entry.commands), *map(whole, entry.regex))
    for key, examples, wanted in (("match", entry.match, True), ("not_match", entry.not_match, False)):
        for place, example in enumerate(examples):
            lines = judge(example).lines or (example,)
            taken = not patterns or all(any(pattern.takes(line) for pattern in patterns) for line in lines)
            if taken is not wanted:
                state = "is not taken by the rule" if wanted else "is taken by the rule"
                checker.add(("policy", "rules", number, key, place), f"{example!r} {state}")
    return PolicyRule(entry.name, Action(entry.action), tuple(entry.hosts), frozenset(entry.tags), patterns)


def _networks(checker: Checker, texts: list[str], key: str) -> Iterator[IPv4Network | IPv6Network]:
    for place, text in enumerate(texts):
        try:
            yield ipaddress.ip_network(text)
        except ValueError as error:
            checker.add(("policy", "network", key, place), f"is no network such as 10.0.0.0/8: {error}")
