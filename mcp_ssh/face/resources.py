"""What can be read without a tool: the inventory, each host, and outputs that are kept, each to whom it belongs."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mcp_types import (
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from mcp_ssh.audit.scrub import Needles, Scrubber
from mcp_ssh.face.outputtext import is_text, of_output
from mcp_ssh.face.uris import Kind, Located, all_hosts, host_uri, known
from mcp_ssh.face.views import host_list, host_row, scrubbed
from mcp_ssh.model.errors import InvalidArgumentError
from mcp_ssh.model.principal import Caller, Principal
from mcp_ssh.ports import Stream
from mcp_ssh.service.daemon import Daemon
from mcp_ssh.service.reading import Place, Reader

page_rows = 100
json_type, text_type, bytes_type = "application/json", "text/plain", "application/octet-stream"

templates = (
    ResourceTemplate(
        uri_template=Kind.HOST,
        name="host",
        title="A host",
        description="Address, login, tags and open sessions of one configured host",
        mime_type=json_type,
    ),
    ResourceTemplate(
        uri_template=Kind.TAGS, name="tags", title="Tags of a host", description="Its tags", mime_type=json_type
    ),
    ResourceTemplate(
        uri_template=Kind.CAPABILITIES,
        name="capabilities",
        title="What a host can do",
        description="Shell, platform, access, limits, file rules, and the groups of tools that work on it",
        mime_type=json_type,
    ),
    ResourceTemplate(
        uri_template=Kind.OUTPUT,
        name="output",
        title="Output of a command",
        description="The beginning of an output that was kept, by its handle; ssh_read reads on",
    ),
)


class Resources:
    """Lists and reads for whoever asks. Touches no host."""

    def __init__(self, daemon: Daemon, reader: Reader, needles: Needles) -> None:
        self._daemon = daemon
        self._reader = reader
        self._needles = needles

    def rows(self, principal: Principal) -> list[Resource]:
        """The inventory, and a row for each host that the principal sees, in the order of the file."""
        rows = [
            Resource(
                uri=all_hosts,
                name="hosts",
                title="All hosts",
                description="The configured hosts with their tags and state",
                mime_type=json_type,
            )
        ]
        for view in self._daemon.hosts(principal):
            host = view.host
            about = host.description or f"{host.shell.value} host at {host.address}"
            rows.append(Resource(uri=host_uri(host.name), name=host.name, description=about, mime_type=json_type))
        return rows

    def page(self, principal: Principal, cursor: str | None) -> ListResourcesResult:
        """At most `page_rows` rows. Raises `InvalidArgumentError` for a cursor that leads nowhere."""
        rows = self.rows(principal)
        start = 0 if cursor is None else _after(cursor, [row.uri for row in rows])
        page = rows[start : start + page_rows]
        more = start + page_rows < len(rows)
        return ListResourcesResult(resources=page, next_cursor=_cursor(page[-1].uri) if more else None)

    @staticmethod
    def templates(cursor: str | None) -> ListResourceTemplatesResult:
        """All of them, on one page."""
        refuse_cursor(cursor)
        return ListResourceTemplatesResult(resource_templates=[*templates])

    def facts(self, principal: Principal, where: Located) -> str:
        """What is to be read of hosts, as JSON. Raises `UnknownHostError`."""
        facts: dict[str, Any]
        match where.kind:
            case Kind.HOSTS:
                facts = host_list(self._daemon.hosts(principal)).model_dump(mode="json")
            case Kind.CAPABILITIES:
                facts = asdict(self._daemon.capabilities(principal, where.name))
            case kind:
                row = host_row(self._daemon.host(principal, where.name))
                facts = {"host": row.host, "tags": row.tags} if kind is Kind.TAGS else row.model_dump(mode="json")
        return json.dumps(scrubbed(facts, self._needles), indent=2, ensure_ascii=False)

    async def read(self, caller: Caller, uri: str) -> ReadResourceResult:
        """What is at an address. Raises `UnknownResourceError`, `UnknownHostError` and `UnknownSessionError`."""
        where = known(uri)
        if where.kind is Kind.OUTPUT:
            return ReadResourceResult(contents=[*await self._output(caller, uri, where.name)])
        text = self.facts(caller.principal, where)
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=json_type, text=text)])

    async def _output(
        self, caller: Caller, uri: str, handle: str
    ) -> Sequence[TextResourceContents | BlobResourceContents]:
        """The beginning of both outputs as text; where stdout is no text, its bytes as well, and they come first."""
        stdout = await self._reader.read(caller, handle, Place(Stream.STDOUT))
        stderr = await self._reader.read(caller, handle, Place(Stream.STDERR))
        text = TextResourceContents(uri=uri, mime_type=text_type, text=of_output(stdout, stderr))
        if is_text(stdout):
            return [text]
        scrubber = Scrubber(self._needles)
        data = scrubber.feed(stdout.data) + scrubber.finish()
        blob = base64.b64encode(data).decode("ascii")
        return [BlobResourceContents(uri=uri, mime_type=bytes_type, blob=blob), text]


def refuse_cursor(cursor: str | None) -> None:
    """Refuse any cursor of a list that has one page. Raises `InvalidArgumentError`."""
    if cursor is not None:
        raise InvalidArgumentError(f"unknown cursor {cursor[:100]!r}: the list has one page", hint="leave it out")


def _cursor(uri: str) -> str:
    """A place in a list: behind this row, wherever it stands by then."""
    return base64.urlsafe_b64encode(uri.encode()).decode("ascii")


def _after(cursor: str, uris: Sequence[str]) -> int:
    try:
        return uris.index(base64.b64decode(cursor, altchars=b"-_", validate=True).decode()) + 1
    except (binascii.Error, ValueError):  # a bad one, or the row behind which it stood is gone
        raise InvalidArgumentError(
            f"unknown cursor {cursor[:100]!r}: the list may have changed", hint="list again from the beginning"
        ) from None
