"""Second factors and the account in a real browser: apps, passkeys, sessions, passwords, and applications."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dss.login.model import Factor, Standing
from tests.browser.application import contracts
from tests.browser.factors import add_app, add_passkey, device, sign_out, way
from tests.browser.person import Person, set_password
from tests.browser.window import Window, window
from tests.outside.scene import PASSWORD, Scene

pytestmark = pytest.mark.asyncio(loop_scope="package")
ANOTHER = "N3w battery staple"


@pytest_asyncio.fixture(loop_scope="package")
async def olena(scene: Scene, opened: Window) -> Person:
    """A signer with a phone and a password, signed in."""
    user = await scene.world.user(f"olena-{secrets.token_hex(3)}", given_name="Olena")
    made = Person(scene.world, user.login, await scene.world.phone(user), opened)
    await set_password(made)
    await made.sign_in()
    await made.sees("Your account")
    return made


@asynccontextmanager
async def elsewhere(browser: Browser, person: Person) -> AsyncIterator[Person]:
    """The same person, signed in at another computer."""
    async with window(browser) as other:
        there = Person(person.world, person.login, person.phone, other, person.password)
        await there.go("/account")
        await there.sign_in()
        await there.sees("Your account")
        yield there


# --- second factors ---


async def test_an_authenticator_app_that_scanned_the_account_page_signs_in(olena: Person):
    """RFC 6238 section 5.2: each code once; the next step's is taken early."""
    app = await add_app(olena)
    await sign_out(olena)
    await way(olena, "Code of the authenticator app")
    await olena.type(code="000000")
    await olena.press("Continue")
    await olena.page.get_by_role("alert").wait_for()

    await olena.type(code=app.at(datetime.now(UTC), 1))
    await olena.press("Continue")

    await olena.sees("Your account")


async def test_a_passkey_of_the_device_signs_in_and_a_refused_fingerprint_does_not(olena: Person):
    """WebAuthn level 2 sections 7.1 and 7.2."""
    commands, id = await device(olena)
    await add_passkey(olena)
    await sign_out(olena)
    await way(olena, "Passkey")
    await commands.send("WebAuthn.setUserVerified", {"authenticatorId": id, "isUserVerified": False})
    await olena.press("Use the passkey")
    await olena.page.get_by_role("alert").wait_for()
    await commands.send("WebAuthn.setUserVerified", {"authenticatorId": id, "isUserVerified": True})

    await olena.press("Use the passkey")

    await olena.sees("Your account")
    (session,) = [one for one in await sessions(olena) if one.standing is Standing.FULL]
    assert session.second is Factor.PASSKEY


async def sessions(person: Person) -> tuple[Any, ...]:
    """Return the sessions of a person as the server has them."""
    user = await person.world.services.users.by_login(person.login)
    return tuple(await person.world.services.login.sessions_of(user.id))


async def test_a_passkey_and_an_app_that_were_removed_are_offered_no_more(olena: Person):
    await device(olena)
    await add_passkey(olena)
    await add_app(olena)
    await olena.page.get_by_role("button", name="Remove the passkey Work laptop").click()
    await olena.hears("The passkey is removed.")
    await olena.press("Remove the app")
    await olena.hears("The authenticator app is removed.")
    await sign_out(olena)

    await olena.says_who()

    await olena.sees("Confirm on your phone")
    assert await olena.page.locator(".ways").count() == 0
    await olena.decline()


async def test_signing_in_is_declined_on_the_phone(olena: Person):
    await sign_out(olena)
    await olena.says_who()
    await olena.sees("Confirm on your phone")

    await olena.decline()

    await olena.sees("Declined")
    await olena.go("/account")
    await olena.sees("Sign in")


# --- the account ---


async def test_another_session_is_listed_and_ended(olena: Person, browser: Browser):
    async with elsewhere(browser, olena) as there:
        await olena.page.reload()
        assert await olena.page.locator("section[aria-labelledby=sessions] li").count() == 2
        await olena.page.get_by_role("button", name="End the session of").click()
        await olena.hears("The session has ended.")

        await there.page.reload()

        await there.sees("Sign in")
    await olena.page.reload()
    await olena.sees("Your account")


async def test_a_new_password_ends_all_other_sessions(olena: Person, browser: Browser):
    """docs/authorization.md section 7."""
    async with elsewhere(browser, olena) as there:
        await olena.follow("Change the password")
        await olena.type(old=PASSWORD, password=ANOTHER, repeated=ANOTHER)
        await olena.press("Change the password")
        await olena.hears("The password is changed.")

        await there.page.reload()

        await there.sees("Sign in")
    olena.password = ANOTHER
    await sign_out(olena)
    await olena.sign_in()
    await olena.sees("Your account")


async def test_an_application_reads_the_keys_until_it_is_taken_back(olena: Person, scene: Scene):
    """Signed in already, they are asked to consent once; the second time the application gets its answer at once."""
    async with contracts(scene) as application:
        await olena.page.goto(application.url)
        await olena.press("Show my keys")
        await olena.sees("Allow this application?")
        await olena.press("Allow")
        await olena.sees("Your keys")
        await olena.page.goto(application.url)
        await olena.press("Show my keys")
        await olena.sees("Your keys")
        assert (await application.look()).status_code == 200

        await olena.go("/account")
        while await olena.page.get_by_role("button", name="Take back").count():
            await olena.page.get_by_role("button", name="Take back").first.click()
            await olena.hears("The application may do nothing any more.")

        assert (await application.look()).status_code == 401


async def test_the_last_form_of_signing_in_leads_to_the_application_itself(olena: Person, scene: Scene):
    """CSP level 3 section 6.4.2: browsers hold the redirects after a form to the page's `form-action`."""
    app = await add_app(olena)
    async with contracts(scene) as application:
        await olena.page.goto(application.url)
        await olena.press("Show my keys")
        await olena.press("Allow")
        await olena.sees("Your keys")
        await olena.go("/account")
        await sign_out(olena)
        await olena.page.goto(application.url)
        await olena.press("Show my keys")
        await way(olena, "Code of the authenticator app")
        await olena.type(code=app.at(datetime.now(UTC), 1))
        await olena.press("Continue")

        await olena.sees("Your keys")
