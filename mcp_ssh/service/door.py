"""Who came in and who was turned away, in the audit log: tokens good and bad, foreign hosts and origins, large bodies.

A flood must not fill a disk: of each kind of refusal one record a second is written, with how many there were, and a
token that comes from the same address again is no news.
"""

from collections import OrderedDict
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
most_guests = 1_000


@dataclass(slots=True)
class _Count:
    written_at: float | None = None
    unwritten: int = 0


@dataclass(slots=True)
class Door:
    """Hears of everybody who comes."""

    audit: AuditSink
    clock: Clock
    _counts: dict[int, _Count] = field(default_factory=dict)
    _guests: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def let_in(self, principal: str, address: str) -> None:
        """Somebody is let in, from an address or by a way that has a name, such as `stdio`."""
        guest = (principal, address)
        is_known = guest in self._guests
        self._guests[guest] = None
        self._guests.move_to_end(guest)
        if len(self._guests) > most_guests:
            self._guests.popitem(last=False)
        if not is_known:
            fields = {"principal": principal, "address": _text(address), "decision": "allow"}
            self.audit.note(Event.AUTH.value, fields)

    async def turned_away(self, status: int, address: str, path: str, forwarded_for: str) -> None:
        """Somebody was answered with this status. Never raises: the answer goes out whatever the disk is like."""
        count = self._counts.setdefault(status, _Count())
        now = self.clock.now()
        count.unwritten += 1
        if count.written_at is not None and now - count.written_at < every_s:
            return
        fields: dict[str, object] = {
            "decision": "deny",
            "status": status,
            "reason": kinds[status],
            "address": _text(address),
            "path": _text(path),
            "requests": count.unwritten,
        }
        if forwarded_for:
            fields["forwarded_for"] = _text(forwarded_for)  # what the proxy says, or anybody: told, never believed
        count.written_at, count.unwritten = now, 0
        event = Event.AUTH if status == 401 else Event.REFUSED  # noqa: PLR2004  Unauthorized
        try:
            await self.audit.append(event.value, fields)
        except AuditUnavailableError as error:
            structlog.get_logger("mcp_ssh.door").error("audit_unavailable", reason=error.message)


def _text(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:max_text_chars])
