"""Stories of codes that are tried out: three tries for a transaction, nine for a key, whatever comes at once (T50)."""

import asyncio
from collections import Counter

import pytest

from tests.stories.codes import Desk, set_up
from tests.stories.shop import Shop, shop, shop_on_each_database
from tests.stories.witness import tamper

__all__ = ["shop", "shop_on_each_database"]

module_loop = pytest.mark.asyncio(loop_scope="module")


# --- tries ---


@module_loop
async def test_t50_three_wrong_codes_cancel_the_transaction_and_the_right_one_comes_too_late(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    right, wrong = (await desk.codes(asked)).confirm, await desk.wrong(asked)

    typed = [await desk.type(asked, code) for code in (wrong, "00000000", wrong, right)]

    assert [one.status_code for one in typed] == [403, 403, 403, 409]
    assert [one.json()["detail"].split("; ")[-1] for one in typed[:3]] == [
        f"{left} of 3 tries are left" for left in (2, 1, 0)
    ]
    assert await shop.end(asked["id"]) == "cancelled"
    assert await desk.tells(asked) == [
        "transaction.opened",
        *["transaction.code_refused"] * 3,
        "transaction.cancelled",
    ]


async def test_t50_t48_of_fifty_wrong_codes_at_once_three_are_looked_at(shop_on_each_database: Shop) -> None:
    desk = await set_up(shop_on_each_database)
    asked = await desk.ask()

    typed = await asyncio.gather(*(desk.type(asked, f"{number:08d}") for number in range(50)))

    assert Counter(one.status_code for one in typed) == {403: 3, 409: 47}
    assert Counter(await desk.tells(asked))["transaction.code_refused"] == 3
    assert (await desk.kept()).failures == 3


async def test_t50_t01_the_right_code_fifty_times_at_once_confirms_once(shop_on_each_database: Shop) -> None:
    desk = await set_up(shop_on_each_database)
    asked = await desk.ask()
    right = (await desk.codes(asked)).confirm

    typed = await asyncio.gather(*(desk.type(asked, right) for _ in range(50)))
    await desk.shop.world.settle()
    again = await desk.type(asked, right)

    assert {one.status_code for one in typed} == {200}
    assert (again.status_code, again.json()) == (200, {"state": "signed"})
    assert Counter(await desk.tells(asked))["transaction.confirmed"] == 1
    assert await desk.signatures() == 1


@module_loop
async def test_t50_nine_wrong_codes_whatever_the_transactions_end_the_codes_and_the_owner_is_told(shop: Shop) -> None:
    desk = await set_up(shop)
    for _ in range(3):
        asked = await desk.ask()
        for wrong in ("00000000", "00000001", "00000002"):
            assert (await desk.type(asked, wrong)).status_code == 403

    await desk.refused()
    kept = await desk.kept()
    assert (kept.failures, kept.secrets) == (9, b"")
    assert await desk.tells_of_codes() == ["offline.set", *["offline.counted"] * 8, "offline.ended"]
    assert await desk.letters() == ["on", "off"]


@module_loop
async def test_t50_tries_that_are_given_back_in_the_database_are_still_counted_with_the_key(shop: Shop) -> None:
    """T18."""
    desk = await set_up(shop)
    asked = await desk.ask()
    for number in range(9):
        await tamper(shop.world, asked["id"], code_tries=0, state="awaiting")
        assert (await desk.type(asked, f"{number:08d}")).status_code == 403

    await tamper(shop.world, asked["id"], code_tries=0, state="awaiting")
    assert (await desk.type(asked, "12345678")).status_code == 409


@module_loop
async def test_t50_a_right_code_starts_the_count_anew(shop: Shop) -> None:
    desk = await set_up(shop)
    first, second = await desk.ask(), await desk.ask()
    for asked in (first, first, second):
        await desk.type(asked, "00000000")

    assert await desk.confirmed(second) == "signed"
    assert (await desk.kept()).failures == 0


@module_loop
async def test_t50_codes_of_another_transaction_and_of_another_person_are_wrong(shop: Shop) -> None:
    alice, bob = await set_up(shop), await set_up(shop)
    asked, other, bobs = await alice.ask(), await alice.ask(), await bob.ask()
    strangers = [(await alice.codes(other)).confirm, (await bob.codes(bobs)).confirm]

    typed = [await alice.type(asked, code) for code in strangers]

    assert [one.status_code for one in typed] == [403, 403]
    assert await alice.confirmed(asked) == "signed"


@module_loop
async def test_t50_a_code_changes_nothing_after_the_end(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    codes = await desk.codes(asked)
    await desk.type(asked, codes.decline)

    again, other = await desk.type(asked, codes.decline), await desk.type(asked, codes.confirm)
    await shop.world.settle()

    assert (again.status_code, again.json()) == (200, {"state": "declined"})
    assert other.status_code == 409
    assert await desk.signatures() == 0


@module_loop
@pytest.mark.parametrize("code", ["1234567", "123456789", "1234567a", "1234567\uff18", ""])
async def test_t50_what_is_not_eight_digits_is_no_try(shop: Shop, code: str) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()

    assert (await desk.type(asked, code)).status_code in {400, 422}
    assert await desk.tells(asked) == ["transaction.opened"]


@module_loop
async def test_t50_another_application_neither_reads_the_qr_nor_types(shop: Shop) -> None:
    """T32."""
    desk = await set_up(shop)
    asked = await desk.ask()
    right = (await desk.codes(asked)).confirm
    stranger = Desk(Shop(shop.world, await shop.world.application("Another Ltd")), desk.signer)

    assert (await stranger.type(asked, right)).status_code == 404
    await stranger.shop.application.get(f"/v1/transactions/{asked['id']}/offline-qr", status=404)


# --- the number is in the code (T28) ---


@module_loop
async def test_t50_a_code_by_another_of_the_numbers_ends_the_transaction_at_once(shop: Shop) -> None:
    """Three tries would be enough for three numbers."""
    desk = await set_up(shop)
    asked = await desk.ask(verification="choose")
    other = await desk.another_number(asked)

    typed = await desk.type(asked, (await desk.codes(asked, other)).confirm)

    assert (typed.status_code, typed.json()) == (200, {"state": "cancelled"})
    told = await shop.application.get(f"/v1/signatures/{asked['id']}")
    assert told["reason"] == "a wrong number was chosen"
    assert (await desk.type(asked, (await desk.codes(await desk.ask())).confirm)).status_code == 409


@module_loop
async def test_t50_another_number_put_into_the_database_makes_no_code_right(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask(verification="choose")
    other = await desk.another_number(asked)
    await tamper(shop.world, asked["id"], number=other)

    assert (await desk.type(asked, (await desk.codes(asked, other)).confirm)).json()["state"] == "cancelled"
    assert await desk.signatures() == 0
