"""Stories of a phone that is removed: its proofs, its share and what it confirmed are worth nothing from then on."""

import asyncio

import pytest
import sqlalchemy as sa

from dss.infra.schema import metadata
from dss.kernel.errors import Conflict
from dss.transactions.machine import Work
from mobile_mock.misbehave import Misbehaviour
from tests.protocol.prover import LIST, Prover
from tests.world.owners import (
    ABSENT,
    HOUR,
    REFUSED,
    Owner,
    Street,
    alice,
    bob,
    held,
    id_of,
    opens,
    refusal,
    share_of,
    street,
)
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


# --- another phone is left ---


@in_the_street
async def test_a_removed_phone_s_proofs_are_by_no_registered_phone(alice: Owner) -> None:
    other = await alice.joined()
    prover = Prover.of(alice.world, alice.phone)
    letters = len(await alice.letters())

    assert await alice.removes(alice.phone, other) == "signed"

    for method, path in (("GET", "/transactions"), ("GET", "/phones"), ("GET", "/shares"), ("POST", "/changes")):
        assert (await prover.call(method, f"/device/v1{path}")).status_code == 401
    assert [one.id for one in await other.phones()] == [id_of(other)]
    (letter,) = (await alice.letters())[letters:]
    assert "Key 1" in letter


@in_the_street
async def test_the_next_signature_after_a_removal_locks_the_key_under_a_fresh_share(alice: Owner) -> None:
    other = await alice.joined()
    old, before = share_of(alice, alice.phone).k_act, await alice.key()
    assert await alice.removes(alice.phone, other) == "signed"
    assert await held(other) == [(True, True)]

    shown = await alice.asked(other)
    assert shown.request.relock
    assert await alice.confirms(shown, other) == "signed"

    after, new = await alice.key(), share_of(alice, other).k_act
    assert after.key_blob != before.key_blob
    assert (opens(before, old), opens(after, old), opens(after, new)) == (True, False, True)
    assert (after.holders, after.relock) == ((id_of(other),), False)
    assert not (await alice.asked(other)).request.relock
    assert await alice.signs(other) == "signed"


@in_the_street
async def test_a_confirmation_without_the_fresh_share_is_refused_while_one_is_due(alice: Owner) -> None:
    other = await alice.joined()
    await alice.removes(alice.phone, other)
    shown = await alice.asked(other)
    assert await refusal(other.confirm(shown, PIN, misbehave=Misbehaviour(skip_next=True))) == REFUSED
    assert await alice.confirms(shown, other) == "signed"


@in_the_street
async def test_what_a_removed_phone_confirmed_and_is_not_signed_yet_ends(alice: Owner) -> None:
    other = await alice.joined()
    confirmed, awaiting, removal = (
        await alice.asked(),
        await alice.asked(other),
        await alice.wishes("remove", other, phone=id_of(alice.phone)),
    )
    await alice.phone.confirm(confirmed, PIN)
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    await alice.world.settle()

    assert await other.state(confirmed.id) == "cancelled"
    assert await alice.confirms(removal, other) == "failed"
    # It was shown before a fresh share was due, and so brings none: that is left to the next one.
    assert await alice.confirms(awaiting, other) == "signed"
    assert await held(other) == [(True, True)]
    assert await alice.signs(other) == "signed"
    assert await held(other) == [(True, False)]


@in_the_street
async def test_a_phone_that_waits_for_news_while_it_is_removed_is_told_none(alice: Owner) -> None:
    """Its call was made, and its proof was right, before."""
    other, prover = await alice.joined(), Prover.of(alice.world, alice.phone)
    news = asyncio.create_task(prover.call(path=LIST, params={"wait": 2}))
    done, _ = await asyncio.wait({news}, timeout=0.05)
    assert not done, "the phone did not wait"

    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    shown = await alice.asked(other)

    assert shown.id not in (await news).text


# --- the last phone ---


async def all_rows(alice: Owner) -> list[object]:
    """Every value in the database."""
    async with alice.world.services.database.read() as connection:
        found = [row for table in metadata.sorted_tables for row in await connection.execute(sa.select(table))]
    return [value for row in found for value in row]


@pytest.mark.parametrize("by", ["an operator", "another phone"])
@in_the_street
async def test_with_the_last_phone_that_opens_a_key_the_key_is_destroyed_and_its_owner_told(
    alice: Owner, by: str
) -> None:
    other = await alice.second()
    await alice.later(HOUR)
    blob, letters, asked = (await alice.key()).key_blob, len(await alice.letters()), await alice.asked()
    if by == "an operator":
        await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    else:
        assert await alice.removes(alice.phone, other) == "signed"

    key = await alice.key()
    assert (key.state, key.key_blob, key.holders, key.relock) == ("destroyed", b"", (), False)
    assert await other.state(asked.id) == "cancelled"
    assert [(one.state, one.held) for one in await other.credentials()] == [("destroyed", False)]
    (letter,) = (await alice.letters())[letters:]
    assert "1" in letter
    assert "destroyed" in letter
    await alice.application.ask_hashes(alice.signer, "A" * 43 + "=", status=409)
    rows = await all_rows(alice)
    assert key.public_key in rows, "the search finds nothing"
    assert blob not in rows


@in_the_street
async def test_after_all_phones_are_gone_a_new_one_waits_and_then_makes_a_new_key(alice: Owner) -> None:
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    anew = await alice.second("Key 2")
    wish = {"user": alice.user.login}
    await alice.application.post("/v1/credentials", wish, status=404)
    await alice.later(HOUR)

    asked = await alice.application.post("/v1/credentials", wish)
    (notice,) = await anew.waiting()
    assert await alice.confirms(await anew.show(notice.id), anew) == "signed"
    owner = Owner(alice.world, alice.application, alice.user, anew, asked["id"])
    assert await owner.signs() == "signed"


@in_the_street
async def test_a_key_that_is_just_being_made_ends_with_the_phone_that_made_it(alice: Owner) -> None:
    asked = await alice.application.post("/v1/credentials", {"user": alice.user.login})
    (notice,) = await alice.phone.waiting()
    await alice.phone.confirm(await alice.phone.show(notice.id), PIN)
    (making,) = [one for one in alice.world.services.performing if one._work is Work.KEY]
    assert await making.next()
    await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
    await alice.world.settle()

    made = await alice.application.get(f"/v1/credentials/{asked['id']}")
    assert made["state"] in {"failed", "destroyed"}


# --- who removes whom ---


@in_the_street
async def test_a_phone_does_not_remove_itself(alice: Owner) -> None:
    """Section 6: another phone of the owner is removed."""
    prover = Prover.of(alice.world, alice.phone)
    told = await prover.call("POST", "/device/v1/changes", json={"action": "remove", "phone": id_of(alice.phone)})
    assert told.status_code in {409, 422}, told.text


@in_the_street
async def test_t32_nobody_removes_another_person_s_phone_or_one_that_is_gone(street: Street, alice: Owner) -> None:
    stranger, other = await street.owner(), await alice.second()
    await alice.phone.block(id_of(other))
    for phone in (stranger.phone, other):
        assert await refusal(alice.phone.change("remove", phone=id_of(phone))) == ABSENT


@in_the_street
async def test_what_is_removed_is_not_removed_blocked_or_unlocked_again(alice: Owner) -> None:
    phones, id = alice.world.services.phones, id_of(alice.phone)
    await phones.remove(id, OPERATOR)
    before = await alice.device()
    for verb in (phones.remove, phones.block, phones.unlock):
        with pytest.raises(Conflict):
            await verb(id, OPERATOR)
    assert await alice.device() == before


@in_the_street
async def test_of_two_phones_that_remove_each_other_one_is_left(alice: Owner) -> None:
    other = await alice.joined()
    mine = await alice.wishes("remove", phone=id_of(other))
    theirs = await alice.wishes("remove", other, phone=id_of(alice.phone))
    await alice.phone.confirm(mine, PIN)
    await other.confirm(theirs, PIN)
    await alice.world.settle()

    left = [one.id for one in await alice.world.services.devices.of_user(alice.user.id)]
    assert len(left) == 1
    assert (await alice.key()).state == "active"
    survivor = alice.phone if left == [id_of(alice.phone)] else other
    assert await alice.signs(survivor) == "signed"
