"""Queries over enrolments, phones, box keys and shares. What is found is believed only once its seal is proven."""

from collections.abc import Collection
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Stored
from dss.devices.model import BoxKey, Device, DeviceState, Enrolment, EnrolmentState, Share, ShareState
from dss.devices.registers import BOX_KEYS, DEVICES, ENROLMENTS, SHARES
from dss.devices.tables import box_keys, devices, enrolments, shares
from dss.kernel.errors import NotFound
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, EnrolmentId, TransactionId, UserId

Value = TypeVar("Value")


async def enrolment(connection: AsyncConnection, id: EnrolmentId) -> Stored[Enrolment]:
    """Return an enrolment. Raises NotFound."""
    return await _one(connection, ENROLMENTS, enrolments.c.id == id)


async def open_enrolments(connection: AsyncConnection, user_id: UserId) -> list[Stored[Enrolment]]:
    """Return the open enrolments of a user."""
    mine = (enrolments.c.user_id == user_id) & (enrolments.c.state == EnrolmentState.OPEN)
    return await _all(connection, ENROLMENTS, ENROLMENTS.select().where(mine))


async def count_open(connection: AsyncConnection, user_id: UserId) -> int:
    """Return how many open enrolments a user has."""
    mine = (enrolments.c.user_id == user_id) & (enrolments.c.state == EnrolmentState.OPEN)
    return (await connection.execute(sa.select(sa.func.count()).where(mine))).scalar_one()


async def receipt_of(connection: AsyncConnection, enrolment_id: EnrolmentId, jws: str) -> str | None:
    """Return the receipt that this very enrolment got, if it was taken."""
    d = devices
    query = sa.select(d.c.receipt_jws).where(d.c.enrolment_id == enrolment_id, d.c.enrolment_jws == jws)
    receipt: str | None = (await connection.execute(query)).scalar_one_or_none()
    return receipt


async def device(connection: AsyncConnection, id: DeviceId) -> Stored[Device]:
    """Return a phone. Raises NotFound."""
    return await _one(connection, DEVICES, devices.c.id == id)


async def device_by_key(connection: AsyncConnection, thumbprint: str) -> Stored[Device]:
    """Return the phone that holds a signature key. Raises NotFound."""
    return await _one(connection, DEVICES, devices.c.signature_thumbprint == thumbprint)


async def state_of(connection: AsyncConnection, id: DeviceId) -> DeviceState:
    """Return a phone's state, which stays so until the caller's commit."""
    query = sa.select(devices.c.state).where(devices.c.id == id).with_for_update(read=True)
    return DeviceState((await connection.execute(query)).scalar_one())


async def devices_of(connection: AsyncConnection, user_id: UserId) -> list[Stored[Device]]:
    """Return a user's phones, oldest first, those that were removed among them."""
    query = DEVICES.select().where(devices.c.user_id == user_id).order_by(devices.c.id)
    return await _all(connection, DEVICES, query)


async def count_devices(connection: AsyncConnection, user_id: UserId) -> tuple[int, int]:
    """Return how many phones a user has had, and how many of them were not removed."""
    d = devices
    kept = sa.func.count().filter(d.c.state != DeviceState.REMOVED)
    row = (await connection.execute(sa.select(sa.func.count(), kept).where(d.c.user_id == user_id))).one()
    return int(row[0]), int(row[1])


async def box_key_of_slot(connection: AsyncConnection, slot: int) -> Stored[BoxKey] | None:
    """Return the box key of one stretch of time, if there is one."""
    found = await _all(connection, BOX_KEYS, BOX_KEYS.select().where(box_keys.c.slot == slot))
    return found[0] if found else None


async def box_keys_to_mark(connection: AsyncConnection, destroyed: Collection[BoxKeyId]) -> list[Stored[BoxKey]]:
    """Return the rows of destroyed box keys that do not say so yet."""
    b = box_keys
    gone = b.c.id.in_(destroyed) & b.c.destroyed_at.is_(None)
    return await _all(connection, BOX_KEYS, BOX_KEYS.select().where(gone).order_by(b.c.id))


async def share(connection: AsyncConnection, id: TransactionId) -> Stored[Share]:
    """Return a share. Raises NotFound."""
    return await _one(connection, SHARES, shares.c.id == id)


async def shares_waiting(connection: AsyncConnection, device_id: DeviceId) -> list[Stored[Share]]:
    """Return what waits to be taken by a phone, oldest first."""
    mine = (shares.c.to_device_id == device_id) & (shares.c.state == ShareState.WAITING)
    return await _all(connection, SHARES, SHARES.select().where(mine).order_by(shares.c.id))


async def shares_of_key(connection: AsyncConnection, owner: UserId, key: CredentialId) -> list[Stored[Share]]:
    """Return what waits to be taken by an owner's phones and holds a key's share."""
    own = shares.c.to_device_id.in_(sa.select(devices.c.id).where(devices.c.user_id == owner))
    waiting = SHARES.select().where(own, shares.c.state == ShareState.WAITING).order_by(shares.c.id)
    return [one for one in await _all(connection, SHARES, waiting) if key in one.row["credentials"]]


def names_of(user_id: str) -> tuple[sa.Select[Any], ...]:
    """Return the queries of all that is a user's here, as the log names it: enrolments, phones, what these share."""
    of_user = sa.select(devices.c.id).where(devices.c.user_id == user_id)
    shared = shares.c.from_device_id.in_(of_user) | shares.c.to_device_id.in_(of_user)
    return (
        sa.select(sa.literal("enrolment:") + enrolments.c.id).where(enrolments.c.user_id == user_id),
        sa.select(sa.literal("device:") + devices.c.id).where(devices.c.user_id == user_id),
        sa.select(sa.literal("share:") + shares.c.id).where(shared),
    )


async def _one(connection: AsyncConnection, register: Register[Value], condition: Any) -> Stored[Value]:
    row = (await connection.execute(register.select().where(condition))).one_or_none()
    if row is None:
        raise NotFound
    return Stored.of(register, row)


async def _all(connection: AsyncConnection, register: Register[Value], query: sa.Select[Any]) -> list[Stored[Value]]:
    return [Stored.of(register, row) for row in await connection.execute(query)]
