"""Rows that are put back as they were, and what a second person's row has: nothing of it signs, and an alarm tells.

Who cuts the newest events off the log as well makes an older row fit. Only a copy of the log that is kept elsewhere
tells of that; these stories show what it gives: never a signature over what the owner did not confirm. T18, T52.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.ca.model import Reason
from dss.credentials.tables import activations, credentials, occurrences
from dss.devices.tables import devices
from dss.kernel.ids import CredentialId, DeviceId
from dss.transactions.tables import transactions
from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.stories.test_answers import HASH, OTHER
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["robbed", "robbed_on_each_database"]
Change = Callable[[Robbery], Awaitable[Any]]
KEY_CHANGES: dict[str, Change] = {
    "suspended": lambda stage: stage.world.services.keys.suspend(key_of(stage.alice), OPERATOR),
    "revoked": lambda stage: stage.world.services.keys.revoke(key_of(stage.alice), Reason.KEY_COMPROMISE, OPERATOR),
}


async def nothing_comes(stage: Robbery, *subjects: str) -> None:
    """Let application, phone and server try: nothing may come of it, and each row's alarm must tell."""
    before = await stage.fruits()
    await stage.try_confirm(await stage.ask())
    await stage.world.settle()
    assert await stage.fruits() == before
    for subject in subjects:
        assert await stage.alarms(subject) > 0, subject
    assert max(stage.watched.statuses) < 500


def phone_of(signer: Signer) -> DeviceId:
    return DeviceId(signer.phone.kept().device)


def key_of(signer: Signer) -> CredentialId:
    return CredentialId(signer.credential_id)


@pytest.mark.parametrize("change", KEY_CHANGES.values(), ids=KEY_CHANGES)
async def test_t18_a_key_that_is_put_back_as_it_was_signs_nothing(robbed: Robbery, change: Change) -> None:
    id = robbed.alice.credential_id
    older = await robbed.intruder.row(credentials, id)
    await change(robbed)
    await robbed.intruder.edit(credentials, id, **older)
    await nothing_comes(robbed, f"credential:{id}")


async def test_t18_a_phone_that_is_put_back_as_it_was_before_its_lock_signs_nothing(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    id = phone_of(stage.alice)
    older = await stage.intruder.row(devices, id)
    await stage.world.services.phones.block(id, OPERATOR)
    await stage.intruder.edit(devices, id, **older)
    await nothing_comes(stage, f"device:{id}")


async def test_t48_the_count_of_wrong_pins_is_not_set_back(robbed: Robbery) -> None:
    id = phone_of(robbed.alice)
    before = await robbed.intruder.row(devices, id)
    shown = await robbed.alice.phone.show(await robbed.open())
    for _ in range(3):
        with pytest.raises(Refused):
            await robbed.alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))
    now = await robbed.intruder.row(devices, id)
    freed = {"state": "active", "lock_reason": None, "locked_until": None}
    for edit in ({"pin_failures": 0}, {"locked_until": robbed.world.clock.now()}, freed, before):
        await robbed.intruder.edit(devices, id, **edit)
        await nothing_comes(robbed, f"device:{id}")
        await robbed.intruder.edit(devices, id, **now)


async def test_t25_a_confirmation_that_is_put_back_as_it_was_before_its_signature_signs_nothing_more(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    id = await stage.confirmed()
    record, row = await stage.intruder.row(activations, id), await stage.intruder.row(transactions, id)
    await stage.world.settle()
    for cut in (False, True):
        await stage.intruder.edit(activations, id, **record)
        await stage.intruder.delete(occurrences, id)
        if cut:
            await stage.intruder.cut_end(id)
        await stage.rearm(id, row)
        before = await stage.fruits()
        await stage.world.settle()
        assert (await stage.fruits(), (await stage.end(id))[0]) == (before, "failed")
    assert await stage.alarms(f"activation:{id}") > 0


# --- with the log cut as well: what only a copy that is kept elsewhere tells ---


async def test_t52_a_confirmation_restored_with_its_log_signs_the_same_again_and_nothing_else(robbed: Robbery) -> None:
    """The one signature that comes out is over what was confirmed; a day later not even that."""
    id = await robbed.confirmed()
    record, row = await robbed.intruder.row(activations, id), await robbed.intruder.row(transactions, id)
    await robbed.world.settle()

    async def restore() -> None:
        await robbed.intruder.edit(activations, id, **record)
        await robbed.intruder.cut_log("activation", id, after=record["version"])
        await robbed.intruder.cut_end(id)
        await robbed.intruder.delete(occurrences, id)
        await robbed.rearm(id, row)
        await robbed.world.settle()

    used = len(robbed.used)
    await restore()
    assert len(robbed.used) == used + 1
    assert await robbed.is_over(await robbed.signature(id), HASH)
    assert not await robbed.is_over(await robbed.signature(id), OTHER)

    robbed.world.clock.move(24 * 3600)
    await restore()
    assert (len(robbed.used), (await robbed.end(id))[0]) == (used + 1, "failed")


@pytest.mark.parametrize("change", KEY_CHANGES.values(), ids=KEY_CHANGES)
async def test_t52_a_key_restored_with_its_log_still_needs_its_owner_s_phone(robbed: Robbery, change: Change) -> None:
    """Without the phone there is nothing to unlock it with: each earlier confirmation is spent."""
    id = robbed.alice.credential_id
    spent = await robbed.confirmed()
    row = await robbed.intruder.row(transactions, spent)
    await robbed.world.settle()
    older = await robbed.intruder.row(credentials, id)
    await change(robbed)
    await robbed.intruder.edit(credentials, id, **older)
    await robbed.intruder.cut_log("credential", id, after=older["version"])
    await robbed.take_revocations_back()
    before = await robbed.fruits()

    planted = await robbed.open()
    answer = {name: row[name] for name in ("answer", "box", "device_id")}
    await robbed.rearm(planted, answer)
    await robbed.rearm(spent, row)
    await robbed.world.settle()
    assert await robbed.fruits() == before
    assert (await robbed.end(planted))[0] == "failed"


async def test_t52_a_phone_restored_with_its_log_may_answer_but_only_who_holds_it_and_knows_the_pin_can(
    robbed: Robbery,
) -> None:
    id = phone_of(robbed.alice)
    older = await robbed.intruder.row(devices, id)
    await robbed.world.services.phones.block(id, OPERATOR)
    await robbed.intruder.edit(devices, id, **older)
    await robbed.intruder.cut_log("device", id, after=older["version"])
    before = await robbed.fruits()

    asked = await robbed.open()
    with pytest.raises(Refused):
        shown = await robbed.alice.phone.show(asked)
        await robbed.alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))
    await robbed.world.settle()
    assert await robbed.fruits() == before


# --- what is another's ---

SWAPS: list[tuple[sa.Table, tuple[str, ...]]] = [
    (credentials, ("key_blob",)),
    (credentials, ("certificate",)),
    (credentials, ("certificate", "chain", "public_key")),
    (credentials, ("key_blob", "certificate", "public_key", "request_csr", "subject")),
    (credentials, ("user_id",)),
    (credentials, tuple(set(credentials.c.keys()) - {"id"})),
    (devices, ("signature_jwk",)),
    (devices, ("signature_jwk", "signature_thumbprint")),
    (devices, ("encryption_jwk", "encryption_thumbprint")),
    (devices, ("pin_check",)),
    (devices, ("user_id",)),
    (devices, tuple(set(devices.c.keys()) - {"id"})),
]


async def alarms_of(stage: Robbery, table: sa.Table, ids: tuple[str, str]) -> int:
    kind = {credentials: "credential", devices: "device"}[table]
    return sum([await stage.alarms(f"{kind}:{id}") for id in ids])


async def test_t19_keys_and_certificates_and_phones_that_were_swapped_between_people_sign_nothing(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    bob = await stage.world.signer(stage.application, "bob")
    ids = {
        credentials: (stage.alice.credential_id, bob.credential_id),
        devices: (phone_of(stage.alice), phone_of(bob)),
    }
    for confirmed_before in (False, True):
        for table, columns in SWAPS:
            id = await stage.confirmed() if confirmed_before else None
            await stage.intruder.swap(table, *ids[table], *columns)
            alarms = await alarms_of(stage, table, ids[table])
            await nothing_comes(stage)
            assert await alarms_of(stage, table, ids[table]) > alarms, columns
            if id is not None:
                assert (await stage.end(id))[0] == "failed"
            await stage.intruder.swap(table, *ids[table], *columns)


async def test_t19_a_phone_that_was_planted_for_somebody_signs_nothing(robbed: Robbery) -> None:
    """A row of the intruder's own making, with the keys of a phone that the intruder holds."""
    mallory = await robbed.world.signer(robbed.application, "mallory")
    own = await robbed.intruder.row(devices, phone_of(mallory))
    await robbed.intruder.delete(devices, own["id"])
    await robbed.intruder.add(devices, own | {"user_id": robbed.alice.user.id})
    before = await robbed.fruits()

    for call in (mallory.phone.waiting(), mallory.phone.credentials()):
        with pytest.raises(Refused) as refusal:
            await call
        assert refusal.value.status == 423
    await nothing_comes(robbed, f"device:{own['id']}")
    assert await robbed.fruits() == before
