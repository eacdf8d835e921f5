"""Stories of a second phone that is not wanted: who stops it, what goes with it, and how many there may be."""

import pytest

from dss.kernel.errors import Conflict
from mobile_mock.errors import Difference, NothingToDo
from tests.world.owners import (
    HOUR,
    Owner,
    alice,
    id_of,
    refusal,
    states,
    stored,
    street,
)
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- stopping it ---


@pytest.mark.parametrize("by", ["the old phone", "the letter", "an operator"])
async def test_t22_a_phone_that_waits_is_stopped_and_what_was_shared_with_it_too(alice: Owner, by: str) -> None:
    other = await alice.second()
    id = await alice.shares(other)
    if by == "the old phone":
        assert await alice.phone.block(id_of(other)) == "removed"
    elif by == "the letter":
        page = await alice.world.http().post(await alice.stop_link())
        assert page.status_code == 200
    else:
        await alice.world.services.phones.block(id_of(other), OPERATOR)

    assert (await refusal(other.phones()))[0] == 401
    assert await stored(alice, id) == ("stopped", None)
    await alice.later(HOUR)
    assert (await refusal(other.take_shares()))[0] == 401
    assert await states(alice.phone) == ["active"]
    assert (await alice.key()).holders == (id_of(alice.phone),)
    assert await alice.signs() == "signed"


async def test_t22_a_share_that_is_confirmed_after_its_phone_was_stopped_goes_nowhere(alice: Owner) -> None:
    other = await alice.second()
    shown = await alice.phone.show(await alice.phone.share(await other.share_code()))
    await alice.phone.block(id_of(other))
    assert await alice.confirms(shown) == "failed"
    assert await stored(alice, shown.id) is None
    assert (await alice.key()).holders == (id_of(alice.phone),)


async def test_t22_the_link_of_a_first_phone_stops_no_other(alice: Owner) -> None:
    mine = await alice.stop_link()
    other = await alice.second()
    _, _, _, code = mine.split("/")
    assert (await alice.world.http().post(f"/stop/{id_of(other)}/{code}")).status_code == 404
    assert await states(alice.phone) == ["active", "waiting"]


# --- how many ---


async def test_an_owner_has_at_most_five_phones(alice: Owner) -> None:
    more = [await alice.second(f"Key {number}") for number in range(2, 6)]
    with pytest.raises(Conflict, match="5 phones"):
        await alice.world.invite(alice.user)
    await alice.phone.block(id_of(more[0]))
    await alice.second("Key 6")
    assert await states(alice.phone) == ["active", "waiting", "waiting", "waiting", "waiting"]


async def test_t22_only_an_owner_s_very_first_phone_works_at_once(alice: Owner) -> None:
    """Who takes over the post of an owner whose phones are gone waits as anybody."""
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    assert await states(await alice.second()) == ["waiting"]


async def test_a_phone_without_a_share_cannot_confirm_in_the_place_of_one_that_has_it(alice: Owner) -> None:
    other = await alice.second()
    await alice.later(HOUR)
    shown = await alice.asked(other)
    with pytest.raises(Difference, match="no share"):
        await other.confirm(shown, PIN)
    with pytest.raises(NothingToDo):
        await other.replay(shown.id)
    assert await alice.confirms(shown) == "signed"
