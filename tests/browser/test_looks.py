"""Every page is fit for everybody: with a screen reader, by keys alone, on a narrow screen, in each scheme and language."""

import json
import secrets
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Route

from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import Link, Policy
from mobile_mock.phone import Phone
from tests.browser.looks import READ_IN, Looks
from tests.browser.person import Person, password_link
from tests.browser.test_account import add_app, add_passkey, device
from tests.browser.test_signing import allow_codes, scanned
from tests.browser.window import window
from tests.outside.scene import BACK, PASSWORD, Scene, signature_of
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN, Application

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.parametrize("locale", READ_IN)]
WRONG = "Wr0ng password"
NOBODY = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


async def newcomer(scene: Scene, locale: str) -> Person:
    """A signer who has neither a password nor a phone yet."""
    user = await scene.world.user(f"mykola-{secrets.token_hex(3)}", locale=locale)
    return Person(scene.world, user.login, None, None, PASSWORD, locale)
