"""Applications of declared operations, called in the process: no socket, and services without a lifespan."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from dss.audit.event import Event
from dss.kernel.errors import DssError
from dss.web.http.headers import SecurityHeaders
from dss.web.http.op import Protocol
from dss.web.http.problems import exception_handlers
from dss.web.http.routing import routes

BASE = "https://sign.example"


class Notebook:
    """An audit service that remembers the refusals it was told of."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, str, str]] = []

    async def refused(self, actor: str, subject: str, error: DssError) -> None:
        self.refusals.append((actor, subject, error.code))

    async def record(self, _: Any, event: Event) -> None:
        raise AssertionError(f"nothing here has a fact to record, but {event.kind} came")


def application(protocols: Sequence[Protocol], *, strict: bool = True, **services: Any) -> ASGIApp:
    """Return the application that serves these protocols with these services."""
    inner = Starlette(routes=routes(protocols, strict=strict), exception_handlers=dict(exception_handlers()))
    inner.router.redirect_slashes = False
    wrapped = SecurityHeaders(inner)
    given = SimpleNamespace(**{"audit": Notebook(), **services})

    async def with_services(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"services": given}
        await wrapped(scope, receive, send)

    return with_services


def client(app: ASGIApp, *, shows_defects: bool = True) -> httpx.AsyncClient:
    """Return a client of the application. shows_defects: an exception in it fails the test; else it is a 500."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=shows_defects)
    return httpx.AsyncClient(transport=transport, base_url=BASE)
