"""What a signer does about second factors in the browser: an authenticator app, a passkey of the device, the choice."""

import io
from typing import Any

import pyotp
import zxingcpp
from PIL import Image

from tests.browser.person import Person

ON_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def add_app(person: Person) -> pyotp.TOTP:
    """Set up an authenticator app by the code that the account page shows."""
    await person.press("Set up an app")
    await person.sees("Authenticator app")
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(await person.page.screenshot(full_page=True))))
    app = pyotp.parse_uri(code.text)
    assert isinstance(app, pyotp.TOTP)
    assert app.name == person.login
    await person.type(code=app.now())
    await person.press("Confirm")
    await person.hears("The authenticator app is added.")
    return app


async def device(person: Person) -> tuple[Any, str]:
    """Give the browser an authenticator that knows its owner; return the session of its commands, and its id."""
    commands = await person.window.context.new_cdp_session(person.page)
    await commands.send("WebAuthn.enable")
    made = await commands.send("WebAuthn.addVirtualAuthenticator", {"options": ON_DEVICE})
    return commands, made["authenticatorId"]


async def add_passkey(person: Person) -> None:
    """Add a passkey on the account page."""
    await person.follow("Add a passkey")
    await person.type(name="Work laptop")
    await person.press("Make the passkey")
    await person.hears("The passkey is added.")


async def sign_out(person: Person) -> None:
    """Sign out on the account page."""
    await person.press("Sign out")
    await person.sees("Sign in")


async def way(person: Person, name: str) -> None:
    """Say who it is, and choose a second factor, if it is not the one that is offered first."""
    await person.says_who()
    await person.page.wait_for_url("**/signin/second**")
    if await person.page.locator("h1").inner_text() != name:
        await person.page.get_by_role("link", name=name).click()
    await person.sees(name)
