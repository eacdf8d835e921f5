"""Stories of a phone's store that was copied: the server finds out, and honest phones are never taken for copies."""

import shutil
from dataclasses import replace

import pytest

from dss.devices.model import LockReason, Standing
from dss.kernel.errors import Conflict
from mobile_mock.phone import Phone
from tests.world.owners import HOUR, LOCKED, REFUSED, Owner, alice, id_of, refusal, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


def copy_of(owner: Owner) -> Phone:
    """A second phone with all that the first one keeps."""
    copy = owner.world.new_phone()
    shutil.copytree(owner.phone._store.folder, copy._store.folder)
    return copy


async def cloned(alice: Owner) -> Phone:
    """Let the server find two phones with the same keys; return the copy."""
    copy = copy_of(alice)
    assert await alice.signs() == "signed"
    shown = await alice.asked(copy)
    assert await refusal(copy.confirm(shown, PIN)) == LOCKED
    return copy


async def test_t21_a_copied_phone_is_found_at_its_first_answer_and_both_are_locked_for_good(alice: Owner) -> None:
    before = await alice.asked()
    copy = await cloned(alice)

    await alice.later(1)
    for phone in (alice.phone, copy):
        assert await refusal(phone.confirm(before, PIN)) == LOCKED
        assert [one.state for one in await phone.phones()] == ["locked"]
    device = await alice.device()
    assert (device.lock_reason, device.locked_until) == (LockReason.CLONE, None)
    await alice.later(30 * 24 * HOUR)
    assert (await alice.device()).standing(alice.world.clock.now()) is Standing.LOCKED


async def test_t21_the_owner_is_found_out_when_the_copy_answered_first(alice: Owner) -> None:
    copy = copy_of(alice)
    assert await alice.signs(copy) == "signed"
    assert await refusal(alice.phone.confirm(await alice.asked(), PIN)) == LOCKED


async def test_t21_a_copy_that_only_declines_is_found_too(alice: Owner) -> None:
    copy = copy_of(alice)
    assert await alice.signs() == "signed"
    assert await refusal(copy.decline(await alice.asked(copy))) == LOCKED


async def test_t21_a_copy_that_fell_behind_the_last_eight_answers_is_found(alice: Owner) -> None:
    """The counter that it uses was left out, and so used by nobody."""
    copy = copy_of(alice)
    alice.phone._store.save(replace(alice.phone.kept(), counter=alice.phone.kept().counter + 1))
    for _ in range(8):
        await alice.phone.decline(await alice.asked())
    assert await refusal(copy.confirm(await alice.asked(copy), PIN)) == LOCKED


async def test_t21_a_copy_in_a_gap_gets_nothing_and_is_found_at_its_next_answer(alice: Owner) -> None:
    copy = copy_of(alice)
    alice.phone._store.save(replace(alice.phone.kept(), counter=alice.phone.kept().counter + 1))
    assert await alice.signs() == "signed"
    shown = await alice.asked(copy)
    assert await refusal(copy.confirm(shown, PIN)) == REFUSED
    assert (await alice.device()).lock_reason is None
    assert await refusal(copy.confirm(shown, PIN)) == LOCKED


async def test_t21_what_a_copy_confirmed_just_before_it_was_found_is_not_signed(alice: Owner) -> None:
    copy = copy_of(alice)
    shown = await alice.asked(copy)
    assert await copy.confirm(shown, PIN) == "confirmed"
    assert await refusal(alice.phone.confirm(await alice.asked(), PIN)) == LOCKED

    await alice.world.settle()

    signature = await alice.application.get(f"/v1/signatures/{shown.id}")
    assert (signature["state"] in {"failed", "cancelled"}, signature["documents"][0]["signature"]) == (True, None)


async def test_t21_the_log_and_the_owner_are_told_of_a_copy(alice: Owner) -> None:
    letters = len(await alice.letters())
    await cloned(alice)

    (event,) = [
        one.event
        for one in await alice.world.services.audit.of_subject(f"device:{id_of(alice.phone)}")
        if one.event.kind == "device.locked"
    ]
    assert (event.actor, event.details["why"]) == ("server", "clone")
    (letter,) = (await alice.letters())[letters:]
    assert "Key 1" in letter
    assert "two phones" in letter.lower()


async def test_t21_nobody_unlocks_a_phone_that_has_a_copy(alice: Owner) -> None:
    await cloned(alice)
    with pytest.raises(Conflict, match="two phones"):
        await alice.world.services.phones.unlock(id_of(alice.phone), OPERATOR)
    assert (await alice.device()).lock_reason is LockReason.CLONE


async def test_t21_a_block_on_top_does_not_make_the_lock_of_a_copy_one_that_is_lifted(alice: Owner) -> None:
    """The copy may ask for the block itself, and then for help."""
    copy = await cloned(alice)
    phones, id = alice.world.services.phones, id_of(alice.phone)
    _, _, _, code = (await alice.stop_link()).split("/")

    assert await refusal(copy.block(id)) == LOCKED
    with pytest.raises(Conflict):
        await phones.block(id, OPERATOR)
    await phones.stop_by_link(id, code)

    with pytest.raises(Conflict, match="two phones"):
        await phones.unlock(id, OPERATOR)
    assert (await alice.device()).lock_reason is LockReason.CLONE


async def test_t21_after_a_copy_the_phone_is_removed_and_enrolled_anew(alice: Owner) -> None:
    copy = await cloned(alice)
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)

    anew = await alice.second("Key 3")
    await alice.later(HOUR)

    for phone in (alice.phone, copy):
        assert (await refusal(phone.phones()))[0] == 401
    assert [(one.name, one.state) for one in await anew.phones()] == [("Key 3", "active")]


# --- honest phones ---


async def test_an_answer_whose_reply_was_lost_is_sent_again_byte_for_byte_and_locks_nothing(alice: Owner) -> None:
    shown = await alice.asked()
    sent = await alice.phone.prepare(shown, PIN)
    assert await alice.phone.send(sent) == "confirmed"
    assert await alice.confirms(shown) == "signed"
    assert alice.phone.kept().counter == sent.counter
    assert await alice.signs() == "signed"


async def test_answers_that_never_arrived_leave_gaps_and_lock_nothing(alice: Owner) -> None:
    for _ in range(12):
        await alice.phone.prepare(await alice.asked(), PIN)
    assert await alice.signs() == "signed"


async def test_answers_that_overtake_each_other_on_the_way_lock_nothing(alice: Owner) -> None:
    first, second = await alice.asked(), await alice.asked()
    slow, quick = await alice.phone.prepare(first, PIN), await alice.phone.prepare(second, PIN)

    assert await alice.phone.send(quick) == "confirmed"
    for _ in range(2):
        assert await refusal(alice.phone.send(slow)) == REFUSED
    assert await alice.confirms(first) == "signed"
    assert await alice.phone.state(second.id) == "signed"


async def test_a_refused_answer_that_comes_once_more_locks_nothing_and_counts_once(alice: Owner) -> None:
    shown = await alice.asked()
    wrong = await alice.phone.prepare(shown, "493818")
    for _ in range(7):
        assert await refusal(alice.phone.send(wrong)) == REFUSED
    assert (await alice.device()).pin_failures == 1
    assert await alice.confirms(shown) == "signed"
