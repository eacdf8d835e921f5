"""The pages of an authorization, and the older ones that wait and stop, are fit for everybody in the same way."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from starlette.responses import Response

from dss.kernel.errors import Conflict
from dss.kernel.ids import ClientId
from dss.kernel.policy import Link, Policy
from dss.transactions import preparation
from dss.transactions.performing import Performing
from dss.transactions.preparing import Preparing
from tests.browser.application import on_a_free_port, served
from tests.browser.looks import READ_IN, Looks
from tests.browser.person import Person, allow_codes, set_password
from tests.browser.window import window
from tests.outside.scene import Registered, Scene, signature_of
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, Application

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.parametrize("locale", READ_IN)]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
HASHES = {"hashes": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="], "hash_algorithm": "sha256"}
NOTHING = 204
PREPARED = 3


class Asking:
    """A person before a request of an application, whose own page shows nothing. back: its redirect URI."""

    def __init__(self, person: Person, application: Registered, back: str) -> None:
        self.person, self.id, self.back = person, application.id, back
        self.own = Application(person.world.http(), application.id, application.secret or "")

    async def comes(self, **detail: Any) -> None:
        """Bring the person to the request: for a signature, or with no detail for a look at their keys."""
        told = {"authorization_details": json.dumps([detail])} if detail else {}
        wish = {"client_id": self.id, "redirect_uri": self.back, "response_type": "code", "code_challenge": CHALLENGE}
        scope = {"scope": "credential" if detail else "service", "code_challenge_method": "S256"}
        await self.person.go(f"/oauth/authorize?{urlencode(wish | scope | told)}")

    async def waits(self, **detail: Any) -> None:
        """Bring the person to the page that waits for the phone."""
        await self.comes(**detail)
        await self.person.press("Ask my phone")


@pytest_asyncio.fixture(loop_scope="package")
async def asking(browser: Browser, scene: Scene, locale: str) -> AsyncIterator[Asking]:
    with on_a_free_port() as (listening, url):
        async with served(Response(status_code=NOTHING), listening), window(browser, locale=locale) as opened:
            application = await scene.application_with_secret(redirect_uris=(url,))
            person = Person(scene.world, scene.signer.user.login, scene.signer.phone, opened, locale=locale)
            await person.go("/account")
            await person.sign_in()
            yield Asking(person, application, url)


@contextmanager
def held(kind: type, verb: str) -> Iterator[None]:
    """Keep the server from going on with a kind of work, until the context ends."""
    go_on, real = asyncio.Event(), getattr(kind, verb)

    async def wait(*arguments: Any) -> Any:
        await go_on.wait()
        return await real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, verb, wait)
        try:
            yield
        finally:
            go_on.set()


async def test_consent(asking: Asking, scene: Scene):
    looks, person = Looks(asking.person), asking.person
    await asking.comes()
    await looks.at("Allow this application?")
    await asking.own.log_in()
    await asking.comes(**signature_of(await asking.own.upload(simple_pdf(), "Оренда та інше " * 12 + ".pdf")))
    await looks.at("Sign for this application?")
    await asking.comes(type="signature", text="Rent, March\nand April", **HASHES)
    await looks.at("Sign for this application?")
    await person.go(f"/oauth/authorize?client_id={asking.id}&redirect_uri=https://elsewhere.example/")
    await looks.at("The application's request cannot be taken")

    assert looks.faults == []


async def test_waiting_for_the_phone_and_its_ends(asking: Asking):
    looks, person = Looks(asking.person), asking.person
    detail = {"type": "signature", "text": "Rent, March", **HASHES}
    await asking.waits(**detail, verification="choose")
    await looks.at("Confirm on your phone")
    await person.decline()
    await looks.at("Declined")
    await asking.waits(**detail)
    await person.press("Stop")
    await looks.at("Cancelled")
    await asking.waits(**detail)
    with held(Performing, "_perform"):
        await person.confirm()
        await person.page.locator("[data-events*='since=signing']").wait_for()
        await looks.at("Confirmed")
    await person.page.wait_for_event("requestfailed", lambda gone: gone.url.startswith(asking.back))
    await asking.waits(**detail)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Performing, "_perform", fail)
        await person.confirm()
        await looks.at("It could not be carried out")

    assert looks.faults == []


async def fail(*_: Any) -> None:
    raise Conflict


async def test_scanning_and_typing_a_code(asking: Asking, scene: Scene):
    looks, person = Looks(asking.person), asking.person
    detail = {"type": "signature", "text": "Rent, March", **HASHES}
    await allow_codes(scene)
    await asking.waits(**detail, verification="compare")
    await person.follow("My phone has no connection")
    await looks.at("Confirm without a connection")
    await person.type(code="0000 0000")
    await person.press("Send")
    await person.page.get_by_role("alert").wait_for()
    await looks.at("Confirm without a connection")
    await person.follow("My phone has a connection")
    await person.press("Stop")
    await person.sees("Cancelled")
    policy = Policy(device_link=Link.ALWAYS)
    await scene.world.services.policies.change_client(ClientId(asking.id), policy, OPERATOR)
    await asking.waits(**detail)
    await looks.at("Scan this code")
    await person.scan()
    await looks.at("Confirm on your phone")
    await person.press("Stop")
    await person.sees("Cancelled")

    assert looks.faults == []


async def test_a_batch_that_is_prepared(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    looks, person = Looks(asking.person), asking.person
    await asking.own.log_in()
    named = [await asking.own.upload(simple_pdf(), f"{number}.pdf") for number in range(PREPARED)]
    documents = [{"id": one["id"], "sha256": one["sha256"]} for one in named]
    monkeypatch.setattr(preparation, "LISTED", PREPARED - 1)
    with held(Preparing, "_turn"):
        await asking.waits(type="signature", text="All of it", documents=documents)
        await looks.at("It is being prepared")
        await person.press("Stop")
        await looks.at("Cancelled")

    assert looks.faults == []


async def test_a_signer_without_a_key(browser: Browser, scene: Scene, locale: str, asking: Asking):
    user = await scene.world.user(f"mykola-{secrets.token_hex(3)}", locale=locale)
    async with window(browser, locale=locale) as opened:
        person = Person(scene.world, user.login, await scene.world.phone(user), opened, locale=locale)
        await set_password(person)
        await person.sign_in()
        looks = Looks(person)
        await Asking(person, Registered(asking.id), asking.back).comes(type="signature", text="Rent", **HASHES)
        await looks.at("Sign for this application?")

    assert looks.faults == []
