"""Streams that tell a page that something has changed: one event, and their end.

Source: HTML section 9.2 (server-sent events).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dss.kernel.errors import DssError
from dss.login.model import Session
from dss.web.pages.visit import Visit

LONGEST_S, LOOK_S, PING_S = 60, 15, 15

# Waits for so many seconds at most, and returns how things stand.
Look = Callable[[float], Awaitable[str]]


def changes(visit: Visit, session: Session, seen: str, look: Look) -> Response:
    """Stream one event once things stand otherwise than the page shows, `seen`; or none, and end after a minute.

    Browsers open a stream that ended anew. Raises TooMany where too many pages of a session wait.
    """
    waits, caller = visit.services.waits, f"page:{session.id}"
    waits.enter(caller)
    return _Stream(_told(seen, look), partial(waits.leave, caller))


class _Stream(EventSourceResponse):
    """Events until the page has gone, and then what is to be done at the end, however it came."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], leave: Callable[[], None]) -> None:
        super().__init__(events, ping=PING_S)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def _told(seen: str, look: Look) -> AsyncIterator[ServerSentEvent]:
    for _ in range(LONGEST_S // LOOK_S):
        if await _stands(look) != seen:
            yield ServerSentEvent(data="", event="change")
            return


async def _stands(look: Look) -> str:
    """Return how things stand; what can be looked at no more stands otherwise, and the page tells how."""
    try:
        return await look(LOOK_S)
    except DssError:
        return ""
