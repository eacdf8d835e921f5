"""The pages of requests over the API and of the stop link are fit for everybody; and what looks is not blind itself."""

import re
import secrets
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from dss.kernel.ids import CredentialId
from dss.kernel.policy import Policy
from tests.browser.looks import READ_IN, faults
from tests.browser.window import window
from tests.outside.scene import Scene
from tests.stories.test_answers import HASH
from tests.world.world import OPERATOR, PIN, Application, Signer

pytestmark = pytest.mark.asyncio(loop_scope="package")
in_each_language = pytest.mark.parametrize("locale", READ_IN)
BAD = """<!doctype html><html lang="xx"><head><title>Good</title><style>:focus { outline: none }</style></head>
<body><h1>Bad</h1><p style="color: #ddd; width: 400px">Words</p><button>Go</button><a href="#x" tabindex="-1">No</a>
</body></html>"""


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with window(browser) as opened:
        yield opened.page


async def signer_of(scene: Scene, application: Application, locale: str) -> Signer:
    """A signer who reads in a language, with a key whose requests are answered by codes too."""
    world, login = scene.world, f"mykola-{secrets.token_hex(3)}"
    user = await world.user(login, locale=locale)
    phone = await world.phone(user)
    asked = await application.post("/v1/credentials", {"user": login})
    await phone.confirm(await phone.show(asked["transaction_id"]), PIN)
    await world.settle()
    await world.services.policies.change_credential(CredentialId(asked["id"]), Policy(offline=True), OPERATOR)
    change = await phone.change("offline", credential=asked["id"])
    await phone.confirm(await phone.show(change), PIN)
    await world.settle()
    return Signer(user, phone, asked["id"], {})


async def stop_link(scene: Scene) -> str:
    """Return the stop link of the newest letter that has one."""
    bodies = [
        message_from_bytes(letter.read_bytes(), policy=default).get_body() for letter in await scene.world.letters()
    ]
    links = [re.search(r"http://\S+/stop/\S+", body.get_content()) for body in bodies if body]
    return next(link[0] for link in reversed(links) if link)


@in_each_language
async def test_the_page_that_waits(scene: Scene, page: Page, locale: str):
    application = await scene.world.application(f"Registry {secrets.token_hex(3)}")
    signer = await signer_of(scene, application, locale)
    wish = {"credential_id": signer.credential_id, "text": "Please sign", "hashes": [HASH], "verification": "choose"}
    asked = await application.post("/v1/signatures", wish)
    await page.goto(asked["page"])
    found = await faults(page, locale)
    await page.goto(asked["page"].replace("?", "/code?"))
    found += await faults(page, locale)
    await signer.phone.decline(await signer.phone.show(asked["id"]))
    await page.goto(asked["page"])
    found += await faults(page, locale)
    await page.goto(f"{asked['page']}x")
    found += await faults(page, "en")

    assert found == []


@in_each_language
async def test_the_page_that_stops_a_phone(scene: Scene, page: Page, locale: str):
    user = await scene.world.user(f"mykola-{secrets.token_hex(3)}", locale=locale)
    await scene.world.phone(user)
    link = await stop_link(scene)
    await page.goto(link)
    found = await faults(page, locale)
    await page.locator("button").click()
    await page.locator("button").wait_for(state="detached")
    found += await faults(page, locale)
    await page.goto(link.replace("?", "x?"))
    found += await faults(page, locale)

    assert found == []


async def test_what_looks_at_pages_sees_each_kind_of_fault(page: Page):
    await page.set_content(BAD)
    found = "\n".join(await faults(page, "en"))

    for expected in ("its title Good", "html-lang-valid", "color-contrast", "wider than", "focus is not", "1 of 2"):
        assert expected in found
