"""Telling clients of changes, in both protocol eras, for as long as their connection lasts.

Up to 2025-11-25 every connection is told when a list has changed, of addresses that it subscribed to, and by log
messages of its principal's tasks. From 2026-07-28 on a client opens a stream for what it wants to hear
(`subscriptions/listen`), and hears nothing else.
"""

import asyncio
import contextlib
import contextvars
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.shared.subscriptions import ResourceUpdated, ToolsListChanged
from mcp_types import LoggingLevel, SubscriptionFilter, SubscriptionsListenRequestParams, SubscriptionsListenResult

from mcp_ssh.face.streams import Stream
from mcp_ssh.face.tasknews import TaskNews
from mcp_ssh.face.tasknotes import TaskNote, TaskNotes
from mcp_ssh.face.uris import Kind, located
from mcp_ssh.face.watching import Look, News, Sight, Watch, most_addresses
from mcp_ssh.model.errors import InvalidArgumentError, McpSshError, SessionLimitError
from mcp_ssh.model.principal import Caller, Principal
from mcp_ssh.service.reload import Reload

tell_wait_s = 5.0
"""How long a client may take to be told; then it misses it, and others are told in time."""
most_streams = 32
"""Of one principal in one room."""
most_watches = 1_000
"""In one room."""

Context = ServerRequestContext[str]
See = Callable[[Principal, Sequence[str]], Sight]


@dataclass(slots=True, eq=False)
class Room:
    """The clients of one lifespan: one over stdio, SSE or a socket, all of Streamable HTTP."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_reloaded: bool = False
    watches: dict[object, Watch] = field(default_factory=dict)
    streams: Counter[str] = field(default_factory=Counter)

    def reloaded(self) -> None:
        """There is a new configuration."""
        self.is_reloaded = True
        self.changed.set()


class Subscriptions:
    """All who are told. `who` names for whom the call is that is answered now, `see` what a principal sees."""

    def __init__(self, who: Callable[[], Principal], see: See, reload: Reload, tasks: TaskNews) -> None:
        self._who = who
        self._tasks = tasks
        self._see = see
        self._reload = reload
        self._rooms: dict[str, Room] = {}
        self._is_closed = False
        self._log = structlog.get_logger("mcp_ssh.subscriptions")

    @contextlib.asynccontextmanager
    async def conversation(self) -> AsyncIterator[str]:
        """A word for one connection of a client, or for all of Streamable HTTP; who is there is told until it ends."""
        word, room = secrets.token_hex(8), Room()
        with self._reload.listening(room.reloaded):
            self._rooms[word] = room
            # A task group would wrap what ends the connection; this one is ended here, and nothing else has it.
            telling = asyncio.ensure_future(self._telling(room))
            try:
                yield word
            finally:
                del self._rooms[word]
                telling.cancel()
                await asyncio.wait({telling})

    def close(self) -> None:
        """End all streams, for a server that stops; no new one is opened."""
        self._is_closed = True
        for room in self._rooms.values():
            for watch in tuple(room.watches.values()):
                watch.end()

    def begin(self, ctx: Context, caller: Caller) -> Watch:
        """The watch of a client of the 2025 era, from its first word to the end of its connection.

        Raises `SessionLimitError`.
        """
        room, conversation = self._rooms[ctx.lifespan_context], caller.conversation
        watch = room.watches.get(conversation)
        if watch is None:
            watch = Watch(self._look(), partial(_told, ctx.session))
            watch.news()
            self._enter(room, conversation, watch)
            connection = ctx.session._connection  # noqa: SLF001  handlers are given no other way to its end
            connection.exit_stack.callback(room.watches.pop, conversation, None)
            watch.notes = TaskNotes(caller.principal.name, room.changed.set)
            connection.exit_stack.enter_context(self._tasks.heard_by(watch.notes))
        return watch

    def set_level(self, ctx: Context, caller: Caller, level: LoggingLevel) -> None:
        """From which level on a client of the 2025 era is told of its tasks."""
        notes = self.begin(ctx, caller).notes
        if notes is not None:
            notes.least = level

    def subscribe(self, ctx: Context, caller: Caller, address: str) -> None:
        """Tell the client when what stands there has changed. Raises `InvalidArgumentError`."""
        watch = self.begin(ctx, caller)
        if len(watch.addresses) >= most_addresses and address not in watch.addresses:
            raise InvalidArgumentError(f"{most_addresses} resources are subscribed to already", hint="end some of them")
        watch.add(address)

    def unsubscribe(self, ctx: Context, caller: Caller, address: str) -> None:
        """No longer tell of it."""
        watch = self._rooms[ctx.lifespan_context].watches.get(caller.conversation)
        if watch is not None:
            watch.addresses.pop(address, None)

    async def listen(
        self, ctx: Context, caller: Caller, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """A stream of the 2026 era: what is agreed to, then each change, until either side ends it.

        Raises `InvalidArgumentError` and `SessionLimitError`.
        """
        room, principal = self._rooms[ctx.lifespan_context], caller.principal.name
        if self._is_closed or room.streams[principal] >= most_streams:
            raise SessionLimitError(f"{most_streams} streams are open already", hint="end one of them and listen again")
        wanted = _ever_told(params.notifications)
        tasks = self._tasks.wanted(ctx, caller, params.notifications)
        if tasks:
            wanted = wanted.model_copy(update={"taskIds": [*tasks]})
        stream, look = Stream(ctx, wanted), self._look()
        watch = Watch(look, stream.tell, stream.end, dict.fromkeys(wanted.resource_subscriptions or ()))
        watch.news()
        self._enter(room, stream, watch)
        room.streams[principal] += 1
        try:
            with self._tasks.telling(tasks, stream, lambda: look(()) is not None):
                return await stream.run()
        finally:
            del room.watches[stream]
            room.streams[principal] -= 1

    def _look(self) -> Look:
        """Looks with the rights of who asks now, as they stand at each look."""
        asked = contextvars.copy_context()

        def look(addresses: Sequence[str]) -> Sight | None:
            try:
                principal = asked.run(self._who)
            except McpSshError:  # its token is gone
                return None
            return self._see(principal, addresses)

        return look

    @staticmethod
    def _enter(room: Room, key: object, watch: Watch) -> None:
        if len(room.watches) >= most_watches:
            raise SessionLimitError(f"{most_watches} clients are told of changes already", hint="end some of them")
        room.watches[key] = watch

    async def _telling(self, room: Room) -> None:
        while True:
            await room.changed.wait()
            room.changed.clear()
            is_reloaded, room.is_reloaded = room.is_reloaded, False
            told: list[tuple[Watch, Sequence[News]]] = []
            for watch in tuple(room.watches.values()):
                notes = watch.notes.take() if watch.notes is not None else []
                told.append((watch, [*(watch.news() if is_reloaded else ()), *notes]))
                await asyncio.sleep(0)  # a look at a large inventory takes its time, and others wait for the loop
            await asyncio.gather(*(self._tell(watch, events) for watch, events in told if events))

    async def _tell(self, watch: Watch, events: Sequence[News]) -> None:
        try:
            async with asyncio.timeout(tell_wait_s):
                for event in events:
                    await watch.tell(event)
        except Exception as error:  # noqa: BLE001  one client that cannot be told costs no other its news
            self._log.warning("client_not_told", reason=str(error) or type(error).__name__)


async def _told(session: ServerSession, event: News) -> None:
    """A notification of the 2025 era, outside of any call."""
    match event:
        case ToolsListChanged():
            await session.send_tool_list_changed()
        case ResourceUpdated(uri):
            await session.send_resource_updated(uri)
        case TaskNote():
            await session.send_notification(event.notification())
        case _:
            await session.send_resource_list_changed()


def _ever_told(wanted: SubscriptionFilter) -> SubscriptionFilter:
    """What of it can ever come: prompts never change, and of outputs no change is told."""
    places = {address: located(address) for address in wanted.resource_subscriptions or ()}
    addresses = [each for each, where in places.items() if where is not None and where.kind is not Kind.OUTPUT]
    if len(addresses) > most_addresses:
        raise InvalidArgumentError(f"{len(addresses)} resources are too many, the limit is {most_addresses}")
    return SubscriptionFilter(
        tools_list_changed=wanted.tools_list_changed,
        resources_list_changed=wanted.resources_list_changed,
        resource_subscriptions=addresses or None,
    )
