"""A signer at a browser, with a phone in the other hand."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

from dss.kernel.ids import CredentialId
from dss.kernel.policy import Policy
from dss.web.pages.catalogues import SOURCE, translations
from mobile_mock.errors import Refused
from mobile_mock.phone import Phone
from mobile_mock.scanning import text_of
from mobile_mock.showing import Shown
from tests.browser.window import Window
from tests.outside.scene import PASSWORD, Scene
from tests.world.live import LiveWorld
from tests.world.signing_in import mailed_code
from tests.world.world import OPERATOR, PIN

RINGS_S = 20
SCANS = 10


@dataclass
class Person:
    """A signer; what they do in the browser they do by what its pages show.

    locale: the language in which they read, one of LOCALES.
    """

    world: LiveWorld
    login: str
    phone: Phone
    window: Window
    password: str = PASSWORD
    locale: str = SOURCE

    @property
    def page(self) -> Page:
        """The page before them."""
        return self.window.page

    def says(self, text: str) -> str:
        """Return a text of the pages in their language."""
        return translations(self.locale).gettext(text)

    async def go(self, path: str) -> None:
        """Open a page of the server."""
        between = "&" if "?" in path else "?"
        await self.page.goto(f"{self.world.url}{path}{between}lang={self.locale}")

    async def press(self, button: str) -> None:
        """Press a button."""
        await self.page.get_by_role("button", name=self.says(button), exact=True).click()

    async def follow(self, link: str) -> None:
        """Follow a link."""
        await self.page.get_by_role("link", name=self.says(link), exact=True).click()

    async def type(self, **typed: str) -> None:
        """Fill in fields, by their names."""
        for name, text in typed.items():
            await self.page.locator(f"[name={name}]").fill(text)

    async def sees(self, title: str) -> None:
        """Wait until a page with this title is there."""
        await self.page.locator("h1", has_text=self.says(title)).wait_for()

    async def hears(self, text: str) -> None:
        """Wait until the page tells this."""
        await self.page.get_by_text(self.says(text)).wait_for()

    async def says_who(self) -> None:
        """Type login and password."""
        await self.type(login=self.login, password=self.password)
        await self.press("Continue")

    async def sign_in(self) -> None:
        """Sign in with the phone on the page for it, which goes on by itself."""
        await self.says_who()
        await self.sees("Confirm on your phone")
        await self.confirm()
        await self.page.wait_for_url(lambda url: "/signin" not in url)

    async def asked(self) -> Shown:
        """Return what the phone shows once it was asked for something."""
        *_, notice = await self.phone.waiting(wait=RINGS_S)
        return await self.phone.show(notice.id)

    async def confirm(self, **typed: Any) -> None:
        """Confirm it on the phone; typed: what it asks for beside the PIN."""
        await self.phone.confirm(await self.asked(), PIN, **typed)

    async def decline(self) -> None:
        """Decline it."""
        await self.phone.decline(await self.asked(), "not today")

    async def number(self) -> str:
        """Return the number that the page shows."""
        return await self.page.locator(".number strong").inner_text()

    async def photograph(self) -> str:
        """Return what the one code on the page says."""
        picture = self.page.locator("img.picture")
        await picture.evaluate("picture => picture.decode()")
        return text_of(await self.page.screenshot(full_page=True))

    async def scan(self) -> str:
        """Scan the code that changes each second until the phone is quick enough; return what it opened."""
        for _ in range(SCANS):
            try:
                return await self.phone.scan(await self.photograph())
            except Refused:
                continue
        raise AssertionError("no code was taken")


async def password_link(world: LiveWorld, login: str) -> str:
    """Have a letter sent by which a password is set; return the path of its link."""
    before = set(await world.letters())
    await world.services.login.letters.send(login, OPERATOR)
    (letter,) = [letter for letter in await world.letters() if letter not in before]
    return f"/signin/password/{mailed_code(letter.read_bytes(), world.url)}"


async def set_password(person: Person, password: str = PASSWORD) -> None:
    """Set a password by the link of a letter."""
    await person.go(await password_link(person.world, person.login))
    await person.type(password=password, repeated=password)
    await person.press("Set the password")
    await person.sees("Sign in")


async def allow_codes(scene: Scene) -> None:
    """Allow codes by the key's policy, and let the phone set them up."""
    signer = scene.signer
    await scene.world.services.policies.change_credential(
        CredentialId(signer.credential_id), Policy(offline=True), OPERATOR
    )
    change = await signer.phone.change("offline", credential=signer.credential_id)
    await signer.phone.confirm(await signer.phone.show(change), PIN)
    await scene.world.settle()
