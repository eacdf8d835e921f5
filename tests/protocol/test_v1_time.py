"""What /v1 tells when the time has passed: each test has a world and a clock of its own."""

import pytest

from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from tests.protocol.scene import HASH, Refusal, Scene, assert_refused, fresh
from tests.world.world import PIN, World

__all__ = ["fresh"]


async def test_who_waits_for_a_signature_is_told_when_its_time_has_passed(fresh: Scene):
    id = await fresh.ask()

    async def expire() -> None:
        fresh.world.clock.move(300)
        await fresh.world.services.transactions.expire_overdue()

    assert (await fresh.told_at_the_end(f"/v1/signatures/{id}", expire()))["state"] == "expired"


async def test_a_signature_cannot_be_cancelled_once_its_time_has_passed(fresh: Scene):
    id = await fresh.ask()
    fresh.world.clock.move(300)
    await fresh.refuses(fresh.shop.http.post(f"/v1/signatures/{id}/cancel"), Refusal(409, "conflict", "expired"))
    await fresh.world.services.transactions.expire_overdue()


async def test_what_was_not_collected_in_its_time_is_gone(fresh: Scene):
    id = await fresh.ask()
    await fresh.sign(id)
    fresh.world.clock.move(24 * 3600 + 1)
    await fresh.world.services.transactions.forget_uncollected()
    await fresh.shop.log_in()
    await fresh.refuses(fresh.shop.http.get(f"/v1/signatures/{id}/documents/0"), Refusal(410, "expired", "1 day"))


async def test_nothing_can_be_asked_of_a_signer_whose_phone_is_locked_until_it_is_free_again(fresh: Scene):
    shown = await fresh.alice.phone.show(await fresh.ask())
    for _ in range(3):
        with pytest.raises(Refused):
            await fresh.alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))

    await fresh.refuses_wish(Refusal(409, "conflict", "no phone that can answer now"))
    asked = fresh.shop.http.post("/v1/credentials", json={"user": "alice"})
    await fresh.refuses(asked, Refusal(404, "not_found", "no such signer with a phone that can answer now"))

    fresh.world.clock.move(3 * 3600)
    await fresh.world.services.transactions.expire_overdue()
    await fresh.shop.log_in()
    await fresh.shop.ask_hashes(fresh.alice, HASH)


async def test_the_list_tells_of_a_signature_what_is_true_now(fresh: Scene):
    asked = await fresh.shop.post("/v1/signatures", fresh.wish(expires_in=10))
    fresh.world.clock.move(10)
    (item,) = (await fresh.shop.get("/v1/signatures"))["items"]
    assert (item["id"], item["state"]) == (asked["id"], "expired")
    await fresh.world.services.transactions.expire_overdue()


async def test_nothing_is_handed_out_once_the_time_to_answer_has_passed(fresh: Scene):
    id = await fresh.ask()
    fresh.world.clock.move(300)
    call = fresh.shop.http.get(f"/v1/signatures/{id}/documents/0")
    await fresh.refuses(call, Refusal(409, "conflict", "the transaction is expired"))
    await fresh.world.services.transactions.expire_overdue()


async def test_a_token_is_good_for_ten_minutes_and_not_a_second_longer(world: World):
    """RFC 9068 section 4: `exp` must be after the current time."""
    shop = await world.application()
    world.clock.move(599)
    await shop.get("/v1/signatures")
    world.clock.move(1)
    refusal = Refusal(401, "unauthenticated", "has expired")
    answer = await assert_refused(world, shop.http.get("/v1/signatures"), refusal, by="")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
