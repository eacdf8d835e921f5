"""Stories of a key that is locked anew: its phone never loses it, and the others hold nothing until it is shared."""

from collections.abc import Awaitable, Callable

import pytest

from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.phone import Phone
from tests.world.owners import CONFLICT, HOUR, REFUSED, Owner, alice, bob, held, id_of, opens, refusal, share_of, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


# --- what is lost on the way ---


async def due(alice: Owner) -> Phone:
    """A second phone whose next signature locks the key anew."""
    other = await alice.joined()
    await alice.removes(alice.phone, other)
    return other


Lose = Callable[[Owner, Phone], Awaitable[None]]


async def the_request(alice: Owner, phone: Phone) -> None:
    await phone.prepare(await alice.asked(phone), PIN)
    await alice.later(301)


async def the_reply(alice: Owner, phone: Phone) -> None:
    await phone.send(await phone.prepare(await alice.asked(phone), PIN))
    await alice.world.settle()


async def the_work(alice: Owner, phone: Phone) -> None:
    """It was confirmed, and its time to be signed passed while no node worked."""
    await phone.confirm(await alice.asked(phone), PIN)
    await alice.later(HOUR)


async def the_refusal(alice: Owner, phone: Phone) -> None:
    with pytest.raises(Refused):
        await phone.send(await phone.prepare(await alice.asked(phone), PIN, misbehave=Misbehaviour(wrong_pin=True)))
    await alice.later(301)


@in_the_street
@pytest.mark.parametrize("lose", [the_request, the_reply, the_work, the_refusal])
async def test_whatever_is_lost_while_a_key_is_locked_anew_its_phone_still_opens_it(alice: Owner, lose: Lose) -> None:
    phone = await due(alice)
    await lose(alice, phone)
    kept = share_of(alice, phone)
    assert opens(await alice.key(), kept.k_act) is not opens(await alice.key(), kept.following or b"x" * 32)
    for _ in range(2):
        assert await alice.signs(phone) == "signed"
    assert await held(phone) == [(True, False)]


async def test_two_signatures_that_lock_anew_at_once_leave_a_key_that_opens(bob: Owner) -> None:
    phone = await due(bob)
    first, second = await bob.asked(phone), await bob.asked(phone)
    answer = await phone.prepare(first, PIN)
    assert await phone.send(answer) == "confirmed"
    await bob.world.settle()
    assert await phone.state(first.id) == "signed"
    # The second one was asked while the fresh share was due, and offers one more.
    assert await bob.confirms(second, phone) == "signed"
    assert opens(await bob.key(), share_of(bob, phone).k_act)
    assert await bob.signs(phone) == "signed"


# --- a third phone ---


@in_the_street
async def test_a_third_phone_opens_the_key_no_more_until_it_is_shared_again(alice: Owner) -> None:
    other, third = await alice.joined(), await alice.joined("Key 3")
    await alice.removes(alice.phone, other)
    assert await held(third) == [(True, True)]
    assert await alice.signs(other) == "signed"

    assert await held(third) == [(False, False)]
    shown = await alice.asked(third)
    for _ in range(4):
        assert await refusal(third.confirm(shown, PIN)) == REFUSED
    assert (await alice.device(third)).pin_failures == 0

    await alice.shares(third, other)
    assert await third.take_shares() == [alice.credential_id]
    assert await alice.confirms(shown, third) == "signed"
    assert await alice.signs(other) == "signed"


@in_the_street
async def test_an_old_share_of_a_key_with_a_password_locks_no_honest_phone(alice: Owner) -> None:
    """The right password with a share that opens nothing any more is no guess."""
    other = await alice.joined()
    await alice.confirms(await alice.of_key("password"), new_key_password="Correct7Horse")
    assert await alice.confirms(await alice.of_key("relock"), key_password="Correct7Horse") == "signed"

    shown = await alice.asked(other)
    for _ in range(3):
        assert await refusal(other.confirm(shown, PIN, key_password="Correct7Horse")) == REFUSED
    assert [one.state for one in await other.phones()] == ["active", "active"]


@in_the_street
async def test_a_key_is_locked_anew_by_a_change_too_and_then_opens_for_that_phone_alone(alice: Owner) -> None:
    other = await alice.joined()
    old = share_of(alice, other).k_act
    assert await alice.confirms(await alice.of_key("relock")) == "signed"

    assert await held(alice.phone) == [(True, False)]
    assert await held(other) == [(False, False)]
    assert not opens(await alice.key(), old)
    for action in ("relock", "password"):
        assert await refusal(other.change(action, credential=alice.credential_id)) == CONFLICT
    assert await alice.signs() == "signed"


@in_the_street
async def test_a_phone_that_is_removed_before_it_took_its_share_takes_no_key_with_it(alice: Owner) -> None:
    other = await alice.second()
    await alice.shares(other)
    await alice.later(HOUR)
    assert await alice.removes(other) == "signed"
    assert (await alice.key()).holders == (id_of(alice.phone),)
    assert await alice.signs() == "signed"


@in_the_street
async def test_an_owner_who_loses_the_old_phone_keeps_the_key_that_it_had_shared(alice: Owner) -> None:
    other = await alice.second()
    await alice.shares(other)
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    assert ((await alice.key()).state, (await alice.key()).holders) == ("active", (id_of(other),))
    await alice.later(HOUR)
    assert await other.take_shares() == [alice.credential_id]
    assert await alice.signs(other) == "signed"
    assert await held(other) == [(True, False)]
