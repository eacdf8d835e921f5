"""Queries of the outbox."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.notify.model import Due, LetterId, Sealed
from dss.notify.tables import outbox


async def add(connection: AsyncConnection, letter: Sealed, now: datetime) -> None:
    """Add a letter that is due at once."""
    row = {"id": letter.id, "sealed": letter.content, "created_at": now, "due_at": now}
    await connection.execute(sa.insert(outbox).values(**row, attempt=0))


async def due(connection: AsyncConnection, now: datetime, limit: int) -> list[Due]:
    """Return the letters whose time has come, those that waited longest first."""
    query = (
        sa.select(outbox.c.id, outbox.c.attempt).where(outbox.c.due_at <= now).order_by(outbox.c.due_at, outbox.c.id)
    )
    return [Due(LetterId(row.id), row.attempt) for row in await connection.execute(query.limit(limit))]


async def take(connection: AsyncConnection, letter: Due, until: datetime) -> bytes | None:
    """Lease a letter until a time and return its sealed content, or None if another worker took it first.

    The rising attempt number is the lock, and the due time is the end of the lease.
    """
    step = sa.update(outbox).where(outbox.c.id == letter.id, outbox.c.attempt == letter.attempt)
    taken = await connection.execute(step.values(attempt=letter.attempt + 1, due_at=until).returning(outbox.c.sealed))
    content: bytes | None = taken.scalar_one_or_none()
    return content


async def postpone(connection: AsyncConnection, letter: Due, due_at: datetime) -> None:
    """Put off a letter that was taken, unless its lease has ended and another worker holds it."""
    step = sa.update(outbox).where(outbox.c.id == letter.id, outbox.c.attempt == letter.attempt + 1)
    await connection.execute(step.values(due_at=due_at))


async def remove(connection: AsyncConnection, id: LetterId) -> bool:
    """Delete a letter with its content; return False if another worker did."""
    result = await connection.execute(sa.delete(outbox).where(outbox.c.id == id))
    return result.rowcount == 1
