"""Pages over stand-ins of the services: one signer, and what the pages ask of their services."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from dss.devices.model import Device
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.infra.proxies import Proxies
from dss.infra.turnstile import Turnstile
from dss.kernel.errors import DssError, NotFound, Unauthenticated
from dss.kernel.ids import LoginId, TransactionId, UserId
from dss.kernel.policy import Mode
from dss.login.model import Factor, Session, Signed, Standing, Where
from dss.login.phone import PhoneStanding
from dss.transactions.machine import State
from dss.users.model import User
from dss.web.http.headers import SecurityHeaders
from dss.web.login.routes import routes as login_routes
from dss.web.oauth import authorize, waiting
from dss.web.pages import assets
from dss.web.pages.forms import Forms
from dss.web.pages.strays import exception_handlers
from tests.protocol.html_reading import Reading
from tests.world.servicekeys import SoftwareServiceKeys

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "Right-1-password"
REQUEST = TransactionId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")
ALICE = User(
    UserId("01KAJ9T8VX3N5Q7R9S1T2V4W6A"), "alice", "alice@example.org", "Alice", "Ivanova", "MD", None, None, "en", NOW
)


def session(standing: Standing, second: Factor | None = None) -> Session:
    """Return a session of Alice."""
    id = LoginId("01KAJ9T8VX3N5Q7R9S1T2V4W6B")
    until = NOW + timedelta(hours=12)
    return Session(
        id, ALICE.id, standing, Factor.PASSWORD, second, b"\x00" * 32, "192.0.2.1", "Browser/1.0", 0, NOW, NOW, until
    )


HALF, FULL = session(Standing.HALF), session(Standing.FULL, Factor.PHONE)


class LoginStandIn:
    """Signs Alice in; wrong: what is raised in place of taking a password."""

    def __init__(self) -> None:
        self.sessions = {"half": HALF, "full": FULL}
        self.wrong: DssError = Unauthenticated("the login or the password is wrong")
        self.ways: tuple[Factor, ...] = (Factor.PHONE, Factor.TOTP, Factor.PASSKEY)
        self.tried: list[tuple[str, str, Where]] = []
        self.ended: list[Session] = []

    async def session(self, cookie: str, _: Where) -> Session | None:
        return self.sessions.get(cookie)

    async def by_password(self, login: str, password: str, where: Where) -> Signed:
        self.tried.append((login, password, where))
        if (login, password) != (ALICE.login, PASSWORD):
            raise self.wrong
        return Signed(HALF, "half")

    async def second_factors(self, _: UserId) -> tuple[Factor, ...]:
        return self.ways

    async def complete(self, *_: Any) -> str:
        return "full"

    async def end(self, ended: Session) -> None:
        self.ended.append(ended)


class PhoneStandIn:
    """A phone; confirmed: whether it has said yes."""

    def __init__(self) -> None:
        self.confirmed = False
        self.state = State.AWAITING
        self.asked: list[Any] = []

    async def ask(self, _: Session, client: Any, __: Where) -> PhoneStanding:
        self.asked.append(client)
        return await self.standing(HALF, REQUEST)

    async def standing(self, _: Session, id: TransactionId, wait_s: float = 0) -> PhoneStanding:
        if id != REQUEST:
            raise NotFound
        return PhoneStanding(REQUEST, self.state, Mode.CHOOSE, "42", NOW)

    async def proven(self, _: Session, id: TransactionId) -> bool:
        return self.confirmed and id == REQUEST

    async def give_up(self, _: Session) -> None:
        self.state = State.CANCELLED


class UsersStandIn:
    """Knows Alice."""

    async def get(self, _: UserId) -> User:
        return ALICE


class DevicesStandIn:
    """The phones of Alice."""

    def __init__(self) -> None:
        self.phones: list[Device] = []

    async def of_user(self, _: UserId) -> list[Device]:
        return self.phones


class Site:
    """A server of pages, and a browser at it."""

    def __init__(self, url: str = "https://sign.example", routes: Sequence[BaseRoute] = (), **services: Any) -> None:
        settings = SimpleNamespace(public_url=url, name="Example Signatures", proxies=Proxies())
        self.login, self.phone, self.devices = LoginStandIn(), PhoneStandIn(), DevicesStandIn()
        given = {
            "login": self.login,
            "phone_factor": self.phone,
            "devices": self.devices,
            "users": UsersStandIn(),
            "waits": Turnstile(2),
            "clock": SimpleNamespace(now=lambda: NOW),
        }
        self.services = SimpleNamespace(settings=settings, **given | services)
        self.keys = SoftwareServiceKeys()
        self._forms = Forms(Stamps(self.keys, KeyName.LOGIN))
        served = [*login_routes(), *authorize.routes(), *waiting.routes(), *assets.routes(), *routes]
        inner = Starlette(routes=served, exception_handlers=dict(exception_handlers()))
        inner.router.redirect_slashes = False
        self._app = SecurityHeaders(inner)
        self.browser = self.another_browser()

    def another_browser(self, *, fails: bool = True, **headers: str) -> httpx.AsyncClient:
        """Return a browser without cookies; fails: whether a defect of the server is raised here."""
        transport = httpx.ASGITransport(self._with_state, raise_app_exceptions=fails)
        return httpx.AsyncClient(transport=transport, base_url=self.services.settings.public_url, headers=headers)

    async def _with_state(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"services": self.services, "forms": self._forms}
        await self._app(scope, receive, send)

    def signed_in(self, cookie: str = "full") -> None:
        """Give the browser the cookie of a session."""
        secure = self.services.settings.public_url.startswith("https:")
        self.browser.cookies.set("__Host-dss-session" if secure else "dss-session", cookie)

    async def send(self, page: str, to: str | None = None, **fields: str) -> httpx.Response:
        """Open a page, and send a form of ours from it."""
        code = code_in((await self.browser.get(page)).text)
        return await self.browser.post(to or page, data={"form": code, **fields})


def code_in(html: str) -> str:
    """Return the code that the forms of a page carry, the same in each."""
    values = {given["value"] for tag, given in Reading(html).found if tag == "input" and given.get("name") == "form"}
    (code,) = values
    assert code is not None
    return code
