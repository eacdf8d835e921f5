"""The stage of the waiting page's tests: the page over a service that has one transaction, and a browser."""

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from dss.devices.request import Kind
from dss.kernel.errors import DssError, NotFound
from dss.kernel.policy import Mode
from dss.transactions.machine import State
from dss.transactions.waiting import WaitView
from dss.web.http.headers import SecurityHeaders
from dss.web.http.problems import exception_handlers
from dss.web.pages import assets
from dss.web.waiting.routes import routes
from tests.protocol.html_reading import Reading
from tests.world.asgi import client

ID = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
CODE = "q2V_-0" * 7 + "A"
PAGE, PICTURE = f"/wait/{ID}?k={CODE}", f"/wait/{ID}/link.png?k={CODE}"
TYPING, REQUEST = f"/wait/{ID}/code?k={CODE}", f"/wait/{ID}/offline.png?k={CODE}"
LINK = f"dss-link:v1?u=https%3A%2F%2Fdss.test&t={ID}&s=1795296000&a={CODE}"
OFFLINE = "dss-offline:v1?p=AAAA&s=BBBB"
SETTINGS = SimpleNamespace(public_url="https://dss.test", name="Signatures of Examples")
FIRST = WaitView(
    kind=Kind.SIGN,
    state=State.AWAITING,
    application="Contracts Ltd",
    text="Rent, March",
    count=2,
    names=("rent.pdf", "annex.pdf"),
    mode=Mode.CHOOSE,
    number="47",
    is_pushed=False,
    is_linked=False,
    takes_code=False,
    has_run=False,
    wrong_number=False,
    reason="",
    cause="",
    locale="en",
)


class Waiting:
    """The service behind the page, with one transaction.

    fault: what it raises instead. refusal: what it raises of a code that is typed.
    """

    def __init__(self) -> None:
        self.is_now = FIRST
        self.fault: DssError | None = None
        self.asked: list[str] = []
        self.typed: list[str] = []
        self.refusal: DssError | None = None

    def becomes(self, **changes: object) -> None:
        self.is_now = replace(self.is_now, **changes)

    async def view(self, id: str, code: str) -> WaitView:
        self._require("view", id, code)
        return self.is_now

    async def link(self, id: str, code: str) -> str:
        self._require("link", id, code)
        return LINK

    async def offline_text(self, id: str, code: str) -> str:
        self._require("offline", id, code)
        return OFFLINE

    async def answer(self, id: str, code: str, typed: str) -> None:
        self._require("answer", id, code)
        self.typed.append(typed)
        if self.refusal:
            raise self.refusal
        self.becomes(state=State.CONFIRMED, takes_code=False)

    def _require(self, verb: str, id: str, code: str) -> None:
        self.asked.append(verb)
        if self.fault:
            raise self.fault
        if (id, code) != (ID, CODE):
            raise NotFound


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
async def browser(waiting: Waiting) -> AsyncIterator[httpx.AsyncClient]:
    app = SecurityHeaders(
        Starlette(routes=[*routes(), *assets.routes()], exception_handlers=dict(exception_handlers()))
    )

    async def with_services(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"services": SimpleNamespace(waiting=waiting, settings=SETTINGS)}
        await app(scope, receive, send)

    async with client(with_services) as caller:
        yield caller


async def page_of(browser: httpx.AsyncClient) -> Reading:
    answer = await browser.get(PAGE)
    assert answer.status_code == 200
    return Reading(answer.text)
