"""Stories of invitations and enrolments at the same moment, on both databases: one after the other (T12, T22)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from dss.devices import store
from dss.devices.enrolling import Enrolling
from dss.devices.inviting import Inviting
from dss.devices.model import Invitation, Standing
from dss.devices.tables import enrolments
from dss.kernel.errors import DssError
from dss.users.model import User
from mobile_mock.errors import Refused
from tests.world.owners import Owner, bob
from tests.world.world import OPERATOR, PIN, World

__all__ = ["bob"]


@contextmanager
def side_by_side(of: type, step: str, count: int = 2) -> Iterator[None]:
    """Let so many calls come to a step, all having read what they decide upon, before any goes on."""
    take, here, all_here = getattr(of, step), [0], asyncio.Event()

    async def waits(self: Any, *given: Any) -> Any:
        here[0] += 1
        if here[0] == count:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), 10)
        return await take(self, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of, step, waits)
        yield


async def invited_twice(world: World, user: User) -> list[Invitation]:
    """Two operators invite at once; return the invitations that were made."""
    with side_by_side(Inviting, "_new_enrolment"):
        made = await asyncio.gather(
            *(world.services.inviting.invite(user, OPERATOR) for _ in range(2)), return_exceptions=True
        )
    assert all(isinstance(one, Invitation | DssError) for one in made), made
    return [one for one in made if isinstance(one, Invitation)]


async def two_invitations(world: World, user: User) -> list[Invitation]:
    """Two that are open, as no race may leave them."""

    async def none(*_: Any) -> int:
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "count_open", none)
        invitations = await invited_twice(world, user)
    assert len(invitations) == 2
    return invitations


async def enrol(world: World, invitation: Invitation, name: str) -> bool:
    """Tell whether a new phone was taken, or refused for want of room."""
    try:
        await world.new_phone().enrol(invitation.qr_text, invitation.activation_code, PIN, name)
    except Refused as refused:
        if refused.status != 409:
            raise
        return False
    return True


async def enrol_at_once(world: World, invitations: list[Invitation]) -> int:
    """Two phones take an invitation each, both having counted the owner's phones; return how many were taken."""
    with side_by_side(Enrolling, "_register", len(invitations)):
        taken = await asyncio.gather(*(enrol(world, one, f"Key {n}") for n, one in enumerate(invitations)))
    return sum(taken)


async def test_t12_of_two_invitations_at_once_at_most_one_is_open(bob: Owner) -> None:
    user = await bob.world.user("newcomer")
    made = await invited_twice(bob.world, user)
    assert len(made) == 1

    async with bob.world.services.database.read() as connection:
        mine = sa.select(enrolments.c.id).where(enrolments.c.user_id == user.id, enrolments.c.state == "open")
        assert list((await connection.execute(mine)).scalars()) == [made[0].enrolment_id]
    assert await enrol(bob.world, made[0], "Key 1")


async def test_t12_an_invitation_that_was_refused_is_made_the_next_time_and_ends_the_first(bob: Owner) -> None:
    user = await bob.world.user("newcomer")
    (first,) = await invited_twice(bob.world, user)
    again = await bob.world.services.inviting.invite(user, OPERATOR)
    with pytest.raises(Refused):
        await bob.world.new_phone().enrol(first.qr_text, first.activation_code, PIN, "Key 1")
    assert await enrol(bob.world, again, "Key 1")


async def test_t22_of_two_first_phones_at_once_only_one_acts_at_once(bob: Owner) -> None:
    user = await bob.world.user("newcomer")
    invitations = await two_invitations(bob.world, user)
    assert await enrol_at_once(bob.world, invitations) == 2
    phones = await bob.world.services.devices.of_user(user.id)
    assert [phone.standing(bob.world.clock.now()) for phone in phones].count(Standing.ACTIVE) == 1
    assert [phone.active_from is None for phone in phones].count(True) == 1


async def test_t22_an_owner_has_at_most_five_phones_also_when_two_come_at_once(bob: Owner) -> None:
    for number in range(2, 5):
        await bob.second(f"Key {number}")
    invitations = await two_invitations(bob.world, bob.user)
    assert await enrol_at_once(bob.world, invitations) == 1
    assert len(await bob.world.services.devices.of_user(bob.user.id)) == 5
