"""`mcp-ssh plan`: what each layer says of a command on a host. Nothing is recorded, and nothing is sent to the host."""

import asyncio
import os
from pathlib import Path

from mcp_ssh.app import SystemClock
from mcp_ssh.cli.classify import underlined
from mcp_ssh.config.environment import Environment
from mcp_ssh.config.load import load
from mcp_ssh.config.snapshot import Configuration
from mcp_ssh.model.command import Context, Operation, Wish
from mcp_ssh.model.decision import Effect, Layer
from mcp_ssh.model.principal import Caller, Principal, Via
from mcp_ssh.service.judge import Judge
from mcp_ssh.service.plan import Planned, planned
from mcp_ssh.service.request import request_of
from mcp_ssh.transport.resolve import CachingResolver
from mcp_ssh_drivers.registry import known

_marks = {Effect.ALLOW: "yes", Effect.DENY: "no", Effect.CONFIRM: "asks"}


def plan(host: str, command: str, mode: str | None) -> int:
    """Print the plan; 0 if it would run, 1 if not."""
    environment = Environment.from_environ(os.environ, Path.home())
    judge = Judge(Configuration(lambda: load(environment, known)), CachingResolver(SystemClock()))
    caller = Caller(Principal("stdio:you", Via.STDIO))
    request = request_of(caller, Operation.PLAN, host, Wish(command), context=Context(mode=mode))
    found = asyncio.run(planned(judge, request))
    print("\n".join(told(found, command)))  # noqa: T201
    return 0 if found.would_run else 1


def told(found: Planned, command: str) -> list[str]:
    """A plan as lines."""
    verdict, wish = found.judged.verdict, found.judged.command
    lines = [f"{found.judged.host.name}: {verdict.level.value if verdict is not None else 'nothing'}"]
    lines += [_row(row) for row in found.trace]
    for each in verdict.findings if verdict is not None else ():
        lines += [underlined(command, each.span), f"    {each.rule}: {each.reason}"]
        lines += [f"    instead: {each.suggestion}"] if each.suggestion else []
    if verdict is not None:
        lines += [
            "judged as:",
            *(f"    {line}" for line in (*verdict.lines, *(f"> {path}" for path in verdict.writes))),
        ]
    if wish is not None:
        lines.append(f"limits: {wish.timeout_s:g} s, {wish.max_output_bytes} bytes of each output")
    if found.judged.decision.confirmable:
        lines.append("a confirmation would help: on stdio by the model once you agree, over the network by `override`")
    lines.append(_ending(found))
    lines.append("a command line cannot tell everything: the real boundary is the login's rights on the host")
    return lines


def _row(row: Layer) -> str:
    rule = "" if f"({row.rule})" in row.reason else f" ({row.rule})"
    return f"  {_marks[row.effect]:>4}  {row.name}: {row.reason}{rule}"


def _ending(found: Planned) -> str:
    if found.would_run:
        return "it would run"
    return "it would run once it is confirmed" if found.judged.decision.confirmable else "it would not run"
