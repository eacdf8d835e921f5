"""Stories of access that is blocked: what is on its way with a key or a phone ends that instant (T47)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dss.ca.model import Reason
from dss.kernel.errors import Conflict, DssError
from dss.kernel.ids import CredentialId, DeviceId
from dss.transactions import store
from dss.transactions.machine import Work
from dss.transactions.plans import Plans
from mobile_mock.errors import Refused
from tests.stories.shop import Shop, held_in_the_hsm, refused_answer, shop, shop_on_each_database, shop_on_postgres
from tests.stories.test_answers import HASH
from tests.stories.test_door import activation
from tests.world.pdfs import simple_pdf
from tests.world.spending import spend
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["shop", "shop_on_each_database", "shop_on_postgres"]

in_the_module_s_loop = pytest.mark.asyncio(loop_scope="module")

Block = Callable[[Shop, Signer], Awaitable[Any]]


def key(signer: Signer) -> CredentialId:
    return CredentialId(signer.credential_id)


def device(signer: Signer) -> DeviceId:
    return DeviceId(signer.phone.kept().device)


BLOCKS: dict[str, Block] = {
    "the signer suspends the key": lambda _, signer: signer.phone.suspend(signer.credential_id),
    "the signer blocks the phone": lambda _, signer: signer.phone.block(device(signer)),
    "an operator suspends the key": lambda shop, signer: shop.world.services.keys.suspend(key(signer), OPERATOR),
    "an operator revokes the key": lambda shop, signer: shop.world.services.keys.revoke(
        key(signer), Reason.KEY_COMPROMISE, OPERATOR
    ),
    "an operator destroys the key": lambda shop, signer: shop.world.services.keys.destroy(key(signer), OPERATOR),
    "an operator blocks the phone": lambda shop, signer: shop.world.services.phones.block(device(signer), OPERATOR),
    "an operator removes the phone": lambda shop, signer: shop.world.services.phones.remove(device(signer), OPERATOR),
}
each_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
suspend = BLOCKS["an operator suspends the key"]


async def require_discarded(shop: Shop, id: str) -> None:
    """Assert that an attempt that ended too late released nothing, and that the log tells so."""
    assert await shop.end(id) == "failed"
    told = await shop.world.tells(f"transaction:{id}")
    assert told[-2:] == ["transaction.failed", "transaction.late_result_discarded"]


@each_block
@in_the_module_s_loop
async def test_t47_a_block_ends_what_awaits_what_is_confirmed_and_what_is_being_signed(
    shop: Shop, block: Block
) -> None:
    alice = await shop.signer()
    signing, shown = await shop.ask(alice)
    await alice.phone.confirm(shown, PIN)
    async with held_in_the_hsm(shop):
        confirmed, shown = await shop.ask(alice)
        await alice.phone.confirm(shown, PIN)
        awaiting, shown = await shop.ask(alice)
        on_their_way = [await shop.end(id) for id in (signing, confirmed, awaiting)]

        await block(shop, alice)

        ends = [await shop.end(id) for id in (signing, confirmed, awaiting)]
        assert (on_their_way, ends) == (["signing", "confirmed", "awaiting"], ["failed", "cancelled", "cancelled"])
        assert await refused_answer(alice, shown) in {401, 409, 423}
    await shop.world.settle()
    await require_discarded(shop, signing)
    assert [await shop.end(id) for id in (confirmed, awaiting)] == ["cancelled", "cancelled"]


@each_block
@in_the_module_s_loop
async def test_t47_the_door_lets_nothing_in_that_was_confirmed_before_the_block(shop: Shop, block: Block) -> None:
    """The door is asked itself, as by one who puts the transaction's row back."""
    alice = await shop.signer()
    id, shown = await shop.ask(alice)
    await alice.phone.confirm(shown, PIN)
    kept = await activation(shop.world, id)

    await block(shop, alice)

    with pytest.raises(DssError) as refusal:
        await spend(shop.world.services, kept)
    assert refusal.value.status in {403, 404, 409, 423}


@in_the_module_s_loop
async def test_t47_a_confirmation_from_before_a_block_stays_dead_when_the_key_is_freed(shop: Shop) -> None:
    alice = await shop.signer()
    id, shown = await shop.ask(alice)
    await alice.phone.confirm(shown, PIN)
    kept = await activation(shop.world, id)

    await suspend(shop, alice)
    await shop.world.services.keys.resume(key(alice), OPERATOR)

    await shop.world.settle()
    assert await shop.end(id) == "cancelled"
    with pytest.raises(Conflict) as refusal:
        await spend(shop.world.services, kept)
    assert refusal.value.detail == "the transaction has ended"
    assert await shop.signs(alice)


async def test_t47_a_block_discards_what_the_hsm_signs_at_that_moment(shop_on_each_database: Shop) -> None:
    shop = shop_on_each_database
    alice = await shop.signer()
    id = (await shop.application.ask(alice, simple_pdf()))["id"]
    await alice.phone.confirm(await alice.phone.show(id), PIN)
    async with held_in_the_hsm(shop):
        await suspend(shop, alice)

    await require_discarded(shop, id)
    assert (await shop.application.http.get(f"/v1/signatures/{id}/documents/0")).status_code == 409
    assert await alice.phone.state(id) == "failed"
    await shop.world.services.keys.resume(key(alice), OPERATOR)
    assert await shop.signs(alice)


async def test_t47_what_began_while_a_block_was_being_written_is_not_released_after_it(shop_on_postgres: Shop) -> None:
    """The block ended what it saw; this came after that look, and would be released after the block's commit."""
    shop = shop_on_postgres
    alice = await shop.signer()
    end, reached, go_on = Plans.end, asyncio.Event(), asyncio.Event()

    async def end_and_wait(*arguments: Any) -> list[str]:
        topics = await end(*arguments)
        reached.set()
        await go_on.wait()
        return topics

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plans, "end", end_and_wait)
        blocking = asyncio.create_task(suspend(shop, alice))
        await asyncio.wait_for(reached.wait(), 30)
    id, shown = await shop.ask(alice)
    await alice.phone.confirm(shown, PIN)
    async with held_in_the_hsm(shop):
        go_on.set()
        await blocking

    shop.world.clock.move(60)
    await shop.world.settle()
    assert await shop.end(id) == "failed"


async def test_t47_a_block_that_meets_a_change_of_the_key_being_written_is_done_all_the_same(
    shop_on_postgres: Shop,
) -> None:
    """Neither waits for what the other holds."""
    shop = shop_on_postgres
    alice = await shop.signer()
    id = await alice.phone.change("relock", credential=alice.credential_id)
    await alice.phone.confirm(await alice.phone.show(id), PIN)
    finish, finished, go_on = store.finish, asyncio.Event(), asyncio.Event()

    async def finish_and_wait(*arguments: Any, **more: Any) -> None:
        await finish(*arguments, **more)
        finished.set()
        await go_on.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "finish", finish_and_wait)
        changing = asyncio.create_task(shop.node(Work.KEY).next())
        await asyncio.wait_for(finished.wait(), 30)
        blocking = asyncio.create_task(suspend(shop, alice))
        await asyncio.wait({blocking}, timeout=1)
        go_on.set()
        await asyncio.gather(changing, blocking)

    assert await shop.state(alice) == "suspended"


@in_the_module_s_loop
async def test_those_who_wait_for_what_a_block_ends_are_told_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.node(Work.KEY)._parts.bus, "_reread_s", 60.0)
    alice = await shop.signer()
    signing, shown = await shop.ask(alice)
    await alice.phone.confirm(shown, PIN)
    async with held_in_the_hsm(shop):
        awaiting, _ = await shop.ask(alice)
        paths = [f"/v1/signatures/{id}?wait=60" for id in (signing, awaiting)]
        waiting = [*map(shop.application.get, paths), alice.phone.state(signing, wait=60)]
        tasks = [asyncio.create_task(one) for one in waiting]
        done, _ = await asyncio.wait(tasks, timeout=0.2)
        assert not done, "somebody did not wait"

        await suspend(shop, alice)

        *told, on_phone = await asyncio.wait_for(asyncio.gather(*tasks), 30)
    why = "the key was suspended"
    assert [(one["state"], one["reason"]) for one in told] == [("failed", why), ("cancelled", why)]
    assert on_phone == "failed"


@in_the_module_s_loop
async def test_a_block_ends_nothing_that_is_of_another_key_or_another_person(shop: Shop) -> None:
    alice, bob = await shop.signer(), await shop.signer()
    other = await shop.new_key(alice)
    ended, _ = await shop.ask(alice)
    alice.credential_id = other
    left, _ = await shop.ask(alice)
    bobs, _ = await shop.ask(bob)
    (first,) = [one.id for one in await alice.phone.credentials() if one.id != other]

    await alice.phone.suspend(first)

    assert [await shop.end(id) for id in (ended, left, bobs)] == ["cancelled", "awaiting", "awaiting"]
    assert [notice.id for notice in await alice.phone.waiting()] == [left]
    await shop.confirm(alice, left)
    assert await shop.end(left) == "signed"


@in_the_module_s_loop
async def test_a_block_ends_the_changes_of_the_key_that_are_on_their_way(shop: Shop) -> None:
    alice = await shop.signer()
    shown = [
        await alice.phone.show(await alice.phone.change(action, credential=alice.credential_id))
        for action in ("relock", "destroy")
    ]

    await alice.phone.suspend(alice.credential_id)

    assert [await alice.phone.state(one.id) for one in shown] == ["cancelled", "cancelled"]
    assert [await refused_answer(alice, one) for one in shown] == [409, 409]
    assert await shop.state(alice) == "suspended"


@in_the_module_s_loop
async def test_t43_what_was_asked_before_a_block_is_found_again_as_it_ended(shop: Shop) -> None:
    """The same Idempotency-Key never asks twice; a new one is refused while the key is blocked."""
    alice = await shop.signer()
    wish = {"credential_id": alice.credential_id, "text": "Please sign", "hashes": [HASH]}
    asked = await shop.application.post("/v1/signatures", wish, key=f"order-of-{alice.user.login}")

    await suspend(shop, alice)

    again = await shop.application.post("/v1/signatures", wish, key=f"order-of-{alice.user.login}")
    assert (again["id"], again["state"]) == (asked["id"], "cancelled")
    refusal = await shop.application.post("/v1/signatures", wish, key=f"next-of-{alice.user.login}", status=409)
    assert refusal["detail"] == "the credential is suspended"


@in_the_module_s_loop
async def test_a_block_that_is_made_again_changes_nothing_more(shop: Shop) -> None:
    alice = await shop.signer()
    assert [await alice.phone.suspend(alice.credential_id) for _ in range(2)] == ["suspended", "suspended"]

    await shop.world.services.keys.revoke(key(alice), Reason.SUPERSEDED, OPERATOR)
    with pytest.raises(Refused) as refusal:
        await alice.phone.suspend(alice.credential_id)
    assert refusal.value.status == 409
