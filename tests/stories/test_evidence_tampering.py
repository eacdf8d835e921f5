"""Who can write to the database gets no false evidence out of it, and takes no true one away unseen (T52).

Source: docs/evidence.md section 2; docs/transparency-log.md section 5.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dss.audit.event import Event
from dss.devices.request import REQUEST
from dss.evidence.fields import EvidenceRefused
from dss.evidence.service import Kept
from dss.evidence.tables import evidence
from dss.evidence.verifying import verify
from dss.kernel.errors import Tampered
from dss.kernel.ids import TransactionId
from dss.transactions.tables import transactions
from mobile_mock.errors import Refused
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.stories.test_answers import OTHER
from tests.world import jws
from tests.world.stranger import proven, sealed_evidence, trust

__all__ = ["robbed", "robbed_on_each_database"]

Forge = Callable[[Robbery, dict[str, Any]], Awaitable[str]]


async def of_another(stage: Robbery, row: dict[str, Any]) -> str:
    """The signed request of another transaction."""
    assert row["id"]
    return str((await stage.intruder.row(transactions, await stage.open(value=OTHER)))["request_jws"])


async def by_another_key(_: Robbery, row: dict[str, Any]) -> str:
    """The very request, signed by the intruder's own key."""
    key = jws.new_key()
    header = {"alg": "ES256", "jwk": jws.public_jwk(key), "typ": REQUEST}
    return jws.sign(header, row["request"], key)


async def with_another_signature(_: Robbery, row: dict[str, Any]) -> str:
    """The very request under the right key's name, with a signature that is not its."""
    text: str = row["request_jws"]
    return text[:-20] + ("A" if text[-20] != "A" else "B") + text[-19:]


async def nothing(*_: object) -> str:
    """No signed request at all."""
    return ""


FORGERIES = (of_another, by_another_key, with_another_signature, nothing)


async def kept(stage: Robbery, id: str) -> bool:
    """Whether there is evidence of a transaction."""
    return id in {row["transaction_id"] for row in await stage.intruder.rows(evidence)}


async def require_alarm(stage: Robbery, id: str) -> None:
    """Assert that no evidence of a transaction is given out, and that the try is an alarm."""
    before = (await stage.world.tells(f"transaction:{id}")).count("alarm.evidence_altered")
    await stage.world.services.sealer.round()
    with pytest.raises(Tampered):
        await stage.world.services.evidence.of(TransactionId(id))
    told = await stage.world.tells(f"transaction:{id}")
    assert told.count("alarm.evidence_altered") == before + 1


async def signed(stage: Robbery, value: str = OTHER) -> str:
    id = await stage.confirmed(value=value)
    await stage.world.settle()
    assert (await stage.end(id))[0] == "signed"
    return id


@pytest.mark.parametrize("forge", FORGERIES)
async def test_t03_a_signed_request_that_was_exchanged_after_the_answer_releases_nothing_and_is_an_alarm(
    robbed_on_each_database: Robbery, forge: Forge
) -> None:
    stage = robbed_on_each_database
    id = await stage.confirmed()
    forged = await forge(stage, await stage.intruder.row(transactions, id))
    await stage.intruder.edit(transactions, id, request_jws=forged)
    before = await stage.fruits()
    await stage.world.settle()

    assert (await stage.fruits(), await stage.alarms(f"transaction:{id}")) == (before, 1)
    state, why = await stage.end(id)
    assert (state, why) == ("failed", "the signed request is not the one that was answered")
    assert not await kept(stage, id)


@pytest.mark.parametrize("forge", FORGERIES)
async def test_t03_what_is_declined_upon_an_exchanged_request_is_an_alarm_and_can_be_declined_once_it_is_put_right(
    robbed: Robbery, forge: Forge
) -> None:
    id = await robbed.open()
    shown, row = await robbed.alice.phone.show(id), await robbed.intruder.row(transactions, id)
    await robbed.intruder.edit(transactions, id, request_jws=await forge(robbed, row))
    with pytest.raises(Refused) as refusal:
        await robbed.alice.phone.decline(shown, "not mine")
    assert refusal.value.status == 423
    assert ((await robbed.end(id))[0], await robbed.alarms(f"transaction:{id}")) == ("awaiting", 1)
    assert not await kept(robbed, id)

    await robbed.intruder.edit(transactions, id, request_jws=row["request_jws"])
    assert await robbed.alice.phone.decline(shown, "not mine") == "declined"
    assert (await proven(robbed.world.services, id)).reason == "not mine"


async def test_t52_evidence_that_was_there_before_its_transaction_ended_is_not_passed_off_as_its(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    row = await stage.intruder.row(evidence, await signed(stage))
    confirmed, declined = await stage.confirmed(), await stage.open()
    for id in (confirmed, declined):
        await stage.intruder.add(evidence, row | {"transaction_id": id})
    before = await stage.fruits()
    await stage.world.settle()
    with pytest.raises(Refused) as refusal:
        await stage.alice.phone.decline(await stage.alice.phone.show(declined))

    assert ((await stage.end(confirmed))[0], (await stage.fruits()).signed) == ("failed", before.signed)
    assert (refusal.value.status, (await stage.end(declined))[0]) == (409, "awaiting")


async def test_t52_evidence_that_was_exchanged_for_anothers_is_an_alarm(robbed_on_each_database: Robbery) -> None:
    stage = robbed_on_each_database
    one, other = await signed(stage), await signed(stage)
    await stage.intruder.swap(evidence, one, other, "core")
    for id in (one, other):
        await require_alarm(stage, id)
    await stage.intruder.swap(evidence, one, other, "core")
    assert (await proven(stage.world.services, one)).transaction == one


async def test_t52_who_writes_the_evidence_and_its_event_and_lets_the_log_seal_them_proves_nothing(
    robbed: Robbery,
) -> None:
    """The answer, and what came of it, are those of other transactions: that is all that an intruder has."""
    services, phone = robbed.world.services, robbed.alice.phone
    declined = await robbed.open()
    await phone.decline(await phone.show(declined))
    ends = {
        "transaction.signed": ("server", await signed(robbed)),
        "transaction.declined": (f"device:{phone.kept().device}", declined),
    }
    for kind, (actor, other) in ends.items():
        id = TransactionId(await robbed.open())
        shown = (await robbed.intruder.row(transactions, id))["request_jws"]
        false = Kept.of(id, replace((await sealed_evidence(services, other)).core, request=shown))
        async with services.database.write() as connection:
            await services.evidence.keep(connection, false, robbed.world.clock.now())
            await services.audit.record(connection, Event(kind, actor, f"transaction:{id}", details=false.details))
        given = await sealed_evidence(services, id)
        with pytest.raises(EvidenceRefused):
            verify(given.encoded(), await trust(services))
