"""A POSIX command line judged: carried out in the mind, and each program that would run shown to the rules."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_ssh.model.decision import Finding, Level
from mcp_ssh.safety.gate import homoglyph
from mcp_ssh.safety.posix import paths
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import State
from mcp_ssh.safety.posix.reading import only_reads
from mcp_ssh.safety.posix.rules import (
    accounts,
    clouds,
    containers,
    copies,
    databases,
    delete,
    disks,
    firewalls,
    interfaces,
    kernel,
    overwrite,
    packages,
    permissions,
    power,
    processes,
    services,
    traces,
    volumes,
)
from mcp_ssh.safety.posix.rules.rule import Hit, Rule
from mcp_ssh.safety.posix.runners import runners
from mcp_ssh.safety.posix.secrets import secrets_of
from mcp_ssh.safety.posix.text import printed, unknown
from mcp_ssh.safety.posix.walk import Walk

families = tuple(
    each.family
    for each in (
        accounts,
        clouds,
        containers,
        copies,
        databases,
        delete,
        disks,
        firewalls,
        interfaces,
        kernel,
        overwrite,
        packages,
        permissions,
        power,
        processes,
        services,
        traces,
        volumes,
    )
)
max_planted_lines = 200
_dangers = {
    "shell.dynamic": "give the command itself, as plain text",
    "shell.unparsable": "write it in a simpler way, one command a call",
    "shell.environment": "leave the variable as it is",
    "shell.wrapper": "leave the option out, or run the command without it",
}


def _table() -> tuple[dict[str, tuple[Rule, ...]], tuple[Rule, ...]]:
    by_name: dict[str, list[Rule]] = {}
    for family in families:
        for name, rules in family.by_name.items():
            by_name.setdefault(name, []).extend(rules)
    return {name: tuple(rules) for name, rules in by_name.items()}, tuple(
        rule for family in families for rule in family.for_all
    )


_by_name, _for_all = _table()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, the canonical lines, where each stands, and whether all of it was read and only reads."""

    findings: tuple[Finding, ...]
    canonical: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    parsed: bool
    reads: bool
    writes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    secrets: tuple[tuple[int, int], ...] = ()


def judge(text: str, *, directory: str | None = None, depth: int = 0) -> Judgement:
    """Judge a text. `directory` is where its shell stands; without it the login's home is taken, as it is unknown."""
    walk = Walk(runners)
    walk.text(text, State(cwd=directory))
    found = [*_findings(walk, depth)]
    if walk.is_uncertain:
        careful = Walk(runners, cautious=True)
        careful.text(text, State(cwd=directory))
        found += _findings(careful, depth)
    parsed = not any(problem.rule == "shell.unparsable" for problem in walk.problems)
    named = [call for call in walk.calls if call.name and not call.is_wrapper]
    return Judgement(
        tuple(found),
        tuple(call.canonical for call in named),
        tuple(call.span for call in named),
        parsed,
        parsed and bool(walk.calls) and all(only_reads(call) for call in walk.calls),
        tuple(dict.fromkeys(write.path.replace(unknown, "$…") for call in walk.calls for write in call.writes)),
        tuple(f"{call.prefix}{call.canonical}".replace(unknown, "$…") for call in named),
        secrets_of(walk.calls, text),
    )


def _findings(walk: Walk, depth: int) -> Iterator[Finding]:
    for problem in walk.problems:
        yield Finding(problem.rule, Level.DANGEROUS, problem.reason, problem.span, _dangers.get(problem.rule, ""))
    for call in walk.calls:
        yield from (_finding(hit, call) for hit in _hits(call))
        strange = homoglyph(call.name, call.span[0])
        if strange is not None:
            yield Finding(strange.rule, strange.level, strange.reason, call.span, strange.suggestion)
        if depth == 0:
            yield from _planted(call)
    yield from _encrypted(walk.calls)


def _hits(call: Call) -> Iterator[Hit]:
    for rule in _by_name.get(call.name, ()):
        yield from rule(call)
    for rule in _for_all:
        yield from rule(call)


def _finding(hit: Hit, call: Call) -> Finding:
    return Finding(hit.rule, Level.DANGEROUS, hit.reason, call.span, hit.suggestion)


# --- what is planted for later


def _planted(call: Call) -> Iterator[Finding]:
    """Commands that are written where something runs them later: profiles, units, tables of cron."""
    targets = [write.path for write in call.writes]
    if call.name == "tee":
        targets += [call.place(text) for text in call.verbs()]
    if call.name == "crontab":
        if call.has("-r", "-i") and not call.has("-l"):
            yield Finding("posix.planted", Level.DANGEROUS, "it removes the whole table of cron", call.span)
        if call.stdin is not None:
            targets.append("/var/spool/cron/own")
    if not any(paths.rc_file.fullmatch(target) for target in targets):
        return
    content = printed([call.name, *call.texts]) if call.name in {"echo", "printf"} else call.stdin or ""
    for line in content.replace(unknown, "x").split("\n")[:max_planted_lines]:
        for command in _commands_of(line):
            inner = judge(command, depth=1)
            dangers = [
                found
                for found in inner.findings
                if found.rule not in {"shell.unparsable", "shell.environment"} and not found.rule.startswith("bytes.")
            ]
            if dangers:
                reason = f"it plants a command that runs later: {dangers[0].reason}"
                yield Finding("posix.planted", Level.DANGEROUS, reason, call.span)
                return


_cron_fields = re.compile(r"\s*(@\w+|([\d*/,A-Za-z-]+\s+){5})\s*(.*)")
_unit_key = re.compile(
    r"\s*(Exec\w+|RUN\+?|::?\w*:\w*:\w+|command|pre-up|post-up|up|down|on-boot|post-invoke|DPkg::\S+|APT::\S+)\s*\+?=?\s*[\"{]?\s*[-@+!]*(.*?)[\"}]?;?\s*$"
)


def _commands_of(line: str) -> Iterator[str]:
    """The commands that a line of such a file may hold."""
    line = line.strip()
    if not line or line.startswith("#"):
        return
    if unit := _unit_key.match(line):
        yield unit[2]
        return
    if cron := _cron_fields.match(line):
        yield cron[3]
        user, _, rest = cron[3].partition(" ")
        if rest and re.fullmatch(r"[a-z_][\w-]*", user):
            yield rest
        return
    if not re.match(r"\[[\w ]+\]$|[A-Za-z]+=\S*$", line):
        yield line


# --- made unreadable, then deleted


def _encrypted(calls: Sequence[Call]) -> Iterator[Finding]:
    encrypting = [call for call in calls if copies.is_encrypting(call)]
    if not encrypting:
        return
    sources = {call.place(text) for call in encrypting for text in call.texts if not text.startswith("-")}
    at = calls.index(encrypting[0])
    for call in calls[at + 1 :]:
        removes = call.name in {"rm", "shred", "unlink", "srm", "wipe", "truncate"} or (
            call.name == "find" and "-delete" in call.texts
        )
        if not removes:
            continue
        targets = [call.place(text) for text in call.verbs()]
        if any(
            not paths.is_temporary(target)
            and (target in sources or unknown in target or "*" in target or call.name == "find")
            for target in targets
        ):
            yield Finding(
                "posix.encrypt", Level.DANGEROUS, "it makes files unreadable and deletes the originals", call.span
            )
            return
