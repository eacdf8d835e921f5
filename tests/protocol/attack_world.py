"""The whole server with Alice at her browser, an honest application and a dishonest one: the stage for attacks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from dss.clients.profile import GrantType, Profile
from dss.clients.service import NewClient, Registered
from dss.oauth import pkce
from tests.world.dpop import DpopKey
from tests.world.pdfs import simple_pdf
from tests.world.signing_in import mailed_code
from tests.world.visitor import Visitor
from tests.world.world import OPERATOR, PIN, SERVER, Application, Signer, World

BANK, EVIL = "https://bank.example/back", "https://evil.example/back"
PASSWORD = "Corr3ct horse"
VERIFIER = "a-verifier-that-only-its-client-has-ever-seen.~_"
WEB = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)


@dataclass
class Stage:
    """Alice has signed in; `hops` are the addresses to which her browser was sent, with the statuses of the answers."""

    world: World
    alice: Signer
    browser: Visitor
    bank: Registered
    evil: Registered
    http: httpx.AsyncClient
    hops: list[tuple[int, str]] = field(default_factory=list)

    def url(self, who: Registered | None = None, **changes: str | None) -> str:
        """Return the address of a right authorization request, with changes; None takes a parameter away."""
        client = (who or self.bank).client
        right: dict[str, str | None] = {
            "client_id": client.id,
            "response_type": "code",
            "redirect_uri": client.profile.redirect_uris[0],
            "scope": "service",
            "state": "a state",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        told = {name: value for name, value in {**right, **changes}.items() if value is not None}
        return f"/oauth/authorize?{urlencode(told)}"

    async def allowed(self, who: Registered | None = None, **changes: str | None) -> dict[str, str]:
        """Let Alice allow what an application asks for; return the answer that her browser brings it."""
        await self.browser.go(self.url(who, **changes))
        if not self.browser.left_for:
            await self.browser.press("Allow")
        return self.answered()

    def answered(self) -> dict[str, str]:
        """Return the answer with which the browser has left the server."""
        told, self.browser.left_for = self.browser.answer(), ""
        return told

    async def ask(self, who: Registered, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """Ask the token endpoint as an application that proves itself by its secret."""
        told = {"client_id": who.client.id, "client_secret": who.secret or "", **form}
        return await self.http.post("/oauth/token", data=told, headers=headers)

    async def redeem(
        self, code: str, who: Registered | None = None, headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """Redeem a code, in the right way but for what is changed."""
        asks = who or self.bank
        right = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        right["redirect_uri"] = asks.client.profile.redirect_uris[0]
        return await self.ask(asks, headers, **{**right, **form})

    async def token(self, who: Registered | None = None) -> str:
        """Return an access token to Alice's keys."""
        return str((await self.redeem((await self.allowed(who))["code"], who)).json()["access_token"])

    async def proof(self, key: DpopKey, method: str, path: str, token: str = "", server: str = SERVER) -> str:
        """Return a proof with the server's nonce, for a call of this server or of another."""
        nonce = await self.world.services.calling.proofs.nonce()
        return key.proof(method, server + path, nonce, token)

    async def keys(self, authorization: str, **headers: str) -> httpx.Response:
        """Read the list of Alice's keys."""
        return await self.http.get("/v1/credentials", headers={"Authorization": authorization, **headers})

    async def document(self, who: Registered | None = None) -> str:
        """Upload a contract as an application, and return its id."""
        asks = who or self.bank
        application = Application(self.world.http(), asks.client.id, asks.secret or "")
        await application.log_in()
        return str((await application.upload(simple_pdf()))["id"])


def told(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(url).query))


async def registered(world: World, name: str, callback: str) -> Registered:
    """Register a web application with a secret."""
    profile = Profile(redirect_uris=(callback,), grants=WEB)
    new = NewClient(name, ("signatures", "service", "credential"), with_secret=True, profile=profile)
    return await world.services.clients.register(new, OPERATOR)


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    """The stage, with Alice signed in by her password and her phone."""
    async with staged(world) as made:
        yield made


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[Stage]:
    """Set the stage in a world."""
    alice = await world.signer(await world.application("Registry"))
    async with world.http() as at_home, world.http() as elsewhere:
        bank, evil = await registered(world, "Bank", BANK), await registered(world, "Evil", EVIL)
        made = Stage(world, alice, Visitor(at_home), bank, evil, elsewhere)
        at_home.event_hooks["response"].append(_noting(made))
        await sign_in(world, alice, made.browser)
        yield made


async def sign_in(world: World, signer: Signer, browser: Visitor) -> None:
    """Set a password by the letter's link, and sign in with it and the phone."""
    before = set(await world.letters())
    await world.services.login.letters.send(signer.user.login, OPERATOR)
    (letter,) = [letter for letter in await world.letters() if letter not in before]
    await browser.go(f"/signin/password/{mailed_code(letter.read_bytes(), SERVER)}")
    await browser.press("Set the password", password=PASSWORD, repeated=PASSWORD)
    await browser.press("Continue", login=signer.user.login, password=PASSWORD)
    (notice,) = await signer.phone.waiting()
    await signer.phone.confirm(await signer.phone.show(notice.id), PIN)
    await world.settle()
    await browser.go(browser.page.url)
    assert browser.page.url == f"{SERVER}/account", browser.page.text


def _noting(stage: Stage) -> Any:
    async def note(answer: httpx.Response) -> None:
        if answer.is_redirect:
            stage.hops.append((answer.status_code, answer.headers["location"]))

    return note
