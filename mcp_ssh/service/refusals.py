"""What the network faces turned away, in the audit log: bad tokens, foreign hosts and origins, bodies too large.

A flood of them must not fill a disk: of each kind one a second is written, with how many there were.
"""

from dataclasses import dataclass, field

import structlog

from mcp_ssh.audit.record import Event
from mcp_ssh.model.errors import AuditUnavailableError
from mcp_ssh.ports import AuditSink, Clock

every_s = 1.0
kinds = {
    401: "no valid token",
    403: "a foreign origin",
    413: "a body too large",
    421: "a foreign host",
}
max_text_chars = 200


@dataclass(slots=True)
class _Count:
    written_at: float | None = None
    unwritten: int = 0


@dataclass(slots=True)
class Refusals:
    """Hears of every answer that turned somebody away."""

    audit: AuditSink
    clock: Clock
    _counts: dict[int, _Count] = field(default_factory=dict)

    async def note(self, status: int, address: str, path: str, forwarded_for: str) -> None:
        """Somebody was answered with this status. Never raises: the answer goes out whatever the disk is like."""
        count = self._counts.setdefault(status, _Count())
        now = self.clock.now()
        count.unwritten += 1
        if count.written_at is not None and now - count.written_at < every_s:
            return
        fields: dict[str, object] = {
            "status": status,
            "reason": kinds[status],
            "address": _text(address),
            "path": _text(path),
            "requests": count.unwritten,
        }
        if forwarded_for:
            fields["forwarded_for"] = _text(forwarded_for)  # what the proxy says, or anybody: told, never believed
        count.written_at, count.unwritten = now, 0
        try:
            await self.audit.append(Event.REFUSED.value, fields)
        except AuditUnavailableError as error:
            structlog.get_logger("mcp_ssh.refusals").error("audit_unavailable", reason=error.message)


def _text(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:max_text_chars])
