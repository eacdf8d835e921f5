"""A relying application with pages of its own, on a library that others wrote: it has a contract signed."""

import asyncio
import json
import socket
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import uvicorn
from authlib.common.security import generate_token
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.outside.scene import Registered, Scene, signature_of
from tests.world.pdfs import simple_pdf
from tests.world.world import Application

with warnings.catch_warnings(record=True):  # it prefers httpx's successor
    from authlib.integrations.httpx_client import AsyncOAuth2Client

PAGE = """<!doctype html><html lang="en"><head><title>Contracts</title><link rel="icon" href="data:,"></head>
<body><main><h1>{title}</h1>{content}</main></body></html>"""
FRONT = """<form method="post" action="/sign"><button>Sign the contract</button></form>
<form method="post" action="/keys"><button>Show my keys</button></form>"""


class Contracts:
    """The application. signed: the PDF that it got; told: the parameters with which people came back last."""

    def __init__(self, scene: Scene, url: str, registered: Registered, detail: dict[str, Any]) -> None:
        assert registered.secret is not None
        self.url, self.id, self.server = url, registered.id, scene.world.url
        self.signed, self.told = b"", dict[str, str]()
        self._detail = detail
        self._own = Application(scene.world.http(), registered.id, registered.secret)
        self._client = AsyncOAuth2Client(
            registered.id, registered.secret, redirect_uri=f"{url}/back", code_challenge_method="S256"
        )
        self._auth = (registered.id, registered.secret)
        self._verifier = ""

    def app(self) -> Starlette:
        """Return its pages."""
        routes = [
            Route("/", self.front),
            Route("/sign", self.sign, methods=["POST"]),
            Route("/keys", self.keys, methods=["POST"]),
            Route("/back", self.back),
        ]
        return Starlette(routes=routes)

    async def front(self, _: Request) -> Response:
        """Show the buttons."""
        return _page("Contracts", FRONT)

    async def sign(self, _: Request) -> Response:
        """Upload the contract, and send the person away to have it signed."""
        await self._own.log_in()
        detail = signature_of(await self._own.upload(simple_pdf())) | self._detail
        return await self._ask("credential", authorization_details=json.dumps([detail]))

    async def keys(self, _: Request) -> Response:
        """Send the person away to allow a look at their keys."""
        return await self._ask("service")

    async def back(self, request: Request) -> Response:
        """Take the answer, and show what came of it."""
        self.told = dict(request.query_params)
        assert (self.told["iss"], self.told["state"]) == (self.server, self._state)
        if "error" in self.told:
            return _page("Not signed", escape(self.told["error_description"]))
        token = await self._client.fetch_token(
            f"{self.server}/oauth/token", code=self.told["code"], code_verifier=self._verifier
        )
        if "authorization_details" not in token:
            return _page("Your keys", escape((await self.look()).text))
        (detail,) = token["authorization_details"]
        collected = await self._client.get(f"{self.server}/v1/signatures/{detail['signature_id']}/documents/0")
        self.signed = collected.raise_for_status().content
        return _page("The contract is signed", f"{len(self.signed)} bytes")

    async def look(self) -> httpx.Response:
        """Ask for the person's keys."""
        return await self._client.get(f"{self.server}/v1/credentials")

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def _ask(self, scope: str, **more: str) -> Response:
        self._verifier, authorize = generate_token(48), f"{self.server}/oauth/authorize"
        made = self._client.create_authorization_url(authorize, code_verifier=self._verifier, scope=scope, **more)
        url, self._state = made
        wish = dict(parse_qsl(urlsplit(url).query))
        pushed = await self._own.http.post("/oauth/par", data=wish, auth=self._auth)
        named = {"client_id": self.id, "request_uri": pushed.raise_for_status().json()["request_uri"]}
        return RedirectResponse(f"{authorize}?{urlencode(named)}", 303)


@asynccontextmanager
async def contracts(scene: Scene, **detail: Any) -> AsyncIterator[Contracts]:
    """Register and serve the application; detail: what it asks for beside the document and the text."""
    with on_a_free_port() as (listening, url):
        registered = await scene.application_with_secret(redirect_uris=(f"{url}/back",), par=True)
        made = Contracts(scene, url, registered, detail)
        async with served(made.app(), listening):
            yield made
        await made.close()


@contextmanager
def on_a_free_port() -> Iterator[tuple[socket.socket, str]]:
    """Listen; give the socket, and the address that leads to it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def served(app: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a socket until the context ends."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _page(title: str, content: str) -> Response:
    return HTMLResponse(PAGE.format(title=title, content=content))
