"""Queries over enrolments, phones and box keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.devices.model import BoxKey, Counted, Device, DeviceState, Enrolment, EnrolmentState
from dss.devices.tables import box_keys, devices, enrolments
from dss.kernel.errors import Conflict, Locked, NotFound
from dss.kernel.ids import BoxKeyId, DeviceId, EnrolmentId, UserId


async def add_enrolment(connection: AsyncConnection, enrolment: Enrolment, now: datetime) -> None:
    """Add an open enrolment, and end every other one of the same user."""
    e = enrolments
    others = sa.update(e).where(e.c.user_id == enrolment.user_id, e.c.state == EnrolmentState.OPEN)
    await connection.execute(others.values(state=EnrolmentState.DEAD, sealed_secret=None))
    row = {name: getattr(enrolment, name) for name in ("id", "user_id", "state", "sealed_secret", "nonce", "attempts")}
    await connection.execute(sa.insert(e).values(**row, created_at=now, expires_at=enrolment.expires_at))


async def enrolment(connection: AsyncConnection, id: EnrolmentId) -> Enrolment:
    """Return an enrolment. Raises NotFound."""
    row = (await connection.execute(sa.select(enrolments).where(enrolments.c.id == id))).one_or_none()
    if row is None:
        raise NotFound
    return Enrolment(
        EnrolmentId(row.id),
        UserId(row.user_id),
        EnrolmentState(row.state),
        row.sealed_secret,
        row.nonce,
        row.attempts,
        row.expires_at,
        row.offer,
    )


async def set_offer(connection: AsyncConnection, known: Enrolment, offer: str) -> bool:
    """Put an offer in place of the one that was known. Return False if another took its place first."""
    e = enrolments
    step = sa.update(e).where(e.c.id == known.id, e.c.offer.is_not_distinct_from(known.offer)).values(offer=offer)
    return (await connection.execute(step)).rowcount == 1


async def count_attempt(connection: AsyncConnection, id: EnrolmentId, limit: int) -> int:
    """Count a wrong activation code; end the enrolment at the limit. Return the attempts so far."""
    e = enrolments
    step = sa.update(e).where(e.c.id == id, e.c.state == EnrolmentState.OPEN).values(attempts=e.c.attempts + 1)
    attempts: int | None = (await connection.execute(step.returning(e.c.attempts))).scalar_one_or_none()
    if attempts is None:
        raise Conflict("the enrolment has ended")
    if attempts >= limit:
        await end_enrolment(connection, id, EnrolmentState.DEAD)
    return attempts


async def end_enrolment(connection: AsyncConnection, id: EnrolmentId, state: EnrolmentState) -> None:
    """Use up or kill an open enrolment and forget its secret; the WHERE lets one phone win. Raises Conflict."""
    e = enrolments
    step = sa.update(e).where(e.c.id == id, e.c.state == EnrolmentState.OPEN).values(state=state, sealed_secret=None)
    if (await connection.execute(step)).rowcount != 1:
        raise Conflict("the enrolment has ended")


async def add_device(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Add a phone. Raises sqlalchemy's IntegrityError when one of its keys is registered."""
    await connection.execute(sa.insert(devices).values(**row))


async def receipt_of(connection: AsyncConnection, enrolment_id: EnrolmentId, jws: str) -> str | None:
    """Return the receipt that this very enrolment got, if it was taken."""
    d = devices
    query = sa.select(d.c.receipt_jws).where(d.c.enrolment_id == enrolment_id, d.c.enrolment_jws == jws)
    receipt: str | None = (await connection.execute(query)).scalar_one_or_none()
    return receipt


async def device(connection: AsyncConnection, id: DeviceId) -> Device:
    """Return a phone. Raises NotFound."""
    return await _one(connection, devices.c.id == id)


async def device_by_key(connection: AsyncConnection, thumbprint: str) -> Device:
    """Return the phone that holds a signature key. Raises NotFound."""
    return await _one(connection, devices.c.signature_thumbprint == thumbprint)


async def devices_of(connection: AsyncConnection, user_id: UserId) -> list[Device]:
    """Return a user's phones, oldest first."""
    query = sa.select(devices).where(devices.c.user_id == user_id).order_by(devices.c.id)
    return [_device(row) for row in await connection.execute(query)]


async def raise_counter(connection: AsyncConnection, id: DeviceId, counted: Counted, now: datetime) -> bool:
    """Set the counter if it rises and the phone is not locked; the WHERE admits one answer at a time.

    Return False if it does not rise. Raises Locked.
    """
    counter = counted.counter
    d = devices
    unlocked = sa.or_(d.c.state == DeviceState.ACTIVE, d.c.locked_until <= now)
    rising = sa.update(d).where(d.c.id == id, unlocked, d.c.counter < counter)
    step = rising.values(counter=counter, answer_sha256=counted.answer_sha256)
    if (await connection.execute(step)).rowcount == 1:
        return True
    if (await device(connection, id)).is_locked(now):
        raise Locked("the phone is locked")
    return False


async def was_counted(connection: AsyncConnection, id: DeviceId, counted: Counted) -> bool:
    """Return True if this very answer was the last that was counted."""
    d = devices
    same = (d.c.counter == counted.counter) & (d.c.answer_sha256 == counted.answer_sha256)
    return (await connection.execute(sa.select(d.c.id).where(d.c.id == id, same))).one_or_none() is not None


async def count_wrong_pin(connection: AsyncConnection, id: DeviceId) -> int:
    """Count a wrong PIN; return how many in a row."""
    d = devices
    step = sa.update(d).where(d.c.id == id).values(pin_failures=d.c.pin_failures + 1).returning(d.c.pin_failures)
    return int((await connection.execute(step)).scalar_one())


async def forget_wrong_pins(connection: AsyncConnection, id: DeviceId) -> None:
    """Start counting anew after a right PIN."""
    unlocked = {"pin_failures": 0, "state": DeviceState.ACTIVE, "locked_until": None}
    await connection.execute(sa.update(devices).where(devices.c.id == id).values(unlocked))


async def lock(connection: AsyncConnection, id: DeviceId, until: datetime | None) -> None:
    """Lock a phone until a time, or for good; a new lock starts the count of wrong PINs anew."""
    locked = {"state": DeviceState.LOCKED, "locked_until": until, "pin_failures": 0}
    await connection.execute(sa.update(devices).where(devices.c.id == id).values(locked))


async def box_key_of_slot(connection: AsyncConnection, slot: int) -> BoxKey | None:
    """Return the box key of one stretch of time, if there is one."""
    row = (await connection.execute(sa.select(box_keys).where(box_keys.c.slot == slot))).one_or_none()
    return None if row is None else BoxKey(BoxKeyId(row.id), row.jwk, row.superseded_at)


async def add_box_key(connection: AsyncConnection, key: BoxKey, slot: int, now: datetime) -> None:
    """Add a box key. Raises sqlalchemy's IntegrityError when its stretch of time has one."""
    row = {"id": key.id, "slot": slot, "jwk": key.jwk, "created_at": now, "superseded_at": key.superseded_at}
    await connection.execute(sa.insert(box_keys).values(row))


async def box_keys_superseded(connection: AsyncConnection, before: datetime) -> list[BoxKeyId]:
    """Return the box keys that were superseded before a time and still exist."""
    b = box_keys
    query = sa.select(b.c.id).where(b.c.superseded_at < before, b.c.destroyed_at.is_(None)).order_by(b.c.id)
    return [BoxKeyId(id) for id in (await connection.execute(query)).scalars()]


async def box_keys_known(connection: AsyncConnection) -> frozenset[BoxKeyId]:
    """Return all box keys that rows tell to be in the HSM."""
    query = sa.select(box_keys.c.id).where(box_keys.c.destroyed_at.is_(None))
    return frozenset(BoxKeyId(id) for id in (await connection.execute(query)).scalars())


async def mark_destroyed(connection: AsyncConnection, id: BoxKeyId, now: datetime) -> None:
    """Note that the HSM no longer holds a box key; should its stretch of time come again, another takes its place."""
    gone = {"destroyed_at": now, "slot": None}
    await connection.execute(sa.update(box_keys).where(box_keys.c.id == id).values(gone))


async def _one(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> Device:
    row = (await connection.execute(sa.select(devices).where(condition))).one_or_none()
    if row is None:
        raise NotFound
    return _device(row)


def _device(row: Any) -> Device:
    return Device(
        DeviceId(row.id),
        UserId(row.user_id),
        row.name,
        row.platform,
        DeviceState(row.state),
        row.signature_jwk,
        row.pin_check,
        row.pin_failures,
        row.locked_until,
        row.counter,
        row.enrolled_at,
    )
