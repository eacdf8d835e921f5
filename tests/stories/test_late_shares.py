"""Stories of shares that come too late: for a key that was locked anew, or for a phone that was stopped (T22)."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dss.transactions.plans import Plan, Plans
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.world.owners import Owner, alice, held, id_of, opens, refusal, share_of, stored, street
from tests.world.world import PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextmanager
def before_the_first_result(happens: Callable[[], Awaitable[Any]]) -> Iterator[None]:
    """Let something happen after a confirmed change was planned, and before it is written."""
    commit = Plans.commit

    async def paused(self: Plans, plan: Plan, actor: str, **more: Any) -> None:
        if more.get("but") is not None:
            patch.undo()
            await happens()
        await commit(self, plan, actor, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plans, "commit", paused)
        yield


async def share_shown(giver: Phone, taker: Phone) -> Shown:
    return await giver.show(await giver.share(await taker.share_code()))


# --- what waits when the key is locked anew ---


async def test_t22_a_share_that_waits_when_its_phone_locks_the_key_anew_is_stopped(alice: Owner) -> None:
    other = await alice.joined()
    id = await alice.shares(other)
    assert await alice.confirms(await alice.of_key("relock", other), other) == "signed"

    assert await stored(alice, id) == ("stopped", None)
    assert await other.take_shares() == []
    assert opens(await alice.key(), share_of(alice, other).k_act)
    assert await alice.signs(other) == "signed"
    assert "share.stopped" in await alice.world.tells(f"share:{id}")


async def test_t22_a_share_that_waits_when_a_signature_locks_the_key_anew_is_stopped(alice: Owner) -> None:
    other = await alice.joined()
    id = await alice.shares(other)
    assert await alice.removes(alice.phone, other) == "signed"
    assert (await alice.key()).relock
    assert await alice.signs(other) == "signed"

    assert await stored(alice, id) == ("stopped", None)
    assert await other.take_shares() == []
    assert opens(await alice.key(), share_of(alice, other).k_act)
    assert await alice.signs(other) == "signed"


async def test_t22_a_share_that_is_made_after_the_key_was_locked_anew_is_taken(alice: Owner) -> None:
    other = await alice.joined()
    late = await alice.shares(other)
    assert await alice.confirms(await alice.of_key("relock")) == "signed"
    id = await alice.shares(other)

    assert [await stored(alice, late), (await stored(alice, id) or ("",))[0]] == [("stopped", None), "waiting"]
    assert await other.take_shares() == [alice.credential_id]
    assert opens(await alice.key(), share_of(alice, other).k_act)
    assert await held(other) == [(True, False)]


# --- what is on its way when the key is locked anew ---


async def test_t22_a_share_that_is_on_its_way_when_a_change_locks_the_key_anew_is_cancelled(alice: Owner) -> None:
    """The same phone confirmed both: what it shared opens nothing any more."""
    other = await alice.joined()
    relock, shown = await alice.of_key("relock"), await share_shown(alice.phone, other)
    await alice.phone.confirm(shown, PIN)
    assert await alice.confirms(relock) == "signed"

    assert await alice.phone.state(shown.id) == "cancelled"
    await nothing_was_shared(alice, other, shown)


async def test_t22_a_share_that_is_being_written_when_a_change_locks_the_key_anew_comes_to_nothing(
    alice: Owner,
) -> None:
    other = await alice.joined()
    shown, relock = await share_shown(alice.phone, other), await alice.of_key("relock")
    await alice.phone.confirm(shown, PIN)

    with before_the_first_result(lambda: alice.confirms(relock)):
        await alice.world.settle()

    assert (await alice.phone.state(relock.id), await alice.phone.state(shown.id)) == ("signed", "failed")
    await nothing_was_shared(alice, other, shown)


async def test_t22_a_share_that_is_being_written_when_a_signature_locks_the_key_anew_comes_to_nothing(
    alice: Owner,
) -> None:
    other, third = await alice.joined(), await alice.joined("Key 3")
    shown = await share_shown(alice.phone, other)
    assert await alice.removes(third) == "signed"
    signature = await alice.asked()
    assert signature.request.relock
    await alice.phone.confirm(shown, PIN)

    with before_the_first_result(lambda: alice.confirms(signature)):
        await alice.world.settle()

    assert (await alice.phone.state(signature.id), await alice.phone.state(shown.id)) == ("signed", "failed")
    await nothing_was_shared(alice, other, shown)


async def nothing_was_shared(alice: Owner, other: Phone, shown: Shown) -> None:
    """The key opens for the phone that locked it anew, and the other one is told that it holds nothing."""
    assert await stored(alice, shown.id) is None
    assert await other.take_shares() == []
    key = await alice.key()
    assert key.holders == (id_of(alice.phone),)
    assert opens(key, share_of(alice, alice.phone).k_act)
    assert await held(other) == [(False, False)]


# --- a phone that is stopped while a share with it is written ---


async def test_t22_a_stop_link_that_is_used_while_a_share_is_written_lets_it_come_to_nothing(alice: Owner) -> None:
    other = await alice.second()
    shown = await share_shown(alice.phone, other)

    with before_the_first_result(alice.stop_by_link):
        assert await alice.confirms(shown) != "signed"
    await alice.later(60)
    await alice.world.settle()

    assert await alice.phone.state(shown.id) == "failed"
    assert await stored(alice, shown.id) is None
    assert (await alice.key()).holders == (id_of(alice.phone),)
    assert (await refusal(other.take_shares()))[0] == 401
    assert await alice.signs() == "signed"
