"""What a phone may not do: each of the mock's misbehaviours is refused, and costs what the protocol says."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.world.world import PIN, Application, Signer, World

HASH = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
OTHER = "NtAIsPvcCmZLwtScK4OxrHlZBiaTVhzGTrQkyxVFRuM="


async def start(world: World) -> tuple[Application, Signer]:
    application = await world.application()
    return application, await world.signer(application)


async def open_one(world: World, application: Application, signer: Signer, value: str = HASH) -> tuple[str, Shown]:
    world.clock.move(1)
    asked = await application.ask_hashes(signer, value)
    return asked["id"], await signer.phone.show(asked["id"])


async def state(application: Application, id: str) -> str:
    return str((await application.get(f"/v1/signatures/{id}"))["state"])


async def refused(phone: Phone, shown: Shown, wrong: Misbehaviour, pin: str = PIN) -> tuple[int, str]:
    with pytest.raises(Refused) as refusal:
        await phone.confirm(shown, pin, misbehave=wrong)
    return refusal.value.status, refusal.value.reason


async def test_t01_a_repeated_answer_changes_nothing_before_and_after_the_release(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)

    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    assert await alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(replay=True)) == "confirmed"
    await world.settle()
    assert await alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(replay=True)) == "signed"

    assert (await world.tells(f"transaction:{id}")).count("transaction.signed") == 1


async def test_t01_one_answer_sent_fifty_times_at_once_makes_one_signature(world_on_each_database: World) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    answer = await alice.phone.prepare(shown, PIN)

    states = await asyncio.gather(*(alice.phone.send(answer) for _ in range(50)))
    await asyncio.gather(*(world.settle() for _ in range(4)))

    assert set(states) == {"confirmed"}
    assert await state(application, id) == "signed"
    told = await world.tells(f"transaction:{id}")
    assert (told.count("transaction.confirmed"), told.count("transaction.signed")) == (1, 1)


async def test_t02_an_answer_to_another_transaction_is_refused(world: World) -> None:
    application, alice = await start(world)
    _, first = await open_one(world, application, alice)
    await alice.phone.confirm(first, PIN)
    id, shown = await open_one(world, application, alice, OTHER)

    assert await refused(alice.phone, shown, Misbehaviour(replay_of=first.id)) in {
        (403, "answer_refused"),
        (423, "locked"),
    }
    assert await state(application, id) == "awaiting"


async def test_t02_an_answer_that_names_another_transaction_is_refused(world: World) -> None:
    application, alice = await start(world)
    other, _ = await open_one(world, application, alice)
    id, shown = await open_one(world, application, alice, OTHER)

    assert await refused(alice.phone, shown, Misbehaviour(swap_transaction=other)) == (403, "answer_refused")
    assert {await state(application, one) for one in (id, other)} == {"awaiting"}


async def test_t03_an_answer_bound_to_another_request_is_refused(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)

    assert await refused(alice.phone, shown, Misbehaviour(alter_binding=True)) == (403, "answer_refused")
    assert await state(application, id) == "awaiting"
    assert (await world.tells(f"transaction:{id}"))[-1] == "transaction.answer_refused"


async def test_t38_a_late_answer_is_told_that_the_time_has_passed(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)

    assert await refused(alice.phone, shown, Misbehaviour(late=1)) == (410, "expired")
    assert await state(application, id) == "expired"
    assert await alice.phone.waiting() == []
    await world.services.transactions.expire_overdue()


@pytest.mark.parametrize(("seconds", "expected"), [(-1, "confirmed"), (0, "expired"), (1, "expired")])
async def test_t23_the_server_s_clock_judges_an_answer_at_the_end_of_its_time(
    world: World, seconds: int, expected: str
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    transaction = (await world.services.transactions.show(await device(world, alice), shown.id)).expires_at
    world.clock.move((transaction - world.clock.now() + timedelta(seconds=seconds)).total_seconds())
    answer = await alice.phone.prepare(shown, PIN)

    if expected == "confirmed":
        assert await alice.phone.send(answer) == "confirmed"
    else:
        with pytest.raises(Refused) as refusal:
            await alice.phone.send(answer)
        assert refusal.value.status == 410
    await world.services.transactions.expire_overdue()
    assert await state(application, id) == expected


async def device(world: World, signer: Signer) -> Any:
    (found,) = await world.services.devices.of_user(signer.user.id)
    return found


async def test_t20_the_third_wrong_pin_locks_the_phone_and_looks_like_the_first(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)

    wrong = [await refused(alice.phone, shown, Misbehaviour(wrong_pin=True)) for _ in range(3)]
    assert wrong == [(403, "answer_refused")] * 3
    with pytest.raises(Refused) as refusal:
        await alice.phone.confirm(shown, PIN)
    assert (refusal.value.status, refusal.value.reason) == (423, "locked")

    world.clock.move(3 * 3600)
    await world.services.transactions.expire_overdue()
    await application.log_in()
    _, shown = await open_one(world, application, alice)
    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    assert await state(application, id) == "expired"


async def test_a_right_pin_starts_the_count_of_wrong_ones_anew(world: World) -> None:
    application, alice = await start(world)
    for _ in range(2):
        _, shown = await open_one(world, application, alice)
        for _ in range(2):
            await refused(alice.phone, shown, Misbehaviour(wrong_pin=True))
        assert await alice.phone.confirm(shown, PIN) == "confirmed"


async def test_t21_a_counter_that_goes_back_locks_the_phone_for_good(world: World) -> None:
    application, alice = await start(world)
    _, first = await open_one(world, application, alice)
    await alice.phone.confirm(first, PIN)
    id, shown = await open_one(world, application, alice, OTHER)

    assert await refused(alice.phone, shown, Misbehaviour(stale_counter=True)) == (423, "locked")
    world.clock.move(60)
    with pytest.raises(Refused) as refusal:
        await alice.phone.confirm(shown, PIN)
    assert refusal.value.status == 423
    assert await state(application, id) == "awaiting"


async def test_t27_a_declined_transaction_stays_declined(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.decline(shown, "no")

    answer = await alice.phone.prepare(shown, PIN)
    with pytest.raises(Refused) as refusal:
        await alice.phone.send(answer)
    assert (refusal.value.status, refusal.value.reason) == (409, "conflict")
    assert await state(application, id) == "declined"


async def test_t32_another_person_s_phone_sees_and_answers_nothing(world: World) -> None:
    application, alice = await start(world)
    bob = await world.phone(await world.user("bob"))
    id, shown = await open_one(world, application, alice)

    assert await bob.waiting() == []
    for attempt in (bob.show(id), bob.send(await alice.phone.prepare(shown, PIN))):
        with pytest.raises(Refused) as refusal:
            await attempt
        assert (refusal.value.status, refusal.value.reason) == (404, "not_found")
    assert await state(application, id) == "awaiting"


async def test_t24_confirm_cancel_and_decline_at_once_come_to_one_end(world_on_each_database: World) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    for _ in range(10):
        id, shown = await open_one(world, application, alice)
        confirm = await alice.phone.prepare(shown, PIN)
        await asyncio.gather(
            alice.phone.send(confirm),
            application.http.post(f"/v1/signatures/{id}/cancel"),
            world.settle(),
            return_exceptions=True,
        )
        await world.settle()
        end = await state(application, id)
        told = await world.tells(f"transaction:{id}")
        assert end in {"signed", "cancelled"}
        assert told.count("transaction.signed") == (end == "signed")


async def test_a_refused_answer_whose_reply_was_lost_may_come_again_without_locking_the_phone(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    wrong = await alice.phone.prepare(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))

    for _ in range(5):
        with pytest.raises(Refused) as refusal:
            await alice.phone.send(wrong)
        assert (refusal.value.status, refusal.value.reason) == (403, "answer_refused")

    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    await world.settle()
    assert await state(application, id) == "signed"


async def test_t44_an_answer_that_was_made_too_long_ago_is_refused_and_not_counted(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    early = await alice.phone.prepare(shown, PIN)
    world.clock.move(61)
    for _ in range(2):
        with pytest.raises(Refused) as refusal:
            await alice.phone.send(early)
        assert refusal.value.status == 403

    assert await alice.phone.confirm(await alice.phone.show(id), PIN) == "confirmed"


async def test_t44_when_the_clock_goes_back_over_a_destroyed_box_key_another_takes_its_place(world: World) -> None:
    application, alice = await start(world)
    world.clock.move(2 * 3600)
    await world.services.boxes.retire(frozenset())
    world.clock.move(-2 * 3600)

    _, shown = await open_one(world, application, alice)
    assert await alice.phone.confirm(shown, PIN) == "confirmed"


async def test_t21_a_lost_answer_that_another_has_overtaken_is_made_anew_and_locks_nothing(world: World) -> None:
    application, alice = await start(world)
    first, shown = await open_one(world, application, alice)
    await alice.phone.prepare(shown, PIN)
    _, other = await open_one(world, application, alice, OTHER)
    assert await alice.phone.confirm(other, PIN) == "confirmed"

    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    await world.settle()
    assert await state(application, first) == "signed"


async def test_t08_no_more_waits_for_a_signer_than_one_phone_is_told_of(world: World) -> None:
    application, alice = await start(world)
    for _ in range(100):
        await application.ask_hashes(alice, HASH)

    refusal = await application.ask_hashes(alice, HASH, status=429)
    assert "100 transactions" in refusal["detail"]
    assert len(await alice.phone.waiting()) == 100
    world.clock.move(301)
    await world.services.transactions.expire_overdue()
    await application.ask_hashes(alice, HASH)
