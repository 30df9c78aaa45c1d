"""What a model sees of an answer: the structured result, and a text beside it."""

from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from mcp_ssh import __version__
from mcp_ssh.audit.scrub import Needles, scrubbed_text
from mcp_ssh.config.snapshot import Changes
from mcp_ssh.face.hygiene import clean, one_line
from mcp_ssh.face.schemas import (
    Connected,
    Disconnected,
    FindingRow,
    HostList,
    HostRow,
    LayerRow,
    Plan,
    Pong,
    Reloaded,
    SessionList,
    SessionRow,
    Sparse,
)
from mcp_ssh.model.decision import Layer
from mcp_ssh.model.errors import AuditUnavailableError, McpSshError
from mcp_ssh.model.host import Host
from mcp_ssh.model.refusals import DeniedError
from mcp_ssh.model.result import (
    HostKey,
    SessionView,
)
from mcp_ssh.service.daemon import Health
from mcp_ssh.service.inventory import HostView
from mcp_ssh.service.pipeline import Done
from mcp_ssh.service.plan import Planned
from mcp_ssh.service.records import where
from mcp_ssh.service.shells import Shell
from mcp_ssh.sessions.session import Session


def reply(view: BaseModel, text: str, *, is_error: bool = False) -> CallToolResult:
    """A result in both forms."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=view.model_dump(mode="json", exclude_none=isinstance(view, Sparse)),
        is_error=is_error,
    )


def without_secrets(result: Any, needles: Needles) -> Any:
    """The last look at a reply: whatever brought it there, no secret of ours is in it."""
    if not isinstance(result, CallToolResult) or not needles.look():
        return result
    for block in result.content:
        if isinstance(block, TextContent):
            block.text = scrubbed_text(block.text, needles)
    result.structured_content = scrubbed(result.structured_content, needles)
    return result


def scrubbed(value: Any, needles: Needles) -> Any:
    """A value of JSON without secrets of ours in any text of it."""
    match value:
        case str():
            return scrubbed_text(value, needles)
        case dict():
            return {name: scrubbed(part, needles) for name, part in value.items()}
        case list():
            return [scrubbed(part, needles) for part in value]
        case _:
            return value


_says_what_was_sent = (
    "nothing was sent",
    "no content was read or written",
    "nothing was written",
    "nothing was kept here",
    "the file is as it was",
    "whether the file was replaced is not known",
    "some of it may have been appended",
)


def refusal(error: McpSshError) -> CallToolResult:
    """An error: what happened, whether anything was sent, whether the same call may be repeated, the next step."""
    lines = [f"{error.code}: {clean(error.message)}".replace("\n", "\n  ")]  # no line of a host begins like one of ours
    body: dict[str, Any] = {
        "code": error.code,
        "message": clean(error.message),
        "sent": error.sent,
        "retryable": error.retryable and not error.sent,
        "hint": error.hint,
    }
    if isinstance(error, DeniedError) and error.verdict is not None:
        body["rules"] = [finding.rule for finding in error.verdict.findings]
    if not any(words in error.message for words in _says_what_was_sent):
        lines.append(error.maybe_sent if error.sent else error.unsent)
    if body["retryable"]:
        lines.append("the same call may be repeated")
    if error.hint:
        lines.append(f"hint: {error.hint}")
    if isinstance(error, AuditUnavailableError):
        lines.append("nothing runs until the audit log can be written again")
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))],
        structured_content={"error": body},
        is_error=True,
    )


def host_row(view: HostView) -> HostRow:
    """What is told of a host in a list."""
    host = view.host
    return HostRow(
        host=host.name,
        address=host.address,
        port=host.port,
        user=host.user,
        shell=host.shell.value,
        tags=sorted(host.tags),
        description=host.description,
        enabled=host.enabled,
        open_sessions=view.sessions,
    )


def host_list(views: tuple[HostView, ...]) -> HostList:
    """The inventory as data."""
    return HostList(hosts=[host_row(view) for view in views])


def of_hosts(rows: tuple[HostView, ...]) -> CallToolResult:
    """The inventory."""
    view = host_list(rows)
    lines = [_host_line(row, each.host) for row, each in zip(view.hosts, rows, strict=True)]
    return reply(view, "\n".join(lines) or "no hosts are configured")


def _host_line(row: HostRow, host: Host) -> str:
    marks = [row.shell, *row.tags]
    if not row.enabled:
        marks.append("disabled")
    if row.open_sessions:
        marks.append("open")
    tail = f"  {row.description}" if row.description else ""
    way = f"{row.user}, dials in" if host.tunnel is not None else f"{row.user}@{row.address}:{row.port}"
    return f"{row.host}  {way}  [{', '.join(marks)}]{tail}"


def of_connected(done: Done[None], shell: Shell | None = None) -> CallToolResult:
    """An open session, or a new shell."""
    peer = done.session.connection.peer
    key = peer.host_key
    view = Connected(
        host=done.session.host.name,
        session=done.session.id,
        address=where(peer.address, peer.port),
        reused=not done.first,
        shell=shell.handle if shell is not None else None,
        mode=(one_line(shell.mode) or None) if shell is not None else None,
        platform=_platform(done.session),
        server=one_line(peer.version),
        host_key=f"{key.algorithm} {key.fingerprint}" if key else None,
        notes=[*key_notes(key, first=done.first), *_platform_notes(done.session)],
    )
    state = "was open already" if view.reused else "is open"
    if view.platform is not None:
        state += f", platform: {view.platform}"
    if view.shell is not None:
        state += f" with shell {view.shell}: give it to ssh_shell as `session`"
    jump = done.session.host.jump
    at = view.address if jump is None else f"{view.address} through {jump.name}"
    return reply(view, "\n".join([f"session {view.session} to {view.host} ({at}) {state}", *view.notes]))


def _platform(session: Session) -> str | None:
    name = session.driver.platform
    return f"{name} (detected)" if name and session.host.platform is None and name != "generic" else name or None


def _platform_notes(session: Session) -> list[str]:
    driver = session.driver
    if not driver.is_experimental or driver.platform == "generic":  # of which nothing was said
        return []
    return [f"{driver.platform} is experimental: it is written from manuals; check what its commands did"]


def key_notes(key: HostKey | None, *, first: bool) -> list[str]:
    """What a person should know of the host's key: told once a connection."""
    if not first:
        return []
    if key is None:
        return ["the host key was not checked: host_key_checking is off"]
    if key.newly_pinned:
        return [f"first contact: {key.algorithm} {key.fingerprint} is now the known key; a person should verify it"]
    return []


def of_sessions(views: tuple[SessionView, ...]) -> CallToolResult:
    """The open sessions."""
    rows = [
        SessionRow(
            session=view.id,
            shell=view.shell or None,
            host=view.host,
            address=where(view.peer.address, view.peer.port),
            user=view.peer.user,
            idle_seconds=round(view.idle_s, 1),
            age_seconds=round(view.age_s, 1),
            commands=view.commands,
            running=view.running,
            closes_in_seconds=None if view.closes_in_s is None else round(view.closes_in_s, 1),
        )
        for view in views
    ]
    return reply(SessionList(sessions=rows), "\n".join(_session_line(row) for row in rows) or "no session is open")


def _session_line(row: SessionRow) -> str:
    rests = "carries others" if row.closes_in_seconds is None else f"idle {row.idle_seconds:.0f} s"
    state = f"{row.running} running" if row.running else rests
    kind = f"shell {row.shell}" if row.shell else row.session
    return f"{kind}  {row.host}  {row.user}@{row.address}  {state}, {row.commands} commands"


def of_disconnected(host: str, views: tuple[SessionView, ...]) -> CallToolResult:
    """What was closed."""
    running = sum(view.running for view in views)
    notes = [f"{running} commands were running; their outcome is unknown"] if running else []
    view = Disconnected(host=host, closed=[view.id for view in views], notes=notes)
    return reply(view, "\n".join([f"closed {len(views)} session{'s' if len(views) != 1 else ''} of {host}", *notes]))


def of_health(health: Health) -> CallToolResult:
    """How the server is."""
    view = Pong(
        version=__version__, hosts=health.hosts, sessions=health.sessions, uptime_seconds=round(health.uptime_s, 1)
    )
    return reply(view, f"mcp-ssh {view.version} is well: {view.hosts} hosts, {view.sessions} open sessions")


def of_changes(changes: Changes) -> CallToolResult:
    """What is in force now that was not before."""
    groups = {"added": changes.added, "removed": changes.removed, "changed": changes.changed}
    view = Reloaded(**{name: [*hosts] for name, hosts in groups.items()}, restart_needed=changes.settings)
    lines = [f"{name}: {', '.join(hosts)}" for name, hosts in groups.items() if hosts]
    if changes.settings:
        lines.append("timeouts, paths and session limits changed too: those count from the daemon's next start")
    return reply(view, "\n".join(["the configuration is in force", *(lines or ["no host changed"])]))


def of_plan(planned: Planned) -> CallToolResult:
    """What would happen."""
    judged = planned.judged
    verdict, command = judged.verdict, judged.command
    assert verdict is not None  # noqa: S101  a plan has a command
    assert command is not None  # noqa: S101  as above
    view = Plan(
        host=judged.host.name,
        would_run=planned.would_run,
        confirmation_would_help=judged.decision.confirmable,
        level=verdict.level.value,
        layers=[_layer_row(layer) for layer in planned.trace],
        findings=[
            FindingRow(
                rule=found.rule,
                level=found.level.value,
                reason=clean(found.reason),
                text=clean(command.text[slice(*found.span)])[:200],
            )
            for found in verdict.findings
        ],
        judged=[clean(line) for line in (*verdict.lines, *(f"> {path}" for path in verdict.writes))],
        timeout_seconds=command.timeout_s,
    )
    return reply(view, _plan_text(view))


def _layer_row(layer: Layer) -> LayerRow:
    return LayerRow(layer=layer.name, answer=layer.effect.value, rule=layer.rule, reason=clean(layer.reason))


def _plan_text(view: Plan) -> str:
    lines = [f"{view.host}: {'would run' if view.would_run else 'would not run'}, judged {view.level}"]
    lines += [f"  {row.layer}: {row.answer} ({row.rule}) {row.reason}" for row in view.layers]
    lines += [f"  found {row.rule}: {row.reason}: {row.text}" for row in view.findings]
    if view.confirmation_would_help:
        lines.append("  confirmation would help: ask the person you work for, then run with confirm_dangerous: true")
    lines.append(
        "nothing was sent; a command line cannot tell everything: the real boundary is the login's rights there"
    )
    return "\n".join(lines)
