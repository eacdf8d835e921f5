"""Stories of a second phone: it waits, its owner is told and can stop it, and the server reads nothing it carries."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dss.wiring import opened
from mobile_mock.errors import Difference
from mobile_mock.misbehave import Misbehaviour
from tests.world.owners import (
    ABSENT,
    CONFLICT,
    HOUR,
    LOCKED,
    REFUSED,
    Owner,
    Street,
    alice,
    appears,
    elsewhere,
    everything_written,
    id_of,
    refusal,
    states,
    stored,
    street,
)
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- the waiting time ---


async def test_t22_a_second_phone_waits_an_hour_and_its_owner_is_told_at_once(alice: Owner) -> None:
    letters = len(await alice.letters())
    other = await alice.second("Pixel 9")
    active = alice.world.clock.now() + timedelta(hours=1)

    assert [(one.id, one.name, one.active) for one in await alice.phone.waiting_phones()] == [
        (id_of(other), "Pixel 9", active)
    ]
    assert [(one.state, one.active, one.this) for one in await alice.phone.phones()] == [
        ("active", None, True),
        ("waiting", active, False),
    ]
    _, _, letter = (await alice.letters())[letters:]
    assert "Pixel 9" in letter
    assert f"{active:%H:%M} UTC" in letter
    assert f"/stop/{id_of(other)}/" in letter

    await alice.later(HOUR - 1)
    assert await states(other) == ["active", "waiting"]
    await alice.later(1)
    assert await states(other) == ["active", "active"]
    assert await alice.phone.waiting_phones() == []


async def test_t22_the_waiting_time_is_what_the_operator_sets(alice: Owner) -> None:
    settings = replace(alice.world.services.settings, new_phone_wait=timedelta(hours=48))
    async with opened(settings, alice.world.clock) as services:
        there = elsewhere(alice, services)
        await there.later(1)
        await there.second()
        await there.later(48 * HOUR - 1)
        assert await states(there.phone) == ["active", "waiting"]
        await there.later(1)
        assert await states(there.phone) == ["active", "active"]


async def test_t22_a_phone_that_waits_sees_the_owner_s_phones_and_does_nothing(alice: Owner) -> None:
    """Also nothing against the old phone, which could stop it."""
    other, shown = await alice.second(), await alice.asked()
    assert await states(other) == ["active", "waiting"]
    assert await other.take_shares() == []

    code = await alice.phone.share_code()
    attempts: tuple[Callable[[], Awaitable[object]], ...] = (
        other.waiting,
        lambda: other.show(shown.id),
        lambda: other.decline(shown),
        other.credentials,
        lambda: other.change("pin"),
        lambda: other.change("relock", credential=alice.credential_id),
        lambda: other.change("remove", phone=id_of(alice.phone)),
        lambda: other.share(code),
        lambda: other.block(id_of(alice.phone)),
        lambda: other.suspend(alice.credential_id),
    )
    for attempt in attempts:
        assert await refusal(attempt()) == LOCKED

    assert await states(alice.phone) == ["active", "waiting"]
    assert await alice.confirms(shown) == "signed"


async def test_t22_a_phone_that_waits_is_nobody_who_can_answer(alice: Owner) -> None:
    await alice.second()
    await alice.phone.block(id_of(alice.phone))
    told = await alice.application.ask_hashes(alice.signer, "A" * 43 + "=", status=409)
    assert "no phone" in told["detail"]


# --- sharing ---


async def test_t22_a_share_moves_once_the_waiting_time_is_over_and_then_the_new_phone_signs(alice: Owner) -> None:
    other = await alice.second()
    id = await alice.shares(other)
    state, jwe = await stored(alice, id) or ("", None)
    assert (state, jwe is not None) == ("waiting", True)
    await alice.later(HOUR - 1)
    assert await other.take_shares() == []
    assert other.kept().shares == {}

    await alice.later(1)
    assert await other.take_shares() == [alice.credential_id]
    assert await stored(alice, id) == ("taken", None)
    assert await other.take_shares() == []
    for phone in (other, alice.phone):
        assert [one.held for one in await phone.credentials()] == [True]
        assert await alice.signs(phone) == "signed"


async def test_t22_the_server_carries_the_share_and_cannot_read_it(
    alice: Owner, capfd: pytest.CaptureFixture[str]
) -> None:
    other = await alice.second()
    id = await alice.shares(other)
    await alice.later(HOUR)
    await other.take_shares()

    (share,) = other.kept().shares.values()
    written = everything_written(alice.world.folder) + "".join(capfd.readouterr()).encode()
    assert share == alice.phone.kept().shares[alice.credential_id]
    assert appears(id.encode(), written), "the search finds nothing"
    assert not appears(share.k_act, written)


async def test_the_owner_is_told_of_a_share_with_a_link_that_stops_the_new_phone(alice: Owner) -> None:
    other = await alice.second("Pixel 9")
    letters = len(await alice.letters())
    await alice.shares(other)
    (letter,) = (await alice.letters())[letters:]
    assert "Pixel 9" in letter
    assert f"/stop/{id_of(other)}/" in letter


async def test_t22_the_old_phone_shows_no_share_for_keys_that_were_not_in_the_qr(alice: Owner) -> None:
    """The server alone cannot put a phone of its own in the place of the new one."""
    other, stranger = await alice.second(), await alice.second("Key 3")
    code, false = await other.share_code(), await stranger.share_code()
    for name in ("s", "e"):
        told, put = [text.partition(f"&{name}=")[2].partition("&")[0] for text in (code, false)]
        id = await alice.phone.share(code.replace(told, put))
        with pytest.raises(Difference, match="other keys"):
            await alice.phone.show(id)


async def test_t22_a_share_is_answered_only_by_the_phone_that_opened_it(alice: Owner) -> None:
    other, third = await alice.joined(), await alice.second("Key 3")
    shown = await alice.phone.show(await alice.phone.share(await third.share_code()))
    answer = await alice.phone.prepare(shown, PIN)

    assert await refusal(other.show(shown.id)) == ABSENT
    assert await refusal(other.send(answer)) == ABSENT
    assert shown.id not in {one.id for one in await other.waiting()}
    assert await alice.confirms(shown) == "signed"


async def test_t22_a_share_other_than_the_one_that_was_signed_is_refused(alice: Owner) -> None:
    other = await alice.second()
    shown = await alice.phone.show(await alice.phone.share(await other.share_code()))
    right, again = [await alice.phone.prepare(shown, PIN) for _ in range(2)]
    for wrong in (replace(right, share=again.share), replace(right, share=None)):
        assert await refusal(alice.phone.send(wrong)) == REFUSED
    assert (await alice.device()).pin_failures == 0
    assert await alice.confirms(shown) == "signed"


async def test_t22_a_share_for_other_keys_opens_nowhere_and_the_new_phone_says_so(alice: Owner) -> None:
    other = await alice.second()
    shown = await alice.phone.show(await alice.phone.share(await other.share_code()))
    await alice.confirms(shown, misbehave=Misbehaviour(swap_share=id_of(other)))
    await alice.later(HOUR)
    with pytest.raises(Difference):
        await other.take_shares()
    assert other.kept().shares == {}


async def test_t32_nobody_shares_with_another_person_s_phone(street: Street, alice: Owner) -> None:
    bob = await street.owner()
    assert await refusal(alice.phone.share(await bob.phone.share_code())) == ABSENT


async def test_who_holds_nothing_shares_nothing(alice: Owner) -> None:
    other, third = await alice.second(), await alice.second("Key 3")
    await alice.later(HOUR)
    assert await refusal(other.share(await third.share_code())) == CONFLICT


async def test_a_key_that_waits_to_be_locked_anew_is_shared_after_that(alice: Owner) -> None:
    other = await alice.joined()
    third = await alice.second("Key 3")
    await alice.world.services.phones.remove(id_of(other), OPERATOR)
    assert await refusal(alice.phone.share(await third.share_code())) == CONFLICT

    assert await alice.confirms(await alice.of_key("relock")) == "signed"
    await alice.shares(third)
    await alice.later(HOUR)
    await third.take_shares()
    assert await alice.signs(third) == "signed"


async def test_a_share_whose_reply_was_lost_is_taken_all_the_same(alice: Owner) -> None:
    other = await alice.second()
    shown = await alice.phone.show(await alice.phone.share(await other.share_code()))
    await alice.phone.send(await alice.phone.prepare(shown, PIN))
    assert await alice.confirms(shown) == "signed"
    await alice.later(HOUR)
    assert await other.take_shares() == [alice.credential_id]
    assert await alice.signs(other) == "signed"
