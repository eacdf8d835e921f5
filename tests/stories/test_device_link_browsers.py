"""Stories of first requests: a browser reaches a phone by itself once a scan opened what its person confirmed (T08)."""

from dataclasses import replace

import pytest

from dss.kernel.ids import ClientId
from dss.kernel.policy import Link, Policy
from tests.stories.bank import always, bank_of, scanning
from tests.world.owners import HASH, Owner, Street, alice, bob, street
from tests.world.world import OPERATOR

__all__ = ["alice", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")
BROWSER, OTHER_BROWSER = "firefox-of-alice-1", "firefox-of-alice-2"


async def test_t08_a_browser_reaches_the_phone_by_itself_once_a_scan_opened_its_request(bob: Owner):
    bank = await bank_of(bob, Policy(device_link=Link.FIRST))
    first = await bank.asks(browser=BROWSER)
    assert await bank.waiting() == []
    await scanning(bob.phone, await bank.link(first))
    assert await bank.signs(first) == "signed"

    second = await bank.asks(browser=BROWSER)

    assert await bank.waiting() == [second]


async def test_t08_a_new_key_is_asked_for_from_a_known_browser_or_after_a_scan_and_its_page_shows_the_code(bob: Owner):
    bank = await bank_of(bob, Policy(device_link=Link.FIRST))
    wish = {"user": bob.user.login, "browser": BROWSER}
    first = await bank.application.post("/v1/credentials", wish)
    assert await bank.waiting() == []
    async with bank.world.http() as browser:
        page = (await browser.get(first["page"])).raise_for_status().text
    assert "Scan this code" in page
    assert "A new key for your electronic signature" in page
    await scanning(bob.phone, await bank.link(first["transaction_id"]))
    assert await bank.signs(first["transaction_id"]) == "signed"

    second = await bank.application.post("/v1/credentials", wish)

    assert await bank.waiting() == [second["transaction_id"]]


@in_the_street
async def test_t08_another_browser_and_one_without_a_name_are_scanned_first(alice: Owner):
    bank = await bank_of(alice, Policy(device_link=Link.FIRST))
    first = await bank.asks(browser=BROWSER)
    await scanning(alice.phone, await bank.link(first))
    await bank.signs(first)

    await bank.asks(browser=OTHER_BROWSER)
    await bank.asks()

    assert await bank.waiting() == []


@in_the_street
async def test_t08_a_browser_is_known_for_the_person_and_the_application_that_it_was_scanned_for(
    alice: Owner, street: Street
):
    carol = await street.owner()
    bank = await bank_of(alice, Policy(device_link=Link.FIRST))
    other_bank = await bank_of(alice, Policy(device_link=Link.FIRST), "Other bank of Alice")
    first = await bank.asks(browser=BROWSER)
    await scanning(alice.phone, await bank.link(first))
    await bank.signs(first)

    await replace(bank, owner=carol).asks(browser=BROWSER)
    await other_bank.asks(browser=BROWSER)

    assert await carol.phone.waiting() == []
    assert await bank.waiting() == []


@in_the_street
async def test_t08_a_scan_that_was_declined_makes_no_browser_known(alice: Owner):
    bank = await bank_of(alice, Policy(device_link=Link.FIRST))
    first = await bank.asks(browser=BROWSER)
    await scanning(alice.phone, await bank.link(first))
    await alice.phone.decline(await alice.phone.show(first))

    await bank.asks(browser=BROWSER)

    assert await bank.waiting() == []


@in_the_street
async def test_t08_a_confirmation_without_a_scan_makes_no_browser_known(alice: Owner):
    bank = await bank_of(alice, Policy())
    await bank.signs(await bank.asks(browser=BROWSER))
    await alice.world.services.policies.change_client(
        ClientId(bank.application.id), Policy(device_link=Link.FIRST), OPERATOR
    )

    await bank.asks(browser=BROWSER)

    assert await bank.waiting() == []


@in_the_street
async def test_where_each_request_is_to_be_scanned_a_known_browser_is_scanned_again(alice: Owner):
    bank = await always(alice)
    first = await bank.asks(browser=BROWSER)
    await scanning(alice.phone, await bank.link(first))
    await bank.signs(first)

    await bank.asks(browser=BROWSER)

    assert await bank.waiting() == []


@in_the_street
async def test_a_new_key_is_asked_for_by_a_scan_too(alice: Owner):
    bank = await bank_of(alice, Policy(device_link=Link.FIRST))
    asked = await bank.application.post("/v1/credentials", {"user": alice.user.login, "key_type": "P-256"})
    assert await bank.waiting() == []

    await scanning(alice.phone, await bank.link(asked["transaction_id"]))

    assert await bank.waiting() == [asked["transaction_id"]]


@in_the_street
@pytest.mark.parametrize("name", ["short", "a" * 129, "with a space in it", "кириллица-в-имени"])
async def test_the_name_of_a_browser_is_plain_and_long_enough(alice: Owner, name: str):
    wish = {"credential_id": alice.credential_id, "text": "", "hashes": [HASH], "browser": name}

    await alice.application.post("/v1/signatures", wish, status=422)
