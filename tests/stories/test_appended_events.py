"""An older row is put back, and an event that names its seal is added to the log: nothing is believed.

It takes no more than adding to the log. But the event must tell a higher version than the newest that is there, and the
row's own version is under its seal. T18, T52.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.tables import audit_events
from dss.ca.model import Reason
from dss.credentials.tables import credentials
from dss.devices.tables import devices
from dss.kernel.ids import CredentialId, DeviceId, Ids
from dss.transactions.tables import transactions
from mobile_mock.errors import Refused
from mobile_mock.misbehave import Misbehaviour
from tests.stories.robbery import Robbery, robbed
from tests.stories.test_answers import HASH
from tests.world.world import OPERATOR, PIN

__all__ = ["robbed"]
PASSWORD = "Correct7Horse"
Change = Callable[[Robbery], Awaitable[Any]]


async def revoke(stage: Robbery) -> None:
    key = CredentialId(stage.alice.credential_id)
    await stage.world.services.keys.revoke(key, Reason.KEY_COMPROMISE, OPERATOR)


async def block(stage: Robbery) -> None:
    await stage.world.services.phones.block(DeviceId(stage.alice.phone.kept().device), OPERATOR)


async def lock_by_pins(stage: Robbery) -> None:
    shown = await stage.alice.phone.show(await stage.open())
    for _ in range(3):
        with pytest.raises(Refused):
            await stage.alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))


async def set_password(stage: Robbery) -> None:
    phone = stage.alice.phone
    change = await phone.show(await phone.change("password", credential=stage.alice.credential_id))
    await phone.confirm(change, PIN, new_key_password=PASSWORD)
    await stage.world.settle()
    assert await phone.state(change.id) == "signed"


CHANGES: dict[str, tuple[sa.Table, str, Change]] = {
    "a key that was revoked": (credentials, "credential", revoke),
    "a key that was given a password": (credentials, "credential", set_password),
    "a phone that was blocked": (devices, "device", block),
    "a phone that wrong PINs locked": (devices, "device", lock_by_pins),
}


async def append_event(stage: Robbery, row: str, above: int, seal: bytes) -> None:
    """Add an event to the log that names a seal as the newest of a row, so many versions above the newest."""
    e = audit_events
    newest = sa.select(sa.func.max(e.c.sealed_version)).where(e.c.sealed_row == row)
    clock = stage.world.clock
    event = {"id": Ids(clock).new(), "at": clock.now(), "kind": "device.counted", "actor": "server", "subject": row}
    more = {"outcome": "done", "details": {}, "sealed_row": row, "seal": seal}
    async with stage.world.services.database.write() as connection:
        version = (await connection.execute(newest)).scalar_one() + above
        await connection.execute(sa.insert(e).values(event | more | {"sealed_version": version}))


@pytest.mark.parametrize("above", [1, 1000])
@pytest.mark.parametrize(("table", "kind", "change"), CHANGES.values(), ids=CHANGES)
async def test_t52_an_older_row_with_an_event_that_was_added_for_it_signs_nothing(
    robbed: Robbery, table: sa.Table, kind: str, change: Change, above: int
) -> None:
    phone, key = robbed.alice.phone.kept().device, robbed.alice.credential_id
    id = key if table is credentials else phone
    older = await robbed.intruder.row(table, id)
    await change(robbed)

    await robbed.intruder.edit(table, id, **older)
    await append_event(robbed, f"{kind}:{id}", above, older["seal"])

    before = await robbed.fruits()
    await robbed.try_confirm(await robbed.ask())
    await robbed.world.settle()
    assert await robbed.fruits() == before
    assert await robbed.alarms(f"{kind}:{id}") > 0
    assert max(robbed.watched.statuses) < 500


async def test_t18_the_count_of_wrong_pins_is_not_set_back_by_events_that_are_added(robbed: Robbery) -> None:
    id = robbed.alice.phone.kept().device
    older = await robbed.intruder.row(devices, id)
    shown = await robbed.alice.phone.show(await robbed.open())
    for _ in range(2):
        with pytest.raises(Refused):
            await robbed.alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))

    await robbed.intruder.edit(devices, id, **older)
    await append_event(robbed, f"device:{id}", 1, older["seal"])

    with pytest.raises(Refused) as refused:
        await robbed.alice.phone.confirm(shown, PIN)
    assert (refused.value.status, refused.value.reason) == (423, "tampered")
    assert await robbed.alarms(f"device:{id}") > 0


# --- one transaction's confirmation in another's row ---


async def test_t16_a_confirmation_that_is_put_into_another_application_s_transaction_releases_nothing_to_it(
    robbed: Robbery,
) -> None:
    """Neither the answer of its own request, which the server verifies, nor the same text and hash make it its own."""
    mallory = await robbed.world.application("Mallory Ltd")
    asked = await robbed.confirmed()
    other = (await mallory.ask_hashes(robbed.alice, HASH))["id"]
    row = await robbed.intruder.row(transactions, asked)
    columns = ("request", "answer", "box", "device_id", "work", "sad_expires_at", "state")
    await robbed.intruder.edit(transactions, other, **{name: row[name] for name in columns})
    await robbed.intruder.edit(transactions, asked, work=None)

    before = await robbed.fruits()
    await robbed.world.settle()

    assert await robbed.fruits() == before
    told = await mallory.get(f"/v1/signatures/{other}")
    assert (told["state"], told["documents"][0]["signature"]) == ("failed", None)
    assert "transaction.failed" in await robbed.world.tells(f"transaction:{other}")


async def test_t18_a_confirmation_goes_on_in_its_own_row_after_it_was_tried_in_another(robbed: Robbery) -> None:
    mallory = await robbed.world.application("Mallory Ltd")
    asked = await robbed.confirmed()
    other = (await mallory.ask_hashes(robbed.alice, HASH))["id"]
    row = await robbed.intruder.row(transactions, asked)
    columns = ("request", "answer", "box", "device_id", "work", "sad_expires_at", "state")
    await robbed.intruder.edit(transactions, other, **{name: row[name] for name in columns})
    await robbed.world.settle()

    assert (await robbed.end(asked))[0] == "signed"
    assert await robbed.is_over(await robbed.signature(asked), HASH)
    assert await robbed.signature(other) is None
