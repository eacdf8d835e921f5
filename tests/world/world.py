"""A small world: the whole server on a real HSM and a real database, people with phones, relying applications.

Nothing happens by itself here. Time moves by hand, and `settle` lets the server do what its background work would do.
"""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Secret
from starlette.types import ASGIApp, Receive, Scope, Send

from dss.ca.model import NewAuthority
from dss.clients.model import RELYING
from dss.clients.service import NewClient
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.settings import Role, Settings, Tokens
from dss.transactions.asking import AskLimits
from dss.transactions.parts import WAITING
from dss.users.model import User
from dss.users.service import NewUser
from dss.web import app as web
from dss.web.pages.forms import Forms
from dss.wiring import Services, opened
from mobile_mock.letters import code_text, qr_text
from mobile_mock.phone import Phone
from tests.world.auditor import audit_all
from tests.world.clock import HandClock
from tests.world.softhsm import SoftHsm

SERVER = "http://dss.test"
PIN = "493817"
OPERATOR = "operator:test"
# Stories ask one signer more often than people bear; those about that choose the usual limits.
PATIENT = AskLimits(most=10_000, waiting=WAITING, pause=timedelta(0))


@dataclass
class World:
    """The server from the outside, with a back door to its services for what only operators do."""

    services: Services
    app: ASGIApp
    clock: HandClock
    folder: Path

    def http(self) -> httpx.AsyncClient:
        """A client on the network."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=SERVER, timeout=30)

    async def user(self, login: str = "alice", **changes: Any) -> User:
        """A signer without a phone."""
        new = NewUser(
            login=login,
            email=f"{login}@example.org",
            given_name=login.title(),
            surname="Example",
            country="UA",
            serial_number=None,
            organization=None,
            locale="en",
        )
        return await self.services.users.register(replace(new, **changes), OPERATOR)

    async def letters(self) -> list[Path]:
        """Send what is due; return the letters in the spool, oldest first."""
        await self.services.notify.send_due()
        return sorted(self.services.settings.spool.glob("*.eml"))

    async def invite(self, user: User) -> tuple[str, str]:
        """Send a signer the two letters; return the QR's text and the code, each read from its own letter."""
        before = set(await self.letters())
        await self.services.inviting.invite(user, OPERATOR)
        new = [letter for letter in await self.letters() if letter not in before]
        (with_qr,) = [letter for letter in new if b"image/png" in letter.read_bytes()]
        (with_code,) = [letter for letter in new if letter != with_qr]
        return qr_text(with_qr), code_text(with_code)

    def new_phone(self) -> Phone:
        """A phone out of the box."""
        folder = self.folder / f"phone-{secrets.token_hex(4)}"
        return Phone(folder, self.http(), now=self.clock.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        """Wait as phones do: by moving the clock."""
        self.clock.move(seconds)

    async def phone(self, user: User) -> Phone:
        """A phone that is enrolled for a signer."""
        qr, code = await self.invite(user)
        phone = self.new_phone()
        await phone.enrol(qr, code, PIN, "Key 1")
        return phone

    async def application(self, name: str = "Contracts Ltd", scopes: tuple[str, ...] = RELYING) -> "Application":
        """A registered relying application with a token."""
        new = NewClient(name, scopes, None, True, "")
        registered = await self.services.clients.register(new, OPERATOR)
        application = Application(self.http(), registered.client.id, registered.secret or "")
        await application.log_in()
        return application

    async def signer(self, application: "Application", login: str = "alice", key_type: str = "P-256") -> "Signer":
        """A signer with a phone and a credential that the phone confirmed."""
        user = await self.user(login)
        phone = await self.phone(user)
        asked = await application.post("/v1/credentials", {"user": login, "key_type": key_type})
        (notice,) = await phone.waiting()
        await phone.confirm(await phone.show(notice.id), PIN)
        await self.settle()
        credential = await application.get(f"/v1/credentials/{asked['id']}")
        assert credential["state"] == "active", credential
        return Signer(user, phone, credential["id"], credential)

    async def settle(self) -> None:
        """Let the server finish all confirmed work that it can."""
        working = True
        while working:
            prepared = await self.services.preparing.next()
            working = any([prepared, *[await performing.next() for performing in self.services.performing]])

    async def seal(self) -> None:
        """Let the server seal what its log has so far."""
        await self.services.sealer.round()

    async def tells(self, subject: str) -> list[str]:
        """The kinds of the events on a subject, oldest first."""
        return [recorded.event.kind for recorded in await self.services.audit.of_subject(subject)]


@dataclass
class Signer:
    """A person with a phone and a credential."""

    user: User
    phone: Phone
    credential_id: str
    credential: dict[str, Any]


@dataclass
class Application:
    """A relying application."""

    http: httpx.AsyncClient
    id: str
    secret: str

    async def log_in(self) -> None:
        """Get an access token, good for ten minutes."""
        form = {"grant_type": "client_credentials"}
        answer = await self.http.post("/oauth/token", data=form, auth=(self.id, self.secret))
        self.http.headers["Authorization"] = f"Bearer {_checked(answer, 200)['access_token']}"

    async def post(self, path: str, body: Any, *, status: int = 201, key: str | None = None) -> Any:
        """Post JSON and return the answer's, which must have this status."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return _checked(await self.http.post(path, json=body, headers=headers), status)

    async def get(self, path: str, *, status: int = 200) -> Any:
        """Get JSON, which must have this status."""
        return _checked(await self.http.get(path), status)

    async def upload(self, pdf: bytes, name: str = "contract.pdf", *, status: int = 201) -> Any:
        """Upload a PDF."""
        headers = {"Content-Type": "application/pdf"}
        answer = await self.http.post("/v1/documents", params={"name": name}, content=pdf, headers=headers)
        return _checked(answer, status)

    async def ask(self, signer: Signer, pdf: bytes, text: str = "Please sign") -> Any:
        """Upload a PDF and ask a signer to sign it."""
        document = await self.upload(pdf)
        wish = {"credential_id": signer.credential_id, "text": text, "documents": [{"id": document["id"]}]}
        return await self.post("/v1/signatures", wish)

    async def ask_hashes(self, signer: Signer, *hashes: str, status: int = 201) -> Any:
        """Ask a signer to sign bare SHA-256 hashes, base64."""
        wish = {"credential_id": signer.credential_id, "text": "Please sign", "hashes": list(hashes)}
        return await self.post("/v1/signatures", wish, status=status)


def _checked(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    return json.loads(answer.content)


class WithState:
    """Gives an application its state, as a server's lifespan would."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._state = {"services": services, "forms": Forms(Stamps(services.tokens.service, KeyName.LOGIN))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the services in its state."""
        await self._app(scope | {"state": dict(self._state)}, receive, send)


def settings(softhsm: SoftHsm, database_url: str, folder: Path, role: Role = Role.ALL) -> Settings:
    """The settings of a world."""
    pins = {name: Secret(softhsm.spec(name).pin) for name in ("user", "ca", "service")}
    return Settings(
        home=folder,
        role=role,
        database_url=database_url,
        public_url=SERVER,
        pki_url=SERVER,
        name="Demo signature server",
        tokens=Tokens("user", "ca", "service", pins["user"], pins["ca"], pins["service"]),
        hsm_module=softhsm.module,
        softhsm_conf=None,
        hsm_lock_file=softhsm.folder / "hsm.lock",
        hsm_threads=2,
        documents=folder / "documents",
        spool=folder / "spool",
        document_children=1,
        document_limit=50 * 1024 * 1024,
        mail_from="Signature server <do-not-reply@example.org>",
        confirm_within=timedelta(seconds=300),
        collect_within=timedelta(hours=24),
        pin_lock=timedelta(hours=3),
        policy_oid="1.3.6.1.4.1.32473.1.1",
        log_level="info",
        log_origin="dss.test/log",
        asking=PATIENT,
    )


@asynccontextmanager
async def new_world(softhsm: SoftHsm, database_url: str, folder: Path, **choices: Any) -> AsyncIterator[World]:
    """Open a world, and let the auditor read its log at the end; choices: other settings than the usual ones."""
    clock = HandClock()
    async with opened(replace(settings(softhsm, database_url, folder), **choices), clock) as services:
        await services.ca.create_root(NewAuthority("root", "Test Root CA", "Test", "EE"))
        await services.ca.create_issuing(NewAuthority("issuing", "Test Issuing CA", "Test", "EE"), "root")
        await services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)
        app = WithState(web.create(services.settings, strict=True), services)
        world = World(services, app, clock, folder)
        yield world
        await audit_all(services)


@pytest.fixture
async def world(softhsm: SoftHsm, sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world on SQLite."""
    async with new_world(softhsm, sqlite_url, tmp_path) as made:
        yield made


@pytest.fixture
async def world_on_each_database(softhsm: SoftHsm, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world on SQLite, and another on PostgreSQL."""
    async with new_world(softhsm, database_url, tmp_path) as made:
        yield made
