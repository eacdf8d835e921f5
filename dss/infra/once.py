"""Replay guards: a thing that may be used once leaves a row, and the row's uniqueness is the guard."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.inserting import insert
from dss.infra.schema import UtcTime, metadata

used_once = sa.Table(
    "used_once",
    metadata,
    sa.Column("scope", sa.String(32), primary_key=True),
    sa.Column("key_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)


async def use(connection: AsyncConnection, scope: str, key: str, expires_at: datetime) -> bool:
    """Mark a key as used in a scope until a time. Return False if it was used before."""
    row = {"scope": scope, "key_sha256": hashlib.sha256(key.encode()).digest(), "expires_at": expires_at}
    result = await connection.execute(insert(connection, used_once).values(row).on_conflict_do_nothing())
    return result.rowcount == 1


async def forget_expired(connection: AsyncConnection, now: datetime) -> int:
    """Delete the rows whose time is over; return how many."""
    result = await connection.execute(sa.delete(used_once).where(used_once.c.expires_at < now))
    return result.rowcount
