"""Stories of wrong PINs and of phones in other hands: the ladder, who lifts a lock, and what a block ends."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dss.devices.model import DeviceState
from dss.kernel.errors import Conflict
from dss.operators.model import Proposal
from dss.transactions.phones import Phones
from dss.wiring import opened
from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from tests.protocol.prover import Prover
from tests.world.owners import (
    HOUR,
    LOCKED,
    REFUSED,
    WRONG,
    Owner,
    alice,
    bob,
    elsewhere,
    id_of,
    refusal,
    states,
    street,
)
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "bob", "street"]

AT_ONCE = 100 if "DSS_SOAK" in os.environ else 30
in_the_street = pytest.mark.asyncio(loop_scope="module")


async def fail(owner: Owner, times: int = 3) -> None:
    """Try wrong PINs on one request; each must be refused, and like the others."""
    shown = await owner.asked()
    for _ in range(times):
        assert await refusal(owner.phone.confirm(shown, WRONG)) == REFUSED


async def lock_for_good(owner: Owner) -> None:
    for wait in (3 * HOUR, 24 * HOUR, 0):
        await fail(owner)
        await owner.later(wait)


# --- the ladder ---


@in_the_street
async def test_t20_wrong_pins_lock_for_three_hours_then_for_a_day_then_for_good(alice: Owner) -> None:
    for rung in (3 * HOUR, 24 * HOUR):
        await fail(alice, 2)
        assert await states(alice.phone) == ["active"]
        await fail(alice, 1)
        assert await states(alice.phone) == ["locked"]
        await alice.later(rung - 1)
        assert await states(alice.phone) == ["locked"]
        await alice.later(1)
        assert await states(alice.phone) == ["active"]
    await fail(alice)
    await alice.later(30 * 24 * HOUR)
    assert await states(alice.phone) == ["locked"]
    assert (await alice.device()).pin_failures == 9


@in_the_street
async def test_t20_the_right_pin_works_after_the_lock_and_starts_the_count_anew(alice: Owner) -> None:
    await fail(alice)
    await alice.later(3 * HOUR)
    assert await alice.signs() == "signed"
    assert (await alice.device()).pin_failures == 0
    await fail(alice)
    await alice.later(3 * HOUR)
    assert await states(alice.phone) == ["active"]


@in_the_street
async def test_t48_a_locked_phone_s_answers_are_refused_and_not_looked_at(alice: Owner) -> None:
    shown = await alice.asked()
    await fail(alice)
    before = await alice.device()
    right, wrong = await alice.phone.prepare(shown, PIN), await alice.phone.prepare(shown, WRONG)
    forged = replace(right, jws=right.jws[:-4] + "AAAA")

    refusals = []
    for answer in (right, wrong, forged):
        with pytest.raises(Refused) as refused:
            await alice.phone.send(answer)
        refusals.append((refused.value.status, refused.value.reason, refused.value.detail))

    assert {refused[:2] for refused in refusals} == {LOCKED}
    assert len(set(refusals)) == 1
    assert await alice.device() == before


@in_the_street
async def test_t20_the_owner_is_told_of_each_lock_and_when_it_ends(alice: Owner) -> None:
    for rung in (3 * HOUR, 24 * HOUR, None):
        letters = len(await alice.letters())
        await fail(alice)
        (letter,) = (await alice.letters())[letters:]
        assert "Key 1" in letter
        if rung is not None:
            assert f"{alice.world.clock.now() + timedelta(seconds=rung):%Y-%m-%d %H:%M} UTC" in letter
            await alice.later(rung)
        else:
            assert "UTC" not in letter


@in_the_street
async def test_t20_a_locked_phone_opens_stops_and_takes_nothing(alice: Owner) -> None:
    other = await alice.second()
    code = await other.share_code()
    await fail(alice)
    attempts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: alice.phone.change("pin"),
        lambda: alice.phone.share(code),
        lambda: alice.phone.block(id_of(other)),
        lambda: alice.phone.suspend(alice.credential_id),
    )
    for attempt in attempts:
        assert await refusal(attempt()) == LOCKED


@in_the_street
async def test_t20_a_lock_that_would_end_by_itself_does_not_once_the_phone_is_blocked(alice: Owner) -> None:
    await fail(alice)
    await alice.stop_by_link()
    await alice.later(3 * HOUR)
    assert await states(alice.phone) == ["locked"]


@in_the_street
async def test_t20_a_decline_with_the_phone_in_other_hands_forgets_no_wrong_pin(alice: Owner) -> None:
    await fail(alice, 2)
    await alice.phone.decline(await alice.asked())
    assert (await alice.device()).pin_failures == 2
    await fail(alice, 1)
    assert await states(alice.phone) == ["locked"]


@in_the_street
async def test_t48_a_wrong_pin_a_wrong_signature_a_wrong_box_and_a_wrong_share_look_alike(alice: Owner) -> None:
    shown, phone = await alice.asked(), alice.phone
    prover = Prover.of(alice.world, phone)
    right = await phone.prepare(shown, PIN)
    answers = [
        await phone.prepare(shown, WRONG),
        await phone.prepare(shown, PIN, misbehave=Misbehaviour(wrong_share=True)),
        await phone.prepare(shown, PIN, misbehave=Misbehaviour(alter_binding=True)),
        replace(right, jws=right.jws[:-4] + "AAAA"),
        replace(right, box=(right.box or "")[:-4] + "AAAA"),
    ]
    path = f"/device/v1/transactions/{shown.id}/answer"
    replies = [await prover.call("POST", path, json=answer.body()) for answer in answers]
    assert {reply.status_code for reply in replies} == {403}
    assert len({reply.content for reply in replies}) == 1
    assert len({repr(sorted(reply.headers.items())) for reply in replies}) == 1


async def test_t20_a_restart_forgets_no_wrong_pin_and_no_lock(bob: Owner) -> None:
    await fail(bob, 2)
    async with opened(bob.world.services.settings, bob.world.clock) as services:
        restarted = elsewhere(bob, services)
        await fail(restarted, 1)
        assert await states(restarted.phone) == ["locked"]
    async with opened(bob.world.services.settings, bob.world.clock) as services:
        restarted = elsewhere(bob, services)
        await restarted.later(3 * HOUR - 1)
        assert await states(restarted.phone) == ["locked"]
        await restarted.later(1)
        assert await restarted.signs() == "signed"


async def test_t48_wrong_pins_at_the_same_time_are_counted_exactly_and_no_more_than_the_rung_allows(bob: Owner) -> None:
    requests = [await bob.asked() for _ in range(AT_ONCE)]
    answers = [await bob.phone.prepare(shown, WRONG) for shown in requests]

    outcomes = await asyncio.gather(*(refusal(bob.phone.send(answer)) for answer in answers))

    device = await bob.device()
    events = await bob.world.services.audit.of_subject(f"device:{device.id}")
    tries = [one.event.details["wrong_tries"] for one in events if "wrong_tries" in one.event.details]
    assert set(outcomes) <= {REFUSED, LOCKED}
    assert device.pin_failures in {1, 2, 3}
    # The first event is of the confirmation that made the key.
    assert tries == ["0", *(str(number) for number in range(1, device.pin_failures + 1))]
    assert (device.state is DeviceState.LOCKED) is (device.pin_failures == 3)
    for _ in range(3 - device.pin_failures):
        await refusal(bob.phone.confirm(requests[0], WRONG))
    assert await refusal(bob.phone.confirm(requests[0], PIN)) == LOCKED
    assert (await bob.device()).pin_failures == 3


# --- who lifts a lock ---


@in_the_street
async def test_f18_an_operator_lifts_a_lock_and_the_pin_is_still_the_old_one(alice: Owner) -> None:
    await lock_for_good(alice)
    before = await alice.device()

    lifted = await alice.world.services.phones.unlock(before.id, OPERATOR)

    assert lifted == replace(before, state=DeviceState.ACTIVE, lock_reason=None, locked_until=None, pin_failures=0)
    assert await alice.signs() == "signed"
    await fail(alice, 2)
    assert await states(alice.phone) == ["active"]


@in_the_street
async def test_f18_what_is_not_locked_is_not_unlocked(alice: Owner) -> None:
    with pytest.raises(Conflict, match="not locked"):
        await alice.world.services.phones.unlock(id_of(alice.phone), OPERATOR)


def test_f18_no_verb_tells_or_sets_a_pin() -> None:
    verbs = {name for name in vars(Phones) if not name.startswith("_")}
    stops = {"stop_url", "stop_page", "stop_by_link"}
    assert verbs == {"block", "block_own", "unlock", "remove", "removing", "lost_without", "own", *stops}


@in_the_street
async def test_f18_two_operators_lift_a_lock_where_that_is_the_policy(alice: Owner) -> None:
    await fail(alice)
    settings = replace(alice.world.services.settings, two_operators=True)
    async with opened(settings, alice.world.clock) as services:
        first = await services.phones.unlock(id_of(alice.phone), "operator:one")
        again = await services.phones.unlock(id_of(alice.phone), "operator:one")
        assert isinstance(first, Proposal)
        assert again == first
        assert await states(alice.phone) == ["locked"]

        lifted = await services.phones.unlock(id_of(alice.phone), "operator:two")

    assert not isinstance(lifted, Proposal)
    assert await alice.signs() == "signed"
