"""Stories of the device link: the code of a requester's page opens a transaction on the phone of its signer (T10)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dss.kernel import b64
from dss.kernel.policy import Policy
from mobile_mock.scanning import text_of
from tests.stories.bank import EXPIRED, Bank, always, bank_of, bank_on_each_database, now, scanning
from tests.world.owners import ABSENT, Owner, Street, alice, bob, refusal, street
from tests.world.world import PIN

__all__ = ["alice", "bank_on_each_database", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


# --- what a scan does ---


async def test_a_transaction_is_told_to_no_phone_until_its_code_was_scanned(bank_on_each_database: Bank):
    bank = bank_on_each_database
    id = await bank.asks()
    assert await bank.waiting() == []

    assert await scanning(bank.owner.phone, await bank.link(id)) == id

    assert await bank.waiting() == [id]
    assert await bank.signs(id) == "signed"
    assert (await bank.world.tells(f"transaction:{id}"))[:3] == [
        "transaction.opened",
        "transaction.linked",
        "transaction.confirmed",
    ]


@in_the_street
async def test_t10_who_knows_the_id_alone_is_shown_nothing_and_can_answer_nothing(alice: Owner):
    """An old picture of the page names the transaction, too."""
    bank = await always(alice)
    id = await bank.asks()
    shown = await shown_to_another_server(bank, id)

    assert await refusal(alice.phone.show(id)) == ABSENT
    assert await refusal(alice.phone.confirm(shown, PIN)) == ABSENT
    assert id not in await bank.waiting()


async def shown_to_another_server(bank: Bank, id: str) -> Any:
    """What a phone is shown of a transaction, as if it had been scanned: for a phone that skips the scan."""
    other = await bank_of(bank.owner, Policy(), "Other of " + bank.application.id)
    shown = await bank.owner.phone.show(await other.asks())
    return replace(shown, request=replace(shown.request, transaction=id))


@in_the_street
async def test_a_scan_wakes_the_poll_of_the_phone(alice: Owner):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    poll = asyncio.create_task(alice.phone.waiting(wait=30))
    done, _ = await asyncio.wait({poll}, timeout=0.05)
    assert not done

    await scanning(alice.phone, code)

    (notice,) = await asyncio.wait_for(poll, 3)
    assert notice.id == code.transaction


@in_the_street
async def test_what_is_on_the_phone_already_may_be_scanned_too(alice: Owner):
    bank = await bank_of(alice, Policy())
    id = await bank.asks()
    assert await bank.waiting() == [id]

    await scanning(alice.phone, await bank.link(id))

    assert await bank.signs(id) == "signed"


@in_the_street
async def test_an_application_that_draws_the_codes_itself_makes_the_same(alice: Owner):
    bank = await always(alice)
    id = await bank.asks()

    assert await bank.code_at(id, now(bank)) == await bank.link(id)
    later = await bank.code_at(id, now(bank) + 1)
    alice.world.clock.move(1)
    assert later == await bank.link(id)


@in_the_street
async def test_the_picture_and_the_page_show_the_code_of_this_second(alice: Owner):
    bank = await always(alice)
    id = await bank.asks()
    told = await bank.told(id)
    page = told["page"].partition("?")

    of_api = await bank.application.http.get(f"/v1/transactions/{id}/device-link.png?scale=3")
    of_page = await bank.application.http.get(f"{page[0]}/link.png?{page[2]}")

    assert (of_api.headers["content-type"], of_api.headers["cache-control"]) == ("image/png", "no-store")
    assert text_of(of_api.content) == text_of(of_page.content) == told["link"]
    assert (told["refresh_s"], told["longest_age_s"]) == (1, 3)


# --- its time ---


@in_the_street
@pytest.mark.parametrize("age", [0, 2, 3])
async def test_a_code_opens_for_three_seconds(alice: Owner, age: int):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    alice.world.clock.move(age)

    assert await scanning(alice.phone, code) == code.transaction


@in_the_street
@pytest.mark.parametrize("age", [4, 60])
async def test_t10_a_code_that_is_older_than_three_seconds_opens_nothing(alice: Owner, age: int):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    alice.world.clock.move(age)

    assert await refusal(scanning(alice.phone, code)) == EXPIRED
    assert await bank.waiting() == []
    assert (await alice.world.tells(f"transaction:{code.transaction}"))[-1] == "transaction.link_refused"


@in_the_street
async def test_t10_a_clock_may_be_one_second_ahead_and_no_more(alice: Owner):
    bank = await always(alice)
    id = await bank.asks()

    assert await refusal(scanning(alice.phone, await bank.code_at(id, now(bank) + 2))) == EXPIRED
    assert await scanning(alice.phone, await bank.code_at(id, now(bank) + 1)) == id


# --- codes that are not right ---


@in_the_street
async def test_t10_a_forged_code_opens_nothing_old_or_new(alice: Owner):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    forged = replace(code, code=b64.url_encode(bytes(32)))

    assert await refusal(scanning(alice.phone, forged)) == ABSENT
    assert await refusal(scanning(alice.phone, replace(forged, time=code.time - 100))) == ABSENT
    assert await refusal(scanning(alice.phone, replace(code, time=code.time + 1))) == ABSENT
    assert await bank.waiting() == []


@in_the_street
async def test_t10_the_code_of_one_transaction_opens_no_other(alice: Owner):
    bank = await always(alice)
    first, second = await bank.link(await bank.asks()), await bank.link(await bank.asks())

    assert await refusal(scanning(alice.phone, replace(first, code=second.code))) == ABSENT
    assert await bank.waiting() == []


@in_the_street
async def test_t10_another_person_s_phone_opens_nothing_and_is_told_as_of_what_is_not_there(
    alice: Owner, street: Street
):
    """T16: that there is such a transaction is not told to who cannot be shown it."""
    mallory = await street.owner()
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    absent = replace(code, transaction="01KAJ9T8VX3N5Q7R9S1T2V4W6Y")

    answers = [await refusal(scanning(mallory.phone, each)) for each in (code, absent)]

    assert answers == [ABSENT, ABSENT]
    assert await scanning(alice.phone, code) == code.transaction


# --- relying applications, and what is not prevented ---


@in_the_street
async def test_t16_another_application_is_told_nothing_of_a_link(alice: Owner):
    bank, other = await always(alice), await bank_of(alice, Policy(), "Curious of Alice")
    id = await bank.asks()

    for path in (f"/v1/transactions/{id}/device-link", f"/v1/transactions/{id}/device-link.png"):
        await other.application.get(path, status=404)


@in_the_street
async def test_t10_t11_a_live_code_that_is_relayed_opens_what_the_phone_shows_under_its_registered_name(alice: Owner):
    """docs/security.md: a page that shows another's live code within its time is not prevented, but told by name."""
    bank = await always(alice)
    code = await bank.link(await bank.asks(text="Your parcel"))
    alice.world.clock.move(2)

    await scanning(alice.phone, code)

    shown = await alice.phone.show(code.transaction)
    assert shown.request.application.name == f"Bank of {alice.user.login}"
