"""One stream of the 2026 era (`subscriptions/listen`): what is agreed to, then each piece of news, then a clean end."""

import asyncio
from collections import deque
from typing import Any, Literal, cast

from mcp.server.context import ServerRequestContext
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY, ServerEvent, event_matches, event_to_notification
from mcp_types import (
    RequestId,
    ServerNotification,
    SubscriptionFilter,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenResult,
)
from pydantic import BaseModel

from mcp_ssh.face.tasknotes import TaskNote
from mcp_ssh.face.watching import News

most_waiting = 256
"""Pieces of news that one who does not read may leave behind; then its stream ends, and it may listen anew."""


class TaskNotification(BaseModel):
    """How a task stands now, as `tasks/get` would tell it."""

    method: Literal["notifications/tasks"] = "notifications/tasks"
    params: dict[str, Any]


class Stream:
    """Told from anywhere on the loop, without waiting; sends from the request that it is the answer of."""

    def __init__(self, ctx: ServerRequestContext[str], wanted: SubscriptionFilter) -> None:
        self._session = ctx.session
        self._id: RequestId = ctx.request_id if ctx.request_id is not None else ""
        self._wanted = wanted
        self._addresses = frozenset(wanted.resource_subscriptions or ())
        self._waiting: deque[ServerEvent | dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._is_over = False

    async def tell(self, event: News) -> None:
        """Something has changed; said if it is of a kind that was asked for."""
        if not isinstance(event, TaskNote) and event_matches(self._wanted, self._addresses, event):
            self._put(event)

    def tell_task(self, task: dict[str, Any]) -> None:
        """A task stands anew."""
        self._put(task)

    def end(self) -> None:
        """Say what waits, then that it is over."""
        self._is_over = True
        self._news.set()

    async def run(self) -> SubscriptionsListenResult:
        """Until `end`, or until the client is gone, which cancels this."""
        meta = {SUBSCRIPTION_ID_META_KEY: self._id}
        params = SubscriptionsAcknowledgedNotificationParams(notifications=self._wanted, _meta=meta)
        await self._send(SubscriptionsAcknowledgedNotification(params=params))
        while self._waiting or not self._is_over:
            if self._waiting:
                await self._send(_notification(self._waiting.popleft(), meta))
                continue
            self._news.clear()
            await self._news.wait()
        return SubscriptionsListenResult(_meta=meta)

    def _put(self, news: ServerEvent | dict[str, Any]) -> None:
        if len(self._waiting) >= most_waiting:
            self.end()
        if not self._is_over:
            self._waiting.append(news)
            self._news.set()

    async def _send(self, notification: BaseModel) -> None:
        # An extension's notification is none that the SDK knows; it only takes its name and its parameters.
        await self._session.send_notification(cast("ServerNotification", notification), related_request_id=self._id)


def _notification(news: ServerEvent | dict[str, Any], meta: dict[str, Any]) -> BaseModel:
    if isinstance(news, dict):
        return TaskNotification(params={**news, "_meta": meta})
    return event_to_notification(news, meta)
