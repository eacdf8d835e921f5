"""Rows that were altered behind the server's back: an operator finds them, and ends what nobody can believe. T18."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.credentials.tables import credentials
from dss.devices.tables import devices
from dss.kernel.errors import Tampered
from dss.kernel.ids import CredentialId, DeviceId
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.world.judges import Judge, certificate_of, worker_round
from tests.world.world import OPERATOR, PIN

__all__ = ["robbed", "robbed_on_each_database"]

REQUESTS = 1  # what a key signs of its own: the request for its certificate
Tampering = Callable[[Robbery], Awaitable[str]]


def phone(stage: Robbery) -> DeviceId:
    return DeviceId(stage.alice.phone.kept().device)


async def in_order(stage: Robbery) -> bool:
    return await stage.world.services.mending.check() == []


# --- what may be done to a row ---


async def edited(stage: Robbery, table: sa.Table, id: str, /, **values: Any) -> str:
    await stage.intruder.edit(table, id, **values)
    return id


async def an_unsealed_phone(stage: Robbery) -> str:
    return await edited(stage, devices, phone(stage), seal=None, version=None)


async def another_s_phone(stage: Robbery) -> str:
    bob = await stage.world.user("bob")
    return await edited(
        stage, devices, phone(stage), user_id=bob.id, lock_reason="none that we know", recent=[[1, "?"]]
    )


async def an_older_phone(stage: Robbery) -> str:
    """Put back as it was, with a version far beyond what the log knows."""
    older = await stage.intruder.row(devices, phone(stage))
    await stage.world.services.phones.block(phone(stage), OPERATOR)
    return await edited(stage, devices, phone(stage), **older | {"version": 1000})


PHONES: dict[str, Tampering] = {
    "without a seal": an_unsealed_phone,
    "of another": another_s_phone,
    "put back": an_older_phone,
}


@pytest.mark.parametrize("tamper", PHONES.values(), ids=PHONES)
async def test_a_phone_that_cannot_be_proven_is_removed_with_the_keys_that_it_alone_opens(
    robbed: Robbery, tamper: Tampering
) -> None:
    id, mending = await tamper(robbed), robbed.world.services.mending
    before = set(await robbed.world.letters())

    assert await mending.end("device", id, OPERATOR) is None

    assert (await robbed.world.services.devices.get(DeviceId(id))).is_removed
    key = await robbed.world.services.credentials.get(CredentialId(robbed.alice.credential_id))
    assert (key.state, key.key_blob, key.holders) == ("destroyed", b"", ())
    (letter,) = set(await robbed.world.letters()) - before
    assert robbed.alice.user.email.encode() in letter.read_bytes()
    assert await in_order(robbed)


async def test_with_a_phone_ends_what_it_was_to_answer_and_had_answered(robbed_on_each_database: Robbery) -> None:
    stage = robbed_on_each_database
    waiting, confirmed = await stage.open(), await stage.confirmed()
    used = len(stage.used)

    await stage.world.services.mending.end("device", await an_unsealed_phone(stage), OPERATOR)
    await stage.world.settle()

    assert ((await stage.end(waiting))[0], (await stage.end(confirmed))[0]) == ("cancelled", "cancelled")
    assert len(stage.used) == used
    key = await stage.world.services.credentials.get(CredentialId(stage.alice.credential_id))
    assert (key.state, await in_order(stage)) == ("destroyed", True)


async def test_a_key_that_another_phone_opens_too_outlives_the_phone_that_cannot_be_proven(robbed: Robbery) -> None:
    second = await robbed.second_phone()
    id = await robbed.alice.phone.share(await second.share_code())
    await robbed.alice.phone.confirm(await robbed.alice.phone.show(id), PIN)
    await robbed.world.settle()
    await second.take_shares()

    await robbed.world.services.mending.end("device", await an_unsealed_phone(robbed), OPERATOR)

    key = await robbed.world.services.credentials.get(CredentialId(robbed.alice.credential_id))
    assert (key.state, key.relock, key.holders) == ("active", True, (second.kept().device,))


async def test_a_key_that_cannot_be_proven_either_is_left_to_its_own_end(robbed: Robbery) -> None:
    mending, key = robbed.world.services.mending, robbed.alice.credential_id
    await robbed.intruder.edit(credentials, key, relock=True)

    await mending.end("device", await an_unsealed_phone(robbed), OPERATOR)

    (found,) = await mending.check()
    assert (found.kind, found.id) == ("credential", key)
    await mending.end("credential", key, OPERATOR)
    assert await in_order(robbed)


# --- keys ---


@pytest.mark.parametrize(
    "values", [{"seal": None, "version": None}, {"subject": "CN=Mallory"}, {"holders": None}], ids=str
)
async def test_a_key_that_cannot_be_proven_is_erased_and_its_certificate_revoked(
    robbed_on_each_database: Robbery, values: dict[str, Any]
) -> None:
    stage, id = robbed_on_each_database, robbed_on_each_database.alice.credential_id
    certificate = await certificate_of(stage.application, id)
    waiting, confirmed = await stage.open(), await stage.confirmed()
    await stage.intruder.edit(credentials, id, **values)

    await stage.world.services.mending.end("credential", id, OPERATOR)
    await stage.world.settle()
    await worker_round(stage.world)

    row = await stage.intruder.row(credentials, id)
    assert (row["state"], row["key_blob"], row["holders"]) == ("destroyed", b"", [])
    assert ((await stage.end(waiting))[0], (await stage.end(confirmed))[0]) == ("cancelled", "cancelled")
    assert await Judge(stage.world).entry(certificate) is not None
    assert (await in_order(stage), len(stage.used)) == (True, REQUESTS)


@pytest.mark.parametrize("certificate", [None, b"", b"no certificate"])
async def test_a_key_whose_certificate_is_none_is_ended_all_the_same(
    robbed: Robbery, certificate: bytes | None
) -> None:
    id = robbed.alice.credential_id
    await robbed.intruder.edit(credentials, id, certificate=certificate)
    await robbed.world.services.mending.end("credential", id, OPERATOR)
    assert await in_order(robbed)


async def test_a_key_whose_certificate_is_revoked_already_is_ended(robbed: Robbery) -> None:
    id = robbed.alice.credential_id
    await robbed.world.services.keys.suspend(CredentialId(id), OPERATOR)
    older = await robbed.intruder.row(credentials, id)
    await robbed.world.services.mending.end("credential", await edited(robbed, credentials, id, relock=True), OPERATOR)
    await robbed.intruder.edit(credentials, id, **older)

    await robbed.world.services.mending.end("credential", id, OPERATOR)

    told = await robbed.world.tells(f"credential:{id}")
    assert (told.count("row.ended"), await in_order(robbed)) == (2, True)


async def test_a_row_as_it_was_before_its_end_is_not_believed_again(robbed: Robbery) -> None:
    id = robbed.alice.credential_id
    older = await robbed.intruder.row(credentials, id)
    await robbed.intruder.edit(credentials, id, relock=True)
    await robbed.world.services.mending.end("credential", id, OPERATOR)

    await robbed.intruder.edit(credentials, id, **older)

    with pytest.raises(Tampered):
        await robbed.world.services.credentials.get(CredentialId(id))
    assert len(robbed.used) == REQUESTS
