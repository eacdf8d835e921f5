"""Queries over preparations. In each step the WHERE on lease and state is the lock."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.clients.tables import clients
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions.machine import Late
from dss.transactions.model import OpenSigning
from dss.transactions.preparation import Preparation, Stage
from dss.transactions.tables import preparations


async def add(connection: AsyncConnection, preparation: Preparation) -> None:
    """Add a preparation. Raises sqlalchemy's IntegrityError when its idempotency key was used."""
    wish = preparation.wish
    row = {
        "id": preparation.id,
        "client_id": wish.client_id,
        "state": preparation.stage,
        "wish": msgspec.to_builtins(wish),
        "prepared": preparation.prepared,
        "why": preparation.why,
        "asked_at": preparation.asked_at,
        "changed_at": preparation.changed_at,
        "lease": preparation.lease,
        "idempotency_key": wish.idempotency.key if wish.idempotency else None,
    }
    await connection.execute(sa.insert(preparations).values(row))


async def get(connection: AsyncConnection, client_id: ClientId, id: TransactionId) -> Preparation:
    """Return a relying application's preparation. Raises NotFound."""
    query = sa.select(preparations).where(preparations.c.client_id == client_id, preparations.c.id == id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return _preparation(row)


async def find(connection: AsyncConnection, id: TransactionId) -> Preparation | None:
    """Return a preparation, whoever asked, if there is one."""
    row = (await connection.execute(sa.select(preparations).where(preparations.c.id == id))).one_or_none()
    return None if row is None else _preparation(row)


async def by_idempotency(connection: AsyncConnection, client_id: ClientId, key: str) -> Preparation | None:
    """Return the preparation that an idempotency key made, if any."""
    p = preparations
    query = sa.select(p).where(p.c.client_id == client_id, p.c.idempotency_key == key)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _preparation(row)


async def page_of_client(
    connection: AsyncConnection, client_id: ClientId, after: TransactionId | None, limit: int
) -> list[Preparation]:
    """Return a relying application's preparations, newest first, older than one of its signatures."""
    p = preparations
    query = sa.select(p).where(p.c.client_id == client_id).order_by(p.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(p.c.id < after)
    return [_preparation(row) for row in await connection.execute(query)]


async def take_turn(connection: AsyncConnection, client_id: ClientId) -> None:
    """Wait until no other preparation of an application begins, and keep others waiting until the caller's commit."""
    query = sa.select(clients.c.id).where(clients.c.id == client_id)
    await connection.execute(query.with_for_update(key_share=True))


async def count_going(connection: AsyncConnection, client_id: ClientId) -> int:
    """Return how many preparations of a relying application go on."""
    going = (preparations.c.client_id == client_id) & (preparations.c.state == Stage.PREPARING)
    return (await connection.execute(sa.select(sa.func.count()).where(going))).scalar_one()


async def going_of(connection: AsyncConnection, client_id: ClientId) -> list[TransactionId]:
    """Return what is prepared for a relying application."""
    p = preparations
    going = sa.select(p.c.id).where(p.c.client_id == client_id, p.c.state == Stage.PREPARING).order_by(p.c.id)
    return [TransactionId(id) for id in (await connection.execute(going)).scalars()]


async def claim(connection: AsyncConnection, now: datetime, until: datetime) -> Preparation | None:
    """Take a turn at the preparation that had none for the longest time, unless it is in a live node's hands.

    The next lease number makes any earlier turn late.
    """
    p = preparations
    free = (p.c.state == Stage.PREPARING) & sa.or_(p.c.lease_until.is_(None), p.c.lease_until <= now)
    candidate = sa.select(p.c.id).where(free).order_by(p.c.lease_until.nulls_first(), p.c.id).limit(1)
    chosen = (await connection.execute(candidate.with_for_update(skip_locked=True))).scalar_one_or_none()
    taken = sa.update(p).where(p.c.id == chosen, free).values(lease=p.c.lease + 1, lease_until=until).returning(p)
    row = (await connection.execute(taken)).one_or_none()
    return None if row is None else _preparation(row)


async def extend(connection: AsyncConnection, now: datetime, until: datetime, *, held: Preparation) -> None:
    """Keep a lease for longer, unless it was given back or has lapsed."""
    step = sa.update(preparations).where(_mine(held), preparations.c.lease_until > now)
    await connection.execute(step.values(lease_until=until))


async def advance(connection: AsyncConnection, held: Preparation, count: int, now: datetime) -> None:
    """Count further documents as ready, and give the lease back. Raises Late."""
    values = {"prepared": preparations.c.prepared + count, "changed_at": now, "lease_until": now}
    await _step(connection, sa.update(preparations).where(_mine(held)).values(values))


async def put_off(connection: AsyncConnection, held: Preparation, until: datetime) -> None:
    """Give the lease back: the next turn may begin from a time on. Raises Late."""
    await _step(connection, sa.update(preparations).where(_mine(held)).values(lease_until=until))


async def fail(connection: AsyncConnection, held: Preparation, why: str, now: datetime) -> None:
    """End a preparation that cannot go on. Raises Late."""
    values = {"state": Stage.FAILED, "why": why, "changed_at": now}
    await _step(connection, sa.update(preparations).where(_mine(held)).values(values))


async def give_way(connection: AsyncConnection, held: Preparation) -> None:
    """Delete a preparation in whose place its transaction comes. Raises Late."""
    await _step(connection, sa.delete(preparations).where(_mine(held)))


async def cancel(connection: AsyncConnection, id: TransactionId, now: datetime) -> None:
    """Cancel a preparation, whoever works on it. Raises Conflict."""
    p = preparations
    step = sa.update(p).where(p.c.id == id, p.c.state == Stage.PREPARING)
    if (await connection.execute(step.values(state=Stage.CANCELLED, changed_at=now))).rowcount != 1:
        raise Conflict("the preparation is over")


async def forget_ended(connection: AsyncConnection, before: datetime) -> int:
    """Delete preparations that failed or were cancelled before a time; return how many."""
    p = preparations
    over = (p.c.state != Stage.PREPARING) & (p.c.changed_at < before)
    return (await connection.execute(sa.delete(p).where(over))).rowcount


def _mine(held: Preparation) -> sa.ColumnElement[bool]:
    p = preparations
    return (p.c.id == held.id) & (p.c.lease == held.lease) & (p.c.state == Stage.PREPARING)


async def _step(connection: AsyncConnection, step: sa.Update | sa.Delete) -> None:
    if (await connection.execute(step)).rowcount != 1:
        raise Late("the preparation is over, or in another node's hands")


def _preparation(row: Any) -> Preparation:
    wish = msgspec.convert(row.wish, OpenSigning)
    stage = Stage(row.state)
    return Preparation(row.id, wish, stage, row.prepared, row.asked_at, row.changed_at, row.why, row.lease)
