"""The pages of signing in and of the account are fit for everybody: by ear, by keys, narrow, dark, in each language."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dss.kernel.ids import TransactionId
from tests.browser.factors import add_app, add_passkey, device, sign_out
from tests.browser.looks import READ_IN, Looks
from tests.browser.person import Person, password_link
from tests.browser.window import window
from tests.outside.scene import PASSWORD, Scene
from tests.world.world import PIN

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.parametrize("locale", READ_IN)]
WRONG = "Wr0ng password"
SECONDS = re.compile("[0-9]")
NOBODY = TransactionId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")


@pytest_asyncio.fixture(loop_scope="package")
async def mykola(browser: Browser, scene: Scene, locale: str) -> AsyncIterator[Person]:
    """A signer who has neither a password nor a phone yet."""
    user = await scene.world.user(f"mykola-{secrets.token_hex(3)}", locale=locale)
    async with window(browser, locale=locale) as opened:
        yield Person(scene.world, user.login, scene.world.new_phone(), opened, locale=locale)


async def bind(person: Person) -> None:
    """Bind the phone by the two letters."""
    qr, code = await person.world.invite(await person.world.services.users.by_login(person.login))
    await person.phone.enrol(qr, code, PIN)


async def has_password(person: Person) -> None:
    """Have the password set by the link of a letter."""
    await person.go(await password_link(person.world, person.login))
    await person.type(password=PASSWORD, repeated=PASSWORD)
    await person.press("Set the password")
    await person.sees("Sign in")


async def test_setting_a_password_and_signing_in_without_a_phone(mykola: Person):
    looks, link = Looks(mykola), await password_link(mykola.world, mykola.login)
    await mykola.go(link)
    await looks.at("Set a password")
    await mykola.type(password=PASSWORD, repeated=WRONG)
    await mykola.press("Set the password")
    await mykola.hears("The two passwords are not the same.")
    await looks.at("Set a password")
    await mykola.type(password=PASSWORD, repeated=PASSWORD)
    await mykola.press("Set the password")
    await looks.at("Sign in")
    await mykola.says_who()
    await looks.at("Bind a phone first")
    await mykola.go(link)
    await looks.at("This link is no longer good")
    await mykola.follow("Ask for another letter")
    await looks.at("Set a password")
    await mykola.type(login=mykola.login)
    await mykola.press("Send the letter")
    await mykola.page.get_by_role("status").wait_for()
    await looks.at("Set a password")

    assert looks.faults == []


async def test_wrong_tries(mykola: Person):
    looks, mykola.password = Looks(mykola), WRONG
    await mykola.go("/signin")
    for _ in range(5):
        async with mykola.page.expect_navigation():
            await mykola.says_who()
    await looks.at("Sign in")
    await mykola.says_who()
    await mykola.page.get_by_role("alert").filter(has_text=SECONDS).wait_for()
    await looks.at("Sign in")
    await mykola.page.locator("[name=form]").first.evaluate("code => { code.value = 'stolen'; }")
    await mykola.says_who()
    await looks.at("This form is no longer good")

    assert looks.faults == []


async def test_the_phone_and_the_account(mykola: Person):
    looks = Looks(mykola)
    await bind(mykola)
    await has_password(mykola)
    await mykola.says_who()
    await looks.at("Confirm on your phone")
    await mykola.decline()
    await looks.at("Declined")
    await mykola.press("Ask my phone again")
    await mykola.sees("Confirm on your phone")
    await mykola.confirm()
    await looks.at("Your account")
    await mykola.follow("Change the password")
    await looks.at("Change the password")
    await mykola.type(old=WRONG, password=PASSWORD, repeated=PASSWORD)
    await mykola.press("Change the password")
    await mykola.page.get_by_role("alert").wait_for()
    await looks.at("Change the password")
    await mykola.go(f"/oauth/waiting/{NOBODY}")
    await looks.at("There is no such page")

    assert looks.faults == []


async def test_an_authenticator_app_and_a_passkey(mykola: Person):
    looks = Looks(mykola)
    await bind(mykola)
    await has_password(mykola)
    await mykola.sign_in()
    await mykola.press("Set up an app")
    await looks.at("Authenticator app")
    await mykola.type(code="000000")
    await mykola.press("Confirm")
    await mykola.page.get_by_role("alert").wait_for()
    await looks.at("Authenticator app")
    await mykola.go("/account")
    await add_app(mykola)
    await device(mykola)
    await mykola.go("/account/passkeys/new")
    await looks.at("New passkey")
    await mykola.go("/account")
    await add_passkey(mykola)
    await looks.at("Your account")
    await sign_out(mykola)
    await mykola.says_who()
    await mykola.page.wait_for_url("**/signin/second**")
    for name, title in (("phone", "Confirm on the phone"), ("passkey", "Passkey")):
        await mykola.go(f"/signin/second?way={name}")
        await looks.at(title)
    await mykola.go("/signin/second?way=totp")
    await mykola.type(code="000000")
    await mykola.press("Continue")
    await mykola.page.get_by_role("alert").wait_for()
    await looks.at("Code of the authenticator app")

    assert looks.faults == []
