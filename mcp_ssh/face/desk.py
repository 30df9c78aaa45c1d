"""The desk: where an operator sees what waits for approval in this process, and answers it, by a Unix socket.

Each process of the daemon has one in `state_dir/approvals`, and `mcp-ssh approvals` asks them all. The kernel names who
is at the other end: the daemon's own user, or root, and nobody else. A process of the daemon's own user could answer
for itself; where that matters, the daemon runs under a user of its own.
"""

import asyncio
import json
import os
import pwd
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from mcp_ssh.face.rendezvous import peer_uid, reachable
from mcp_ssh.model.errors import McpSshError
from mcp_ssh.service.approvals import Approval, Approvals

folder_name = "approvals"
line_bytes = 65_536
wait_s = 10.0
most_visitors = 20


@asynccontextmanager
async def desk(approvals: Approvals, state_dir: str) -> AsyncIterator[None]:
    """Answer operators for as long as the context lasts."""
    folder = Path(state_dir) / folder_name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.sock"
    visitors = asyncio.Semaphore(most_visitors)

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with visitors:
            await _visit(approvals, reader, writer)

    before = os.umask(0o177)
    try:
        with reachable(path) as short:
            listening = await asyncio.start_unix_server(visit, short, limit=line_bytes)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        listening.close()
        path.unlink(missing_ok=True)


async def _visit(approvals: Approvals, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    log = structlog.get_logger("mcp_ssh.desk")
    try:
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid not in {0, os.getuid()}:
            log.warning("operator_refused", uid=uid)
            return
        async with asyncio.timeout(wait_s):
            asked = json.loads(await reader.readline())
            answer = await _answer(approvals, asked, uid)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
    except (TimeoutError, ValueError, OSError) as error:
        log.warning("operator_lost", reason=str(error))
    finally:
        writer.close()


async def _answer(approvals: Approvals, asked: object, uid: int) -> dict[str, object]:
    if not isinstance(asked, dict):
        raise ValueError("not a question")  # noqa: TRY004  what came over the wire has a wrong value
    if asked.get("do") == "list":
        return {"waiting": [_told(approvals, each) for each in approvals.waiting()]}
    try:
        found = await approvals.decide(
            str(asked.get("id")), f"operator {_name(uid)}", accepted=asked.get("accepted") is True
        )
    except McpSshError as error:
        return {"error": error.message, "hint": error.hint, "code": error.code}
    return {"answered": _told(approvals, found)}


def _told(approvals: Approvals, approval: Approval) -> dict[str, object]:
    judged = approval.judged
    request, verdict = judged.request, judged.verdict
    return {
        "id": approval.id,
        "asked": datetime.fromtimestamp(approval.wall, UTC).isoformat(timespec="seconds"),
        "left_s": round(approvals.left_s(approval)),
        "principal": request.principal.name,
        "client": request.client,
        "tool": request.operation.value,
        "host": approval.hosts,
        "address": ", ".join(each.host.address for each in approval.all),
        "command": judged.told,
        "reason": judged.decision.reason,
        "rules": [finding.rule for finding in verdict.findings] if verdict is not None else [],
    }


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
