"""Headers that every answer carries."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STANDARD: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class SecurityHeaders:
    """Wraps the whole application, so that failures of the framework carry the headers too.

    An answer that sets one of them itself keeps its own. Source: RFC 9111 section 5.2.2.5, CSP level 3.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and complete the headers of its answer."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in STANDARD.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, complete)
