"""What a phone is told that it waits for, however much that is."""

from datetime import timedelta

from dss.devices.model import Device, DeviceState, Introduction
from dss.devices.request import Kind
from dss.infra.db import Database
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, Ids, TransactionId, UserId
from dss.transactions import store
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from tests.world.clock import START

ALICE = UserId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")

PHONE = Device(
    id=DeviceId("01KAJ9T8VX3N5Q7R9S1T2V4W62"),
    user_id=ALICE,
    name="Key 1",
    platform="test",
    state=DeviceState.ACTIVE,
    signature_jwk={},
    encryption_jwk={},
    pin_check=b"",
    pin_failures=0,
    lock_reason=None,
    locked_until=None,
    counter=0,
    recent=(),
    active_from=None,
    enrolled_at=START,
    introduction=Introduction("", ""),
)


def asked(id: TransactionId) -> Transaction:
    """A transaction that awaits Alice's answer."""
    return Transaction(
        id=id,
        kind=Kind.SIGN,
        state=State.AWAITING,
        client_id=None,
        user_id=ALICE,
        credential_id=CredentialId("01KAJ9T8VX3N5Q7R9S1T2V4W60"),
        request=b"{}",
        request_jws="",
        box_key_id=BoxKeyId("01KAJ9T8VX3N5Q7R9S1T2V4W61"),
        opened_at=START,
        expires_at=START + timedelta(seconds=300),
        changed_at=START,
    )


async def test_what_waits_is_told_oldest_first_and_in_parts(database: Database, ids: Ids) -> None:
    opened = [TransactionId(ids.new()) for _ in range(5)]
    async with database.write() as connection:
        for id in reversed(opened):
            await store.add(connection, asked(id))

    async with database.read() as connection:
        first = await store.awaiting_of(connection, PHONE, [], START, 3)
        rest = await store.awaiting_of(connection, PHONE, [one.id for one in first], START, 3)
    assert [one.id for one in (*first, *rest)] == opened
    assert (len(first), len(rest)) == (3, 2)
