"""`mcp-ssh classify`: what the classifier says of commands. Nothing is run, and no configuration is read."""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from mcp_ssh.model.decision import Finding, Level, Verdict
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard
from mcp_ssh.safety.network.danger import grammars
from mcp_ssh.safety.network.grammar import platform_of

exit_blocked, exit_bad_line = 1, 2
posix_names = frozenset("posix linux busybox sh bash unix macos bsd".split())


def classify(commands: Sequence[str], platform: str, mode: str | None, *, as_json: bool) -> int:
    """Judge the commands, or the lines of stdin; 1 if one of them is blocked, 2 if a line of stdin was none."""
    if not _is_known(platform):
        print(f"mcp-ssh: there is no platform {platform!r}; judged as a device of any kind", file=sys.stderr)  # noqa: T201
    if commands:
        verdicts = [(command, verdict_of(command, platform, mode)) for command in commands]
        for command, verdict in verdicts:
            print(json.dumps(_row(command, verdict)) if as_json else _told(command, verdict))  # noqa: T201
        return exit_blocked if any(verdict.level is Level.DANGEROUS for _, verdict in verdicts) else 0
    return _lines(platform, mode)


def _lines(platform: str, mode: str | None) -> int:
    code = 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        asked = _asked(line)
        if asked is None:
            print(f'mcp-ssh: line {number} is no object with a text as "command"', file=sys.stderr)  # noqa: T201
            code = exit_bad_line
            continue
        command = asked["command"]
        verdict = verdict_of(command, str(asked.get("platform") or platform), asked.get("mode") or mode)
        print(json.dumps(_row(command, verdict)), flush=True)  # noqa: T201
        code = code or (exit_blocked if verdict.level is Level.DANGEROUS else 0)
    return code


def _asked(line: str) -> dict[str, Any] | None:
    try:
        asked = json.loads(line)
    except ValueError:
        return None
    is_one = isinstance(asked, dict) and isinstance(asked.get("command"), str)
    return asked if is_one and isinstance(asked.get("mode"), str | None) else None


def _is_known(platform: str) -> bool:
    name = platform_of(platform)
    return platform.lower() in posix_names or name in grammars or name == "mikrotik_routeros"


@cache
def _guard(platform: str) -> Guard:
    shell = Shell.POSIX if platform.lower() in posix_names else Shell.CLI
    return Guard.build(builtin=True, patterns=[], shell=shell, platform=platform)


def verdict_of(command: str, platform: str, mode: str | None) -> Verdict:
    """The judgement under the built-in rules alone."""
    return _guard(platform).classify(command, host="", mode=mode)


def _row(command: str, verdict: Verdict) -> dict[str, object]:
    return {
        "command": command,
        "level": verdict.level.value,
        "blocked": verdict.level is Level.DANGEROUS,
        "findings": [
            {
                "rule": found.rule,
                "level": found.level.value,
                "reason": found.reason,
                "span": list(found.span),
                "suggestion": found.suggestion,
            }
            for found in verdict.findings
        ],
        "canonical": list(verdict.canonical),
    }


def _told(command: str, verdict: Verdict) -> str:
    return "\n".join([f"{verdict.level.value}: {_plain(command)}", *_findings(command, verdict.findings)])


def _findings(command: str, findings: Sequence[Finding]) -> Iterator[str]:
    for found in findings:
        yield underlined(command, found.span)
        yield f"    {found.rule}: {found.reason}"
        if found.suggestion:
            yield f"    instead: {found.suggestion}"


def underlined(command: str, span: tuple[int, int]) -> str:
    """The line of the command that a span begins in, with the span underlined."""
    start = command.rfind("\n", 0, span[0]) + 1
    end = command.find("\n", start)
    line = command[start : end if end >= 0 else len(command)]
    size = max(min(span[1], start + len(line)) - span[0], 1)
    return f"    {_plain(line)}\n    {' ' * (span[0] - start)}{'^' * size}"


def _plain(text: str) -> str:
    """Text that a terminal shows and does not obey."""
    return "".join(char if char.isprintable() else "·" for char in text)
