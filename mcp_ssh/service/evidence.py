"""What happens beside commands, in the audit log: connections, sessions, and calls that touch no host."""

from collections.abc import Mapping, Sequence

import structlog

from mcp_ssh.audit.record import CommandText, Event
from mcp_ssh.model.errors import AuditUnavailableError, McpSshError
from mcp_ssh.model.files import named
from mcp_ssh.model.host import Host
from mcp_ssh.model.principal import Caller
from mcp_ssh.ports import AuditSink, Connection, Secrets, Through, Transport
from mcp_ssh.service import records
from mcp_ssh.sessions.session import Session


class RecordedTransport:
    """A `Transport` that dials only what is on record: a login shows a host who we are, and gives it a password."""

    def __init__(self, transport: Transport, audit: AuditSink) -> None:
        self._transport = transport
        self._audit = audit

    async def connect(
        self, host: Host, addresses: Sequence[str], secrets: Secrets, through: Through | None = None
    ) -> Connection:
        """As the transport does. Raises `AuditUnavailableError` before anything is dialled."""
        port = 0 if host.tunnel is not None else host.port  # a host that dials in has no port of its own
        where = ", ".join(records.where(address, port) for address in addresses) or " ".join(host.command)
        fields = {
            "host": host.name,
            "address": where or host.address,
            "user": host.user,
            "jump": records.by_way_of(host),
        }
        await self._audit.append(Event.CONNECT.value, fields)
        return await self._transport.connect(host, addresses, secrets, through)


class SessionRecords:
    """A `SessionLog` that writes to the audit log. A session is no command: it may open and close unrecorded."""

    def __init__(self, audit: AuditSink) -> None:
        self._audit = audit
        self._log = structlog.get_logger("mcp_ssh.sessions")

    async def opened(self, session: Session) -> None:
        """A connection stands, to this address, with this host key."""
        await self._append(Event.SESSION_OPEN, session, {})

    async def closed(self, session: Session, reason: str) -> None:
        """It ended, and why."""
        await self._append(Event.SESSION_CLOSE, session, {"reason": reason})

    async def _append(self, event: Event, session: Session, fields: records.Fields) -> None:
        self._log.info(event.value, host=session.host.name, session=session.id, **fields)
        try:
            await self._audit.append(event.value, {"host": session.host.name} | records.of_session(session) | fields)
        except AuditUnavailableError as error:
            self._log.error("audit_unavailable", reason=error.message)


class Calls:
    """Calls that the pipeline knows nothing of: those that touch no host, and those that were refused before it."""

    def __init__(self, audit: AuditSink) -> None:
        self._audit = audit

    def asked(self, caller: Caller, tool: str, arguments: Mapping[str, object]) -> None:
        """A call that touched no host was answered."""
        self._audit.note(Event.ASKED.value, _of_call(caller, tool, arguments))

    def refused(self, caller: Caller | None, tool: str, arguments: Mapping[str, object], error: McpSshError) -> None:
        """A call was refused; `caller` is None where nobody may call. What is on record already is not told twice."""
        if error.is_recorded:
            return
        error.is_recorded = True
        fields = _of_call(caller, tool, arguments) | {"decision": "deny"} | records.of_error(error)
        self._audit.note(Event.REFUSED.value, fields)


def _of_call(caller: Caller | None, tool: str, arguments: Mapping[str, object]) -> records.Fields:
    """What is on record of the arguments: where the call goes, and what it would run or read."""
    fields: records.Fields = {"tool": tool}
    if caller is not None:
        fields |= {"principal": caller.principal.name, "client": caller.client}
    for name, argument in (("host", "host"), ("session", "session"), ("session", "handle")):
        if isinstance(value := arguments.get(argument), str):
            fields[name] = value
    if isinstance(value := arguments.get("name"), str):  # a host to be, at the address that stands under `host`
        fields |= {"host": value, "address": fields.get("host", "")}
    for name in ("path", "local"):
        if isinstance(value := arguments.get(name), str):
            fields[name] = named(value)
    command = arguments.get("command", arguments.get("text"))
    return fields | ({"command": CommandText(command)} if isinstance(command, str) else {})
