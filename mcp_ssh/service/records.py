"""What the audit log says of a request, as fields; the sink adds time, number and chain."""

from collections.abc import Mapping

from mcp_ssh.audit.record import CommandText
from mcp_ssh.model.command import Request
from mcp_ssh.model.decision import Decision, Verdict
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.model.files import FileResult, FileWish, named
from mcp_ssh.model.host import Host
from mcp_ssh.model.nodes import NodeWish
from mcp_ssh.model.result import CommandResult
from mcp_ssh.service.judge import Judged
from mcp_ssh.sessions.session import Session

Fields = dict[str, object]


def of_request(request: Request, verdict: Verdict | None = None) -> Fields:
    """Who asks what of whom. Secrets stand in a command where its verdict says so."""
    fields: Fields = {
        "id": request.id,
        "principal": request.principal.name,
        "client": request.client,
        "host": request.host,
        "tool": request.operation.value,
    }
    if request.wish is not None:
        fields["command"] = CommandText(request.wish.text, verdict.secrets if verdict is not None else ())
        fields["secret"] = request.wish.secret or ""
    if request.node is not None:
        fields |= _of_node(request.node)
    return fields | (_of_file(request.file) if request.file is not None else {})


def _of_node(node: NodeWish) -> Fields:
    """Which host is to be, or where our key is changed. A password is named, never told."""
    host = node.host
    return {
        "action": node.action.value,
        "address": where(host.address, host.port),
        "user": host.user,
        "secret": node.secret or "",
    }


def _of_file(file: FileWish) -> Fields:
    """What is asked of a file: the file itself, not the command that would do the same."""
    fields: Fields = {"action": file.action.value, "path": named(file.path), "local": file.local and named(file.local)}
    return fields | {"bytes": file.size, "output_sha256": file.sha256}


def of(about: Request | Judged) -> Fields:
    """Who asks what of whom, judged already or not."""
    return of_request(about.request, about.verdict) if isinstance(about, Judged) else of_request(about)


def of_judgement(decision: Decision, verdict: Verdict | None) -> Fields:
    """What was decided, by which rules, and who overrode what."""
    fields: Fields = {"decision": decision.effect.value, "reason": decision.reason}
    if verdict is not None:
        fields["verdict"] = verdict.level.value
        fields["rules"] = [finding.rule for finding in verdict.findings]
    if decision.confirmed_by is not None:
        fields |= {"override": True, "confirmed_by": decision.confirmed_by}
    return fields


def of_session(session: Session) -> Fields:
    """On which connection."""
    peer = session.connection.peer
    fields: Fields = {"session": session.id, "address": where(peer.address, peer.port), "user": peer.user}
    if session.host.jump is not None:
        fields["jump"] = by_way_of(session.host)
    if peer.host_key is not None:
        fields["host_key"] = peer.host_key.fingerprint
        if peer.host_key.newly_pinned:
            fields["pinned"] = True
    return fields


def of_result(result: CommandResult) -> Fields:
    """How it ended. `output_sha256` is over all of stdout, then all of stderr where there was any."""
    hashes = [stream.sha256 for stream in (result.stdout, result.stderr) if stream.total]
    fields: Fields = {
        "outcome": result.outcome.value,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "ended": result.ended.value if result.ended else None,
        "duration_ms": round(result.duration_s * 1000, 1),
        "bytes": result.stdout.sent + result.stderr.sent,
        "scrubbed": result.scrubbed or None,
        "truncated": bool(result.stdout.omitted or result.stderr.omitted),
        "output_sha256": ",".join(hashes),
        "reason": result.lost.message if result.lost else None,
    }
    return _present(fields)


def of_file(result: FileResult, asked: str) -> Fields:
    """What was done with a file."""
    fields: Fields = {"bytes": result.size, "output_sha256": result.sha256}
    return fields | ({"real_path": named(result.path)} if result.path != asked else {})


def of_error(error: McpSshError) -> Fields:
    """Why it did not run, or what is not known."""
    return {"reason": f"{error.code}: {error.message}", "sent": error.sent}


def _present(fields: Mapping[str, object]) -> Fields:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def by_way_of(host: Host) -> list[str]:
    """The names of the hosts on the way to it, the first that is dialled first."""
    return [hop.name for hop in host.hops]


def where(address: str, port: int) -> str:
    """An address with its port; alone for a console, which has none."""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
