"""T01, T27: one answer has one effect, in whatever process it arrives; and a decline is final."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from tests.stories.test_answers import OTHER, open_one, start, state
from tests.stories.witness import (
    Witness,
    phone_at,
    prepare_decline,
    quick_pins,
    restarted,
    signatures_of,
    witness,
)
from tests.world.world import PIN, World

__all__ = ["quick_pins", "witness"]


async def refusal_of(attempt: Awaitable[Any]) -> tuple[int, str]:
    """How a phone was refused."""
    with pytest.raises(Refused) as refusal:
        await attempt
    return refusal.value.status, refusal.value.reason


async def test_t01_an_answer_repeated_after_a_restart_changes_nothing(
    world_on_each_database: World, witness: Witness
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    answer = await alice.phone.prepare(shown, PIN)
    made = len(witness.digests)

    async with restarted(world) as before:
        assert await phone_at(before, alice.phone).send(answer) == "confirmed"
    async with restarted(world) as after:
        phone = phone_at(after, alice.phone)
        assert {await phone.send(answer) for _ in range(3)} == {"confirmed"}
        await after.settle()
        assert set(await asyncio.gather(*(phone.send(answer) for _ in range(50)))) == {"signed"}
        await after.settle()

    told = await world.tells(f"transaction:{id}")
    assert (told.count("transaction.confirmed"), told.count("transaction.signed")) == (1, 1)
    assert (len(witness.digests) - made, await signatures_of(world, id)) == (1, 1)


async def test_t01_fifty_copies_of_an_answer_that_reach_two_processes_make_one_signature(
    world_on_each_database: World, witness: Witness
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    answer = await alice.phone.prepare(shown, PIN)
    made = len(witness.digests)

    async with restarted(world) as other:
        phones = [alice.phone, phone_at(other, alice.phone)] * 25
        assert set(await asyncio.gather(*(phone.send(answer) for phone in phones))) == {"confirmed"}
        world.clock.move(1)
        await asyncio.gather(*(one.settle() for one in (world, other) * 3))

    assert await state(application, id) == "signed"
    told = await world.tells(f"transaction:{id}")
    assert (told.count("transaction.confirmed"), told.count("transaction.signed")) == (1, 1)
    assert len(witness.digests) - made == 1


async def test_t01_an_answer_to_one_transaction_that_was_used_is_no_answer_to_the_next(
    world: World, witness: Witness
) -> None:
    application, alice = await start(world)
    first, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    await world.settle()
    made = len(witness.digests)
    second, _ = await open_one(world, application, alice, OTHER)

    for _ in range(3):
        refused = await refusal_of(alice.phone.replay(second, of=first))
        assert refused in {(403, "answer_refused"), (423, "locked")}
    await world.settle()

    assert await state(application, second) == "awaiting"
    assert len(witness.digests) == made


async def test_t27_no_confirmation_made_before_or_after_a_decline_undoes_it(
    world_on_each_database: World, witness: Witness
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    early = await alice.phone.prepare(shown, PIN)
    decline = prepare_decline(world, alice.phone, shown)
    late = await alice.phone.prepare(shown, PIN)
    made = len(witness.digests)
    assert await alice.phone.send(decline) == "declined"

    async with restarted(world) as other:
        for phone in (alice.phone, phone_at(other, alice.phone)):
            assert {await refusal_of(phone.send(answer)) for answer in (early, late)} == {(409, "conflict")}
            assert await phone.send(decline) == "declined"
            await refusal_of(phone.confirm(shown, PIN))
        await other.settle()
        world.clock.move(3600)
        await other.services.transactions.expire_overdue()
        await other.settle()

    await application.log_in()
    assert await state(application, id) == "declined"
    assert len(witness.digests) == made
    told = await world.tells(f"transaction:{id}")
    assert {"transaction.confirmed", "transaction.signed", "transaction.expired"} & set(told) == set()


async def test_t27_a_decline_that_overtook_the_confirmation_on_the_way_wins(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    confirmation = await alice.phone.prepare(shown, PIN)
    await alice.phone.decline(shown, "not mine")

    assert await refusal_of(alice.phone.send(confirmation)) == (409, "conflict")
    assert await refusal_of(alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(stale_counter=True))) == (
        409,
        "conflict",
    )
    assert await state(application, id) == "declined"
