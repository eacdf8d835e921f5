"""Stories of a new PIN: typed on the phone, in force at once or not at all, whatever is lost on the way (F16, F17)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dss.devices.service import Devices
from mobile_mock.answer import Answer
from mobile_mock.errors import BadInput
from mobile_mock.showing import Shown
from tests.world.owners import (
    CONFLICT,
    HASH,
    LOCKED,
    NEW_PIN,
    REFUSED,
    WRONG,
    Owner,
    alice,
    bob,
    refusal,
    street,
)
from tests.world.world import PIN

__all__ = ["alice", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


async def prepared(alice: Owner, pin: str = PIN) -> tuple[Shown, Answer]:
    """A change of the PIN that is confirmed on the phone, and not yet sent."""
    shown = await alice.wishes("pin")
    return shown, await alice.phone.prepare(shown, pin, new_pin=NEW_PIN)


async def require_new_pin(alice: Owner) -> None:
    """Require that the new PIN signs, and the old one is wrong."""
    shown = await alice.asked()
    assert await refusal(alice.phone.confirm(shown, PIN)) == REFUSED
    assert (await alice.device()).pin_failures == 1
    assert await alice.confirms(shown, pin=NEW_PIN) == "signed"


async def require_old_pin(alice: Owner) -> None:
    """Require that the old PIN signs, and the new one is wrong."""
    shown = await alice.asked()
    assert await refusal(alice.phone.confirm(shown, NEW_PIN)) == REFUSED
    assert await alice.confirms(shown) == "signed"


@in_the_street
async def test_f16_a_new_pin_takes_the_place_of_the_old_one(alice: Owner) -> None:
    before = await alice.device()

    assert await alice.confirms(await alice.wishes("pin"), new_pin=NEW_PIN) == "signed"

    assert (await alice.device()).pin_check != before.pin_check
    assert "device.pin_changed" in await alice.world.tells(f"device:{before.id}")
    await require_new_pin(alice)


@in_the_street
async def test_t48_a_wrong_old_pin_in_a_change_counts_and_changes_nothing(alice: Owner) -> None:
    shown, before = await alice.wishes("pin"), await alice.device()
    for number in (1, 2, 3):
        assert await refusal(alice.phone.confirm(shown, WRONG, new_pin=NEW_PIN)) == REFUSED
        assert (await alice.device()).pin_failures == number
    assert await refusal(alice.phone.confirm(shown, PIN, new_pin=NEW_PIN)) == LOCKED
    assert (await alice.device()).pin_check == before.pin_check


@in_the_street
async def test_f17_the_phone_refuses_known_defaults_and_other_trivial_pins(alice: Owner) -> None:
    shown = await alice.wishes("pin")
    sent = alice.phone.kept().answers
    for trivial in ("12345678", "87654321", "1234567890", "000000", "121212", "345678", "98765", "letters"):
        with pytest.raises(BadInput):
            await alice.phone.confirm(shown, PIN, new_pin=trivial)
    assert alice.phone.kept().answers == sent
    assert await alice.confirms(shown, new_pin=NEW_PIN) == "signed"


@in_the_street
async def test_a_change_that_is_declined_or_never_answered_leaves_the_old_pin(alice: Owner) -> None:
    await alice.phone.decline(await alice.wishes("pin"))
    await alice.wishes("pin")
    await alice.later(301)
    await require_old_pin(alice)


# --- what is lost on the way ---


@in_the_street
async def test_an_answer_that_never_arrived_changes_no_pin(alice: Owner) -> None:
    await prepared(alice)
    await alice.later(301)
    await require_old_pin(alice)


@in_the_street
async def test_an_answer_that_did_not_arrive_at_first_changes_the_pin_when_it_does(alice: Owner) -> None:
    shown, _ = await prepared(alice)
    assert await alice.confirms(shown, new_pin=NEW_PIN) == "signed"
    await require_new_pin(alice)


@in_the_street
async def test_a_reply_that_was_lost_before_the_change_was_made_is_asked_for_again(alice: Owner) -> None:
    shown, answer = await prepared(alice)
    assert await alice.phone.send(answer) == "confirmed"
    assert await alice.confirms(shown, new_pin=NEW_PIN) == "signed"
    await require_new_pin(alice)


@in_the_street
async def test_a_reply_that_was_lost_until_the_change_was_made_leaves_the_phone_with_the_new_pin(alice: Owner) -> None:
    _, answer = await prepared(alice)
    await alice.phone.send(answer)
    await alice.world.settle()
    await require_new_pin(alice)


@in_the_street
async def test_a_refusal_that_was_lost_leaves_the_phone_with_the_old_pin(alice: Owner) -> None:
    _, answer = await prepared(alice, WRONG)
    assert await refusal(alice.phone.send(answer)) == REFUSED
    await alice.later(301)
    await require_old_pin(alice)


@in_the_street
async def test_the_same_answer_to_a_change_that_is_done_changes_nothing_more(alice: Owner) -> None:
    _, answer = await prepared(alice)
    await alice.phone.send(answer)
    await alice.world.settle()
    done = await alice.device()
    assert await alice.phone.send(answer) == "signed"
    assert await alice.device() == done


# --- beside other confirmations ---


@in_the_street
async def test_what_the_old_pin_confirmed_and_is_not_signed_yet_ends_with_the_old_pin(alice: Owner) -> None:
    """The older one of two transactions that wait for the same work is done first."""
    change, signature = await alice.wishes("pin"), await alice.asked()
    first = await alice.phone.prepare(signature, PIN)
    second = await alice.phone.prepare(change, PIN, new_pin=NEW_PIN)
    assert await alice.phone.send(first) == "confirmed"
    assert await alice.phone.send(second) == "confirmed"
    await alice.world.settle()

    assert await alice.phone.state(signature.id) == "cancelled"
    await require_new_pin(alice)


@in_the_street
async def test_an_answer_by_the_old_pin_that_comes_after_the_change_is_refused_and_not_counted(alice: Owner) -> None:
    signature, change = await alice.asked(), await alice.wishes("pin")
    by_old_pin = await alice.phone.prepare(signature, PIN)
    assert await alice.confirms(change, new_pin=NEW_PIN) == "signed"
    assert await refusal(alice.phone.send(by_old_pin)) == REFUSED
    assert (await alice.device()).pin_failures == 0
    assert await alice.confirms(signature, pin=NEW_PIN) == "signed"


@in_the_street
async def test_an_answer_that_is_looked_at_while_the_pin_changes_is_not_accepted_by_the_old_one(
    alice: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, signature = await alice.wishes("pin"), await alice.asked()
    before, weigh = alice.phone.kept().counter, Devices.weigh
    alice.phone._store.save(replace(alice.phone.kept(), counter=before + 1))
    by_old_pin = await alice.phone.prepare(signature, PIN)
    alice.phone._store.save(replace(alice.phone.kept(), counter=before))

    async def weigh_after_the_change(*looked_at: Any) -> Any:
        monkeypatch.undo()
        assert await alice.confirms(change, new_pin=NEW_PIN) == "signed"
        return await weigh(*looked_at)

    monkeypatch.setattr(Devices, "weigh", weigh_after_the_change)
    assert await refusal(alice.phone.send(by_old_pin)) == REFUSED
    assert (await alice.device()).pin_failures == 0
    await require_new_pin(alice)


@in_the_street
async def test_of_two_changes_that_wait_the_second_is_confirmed_by_the_pin_of_the_first(alice: Owner) -> None:
    first, second = await alice.wishes("pin"), await alice.wishes("pin")
    assert await alice.confirms(first, new_pin=NEW_PIN) == "signed"
    assert await refusal(alice.phone.confirm(second, PIN, new_pin="273849")) == CONFLICT
    await require_new_pin(alice)


async def test_a_change_and_a_confirmation_at_once_lock_nothing_and_leave_one_pin(bob: Owner) -> None:
    signature, change = await bob.asked(), await bob.wishes("pin")
    answers = [
        await bob.phone.prepare(signature, PIN),
        await bob.phone.prepare(change, PIN, new_pin=NEW_PIN),
    ]
    work = [bob.world.settle() for _ in range(3)]
    await asyncio.gather(*(bob.phone.send(answer) for answer in answers), *work, return_exceptions=True)
    await bob.world.settle()

    assert await bob.phone.state(change.id) == "signed"
    end = await bob.application.get(f"/v1/signatures/{signature.id}")
    assert end["state"] in {"signed", "cancelled", "awaiting"}
    assert (end["documents"][0]["signature"] is not None) is (end["state"] == "signed")
    assert (await bob.device()).pin_failures == 0
    assert (await bob.application.ask_hashes(bob.signer, HASH))["state"] == "awaiting"
    await require_new_pin(bob)
