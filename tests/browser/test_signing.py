"""A contract is signed in a real browser: from the application's button to the signed PDF, and every other end."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from dss.kernel.clock import SystemClock
from dss.kernel.ids import ClientId
from dss.kernel.policy import Link, Policy
from tests.browser.application import Contracts, contracts
from tests.browser.person import Person, allow_codes
from tests.browser.window import window
from tests.outside.scene import Scene, judged
from tests.world.world import OPERATOR, PIN

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def ask(person: Person, application: Contracts) -> None:
    """Press the application's button, sign in, and allow the phone to be asked."""
    await person.page.goto(application.url)
    await person.press("Sign the contract")
    await person.sign_in()
    await person.sees("Sign for this application?")
    await person.press("Ask my phone")


async def require_signed(person: Person, application: Contracts, folder: Path) -> None:
    """Require that the person is back at the application, and that it has the signed contract."""
    await person.sees("The contract is signed")
    assert person.page.url.startswith(application.url)
    assert "Signature is Valid" in judged(application.signed, folder)


async def require_refused(person: Person, application: Contracts, description: str) -> None:
    """Require that the person goes back to the application by a button, and that it is told why."""
    await person.follow("Go back now")
    await person.sees("Not signed")
    assert application.told["error"] == "access_denied"
    assert application.told["error_description"] == description


async def test_a_contract_is_signed_by_choosing_the_number_that_the_page_shows(
    alice: Person, scene: Scene, tmp_path: Path
):
    """docs/authorization.md sections 4 to 8; the pages go on by themselves."""
    async with contracts(scene, verification="choose") as application:
        await ask(alice, application)
        await alice.sees("Confirm on your phone")
        at = alice.page.url
        await alice.confirm(number=await alice.number())

        await require_signed(alice, application, tmp_path)
        await alice.page.goto(at)
        await alice.sees("Done")


async def test_the_pages_go_on_without_a_script_too(browser: Browser, scene: Scene, tmp_path: Path):
    async with (
        window(browser, java_script_enabled=False) as plain,
        contracts(scene, verification="compare") as application,
    ):
        alice = Person(scene.world, scene.signer.user.login, scene.signer.phone, plain)
        await ask(alice, application)
        await alice.confirm(number=await alice.number())

        await require_signed(alice, application, tmp_path)


async def test_a_policy_has_the_code_on_the_screen_scanned(alice: Person, scene: Scene, tmp_path: Path):
    """T08: the code changes each second, and a phone that scans too late is told so."""
    async with contracts(scene) as application:
        policy = Policy(device_link=Link.ALWAYS)
        await scene.world.services.policies.change_client(ClientId(application.id), policy, OPERATOR)
        await ask(alice, application)
        await alice.sees("Scan this code")
        shown = await alice.phone.show(await alice.scan())
        await alice.sees("Confirm on your phone")
        assert await alice.page.locator("img.picture").count() == 0
        await alice.phone.confirm(shown, PIN)

        await require_signed(alice, application, tmp_path)


async def test_a_phone_without_a_connection_answers_by_a_code(alice: Person, scene: Scene, tmp_path: Path):
    """docs/device-protocol.md section 12. A wrong code is told, and the right one is taken then."""
    await allow_codes(scene)
    async with contracts(scene, verification="choose") as application:
        await ask(alice, application)
        await alice.follow("My phone has no connection")
        shown = alice.phone.show_offline(await alice.photograph())
        codes = await alice.phone.offline_codes(shown, PIN, await alice.number())
        await alice.type(code="0000 0000")
        await alice.press("Send")
        await alice.page.get_by_role("alert").wait_for()
        await alice.type(code=codes.confirm)
        await alice.press("Send")

        await require_signed(alice, application, tmp_path)


async def test_a_form_that_is_sent_too_late_leads_to_the_application(alice: Person, scene: Scene, tmp_path: Path):
    """CSP level 3 section 6.4.2: what was confirmed meanwhile goes on from the form, by a redirect."""
    await allow_codes(scene)
    async with contracts(scene) as application:
        await ask(alice, application)
        await alice.follow("My phone has no connection")
        await alice.confirm()
        await scene.world.settle()
        await alice.type(code="0000 0000")
        await alice.press("Send")

        await require_signed(alice, application, tmp_path)


async def test_declining_on_the_phone_is_told_on_the_page_and_to_the_application(alice: Person, scene: Scene):
    async with contracts(scene) as application:
        await ask(alice, application)
        await alice.sees("Confirm on your phone")
        await alice.decline()
        await alice.sees("Declined")

        await require_refused(alice, application, "the signer declined")


async def test_a_wrong_number_cancels(alice: Person, scene: Scene):
    async with contracts(scene, verification="choose") as application:
        await ask(alice, application)
        await alice.sees("Confirm on your phone")
        right, shown = await alice.number(), await alice.asked()
        wrong = next(number for number in shown.request.verification.numbers if number != right)
        assert await alice.phone.confirm(shown, PIN, number=wrong) == "cancelled"
        await alice.sees("Cancelled")

        await require_refused(alice, application, "the request was cancelled")


async def test_stopping_on_the_page_cancels(alice: Person, scene: Scene):
    async with contracts(scene) as application:
        await ask(alice, application)
        await alice.press("Stop")
        await alice.sees("Cancelled")

        await require_refused(alice, application, "the request was cancelled")
        assert await alice.phone.waiting() == []


async def test_refusing_the_application_asks_no_phone(alice: Person, scene: Scene):
    async with contracts(scene) as application:
        await alice.page.goto(application.url)
        await alice.press("Sign the contract")
        await alice.sign_in()
        await alice.press("Refuse")
        await alice.sees("Not signed")

        assert application.told["error"] == "access_denied"
        assert await alice.phone.waiting() == []


async def test_a_request_that_nobody_answers_ends_with_its_time(
    alice: Person, scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    now = SystemClock.now

    def later(clock: SystemClock) -> datetime:
        return now(clock) + timedelta(minutes=6)

    async with contracts(scene) as application:
        await ask(alice, application)
        await alice.sees("Confirm on your phone")
        monkeypatch.setattr(SystemClock, "now", later)
        await alice.page.reload()
        await alice.sees("The time is over")

        await require_refused(alice, application, "the time to confirm has passed")
