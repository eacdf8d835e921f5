"""Queries over answers by code. In each the WHERE is the guard: parallel tries are counted one by one."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.kernel.errors import Conflict
from dss.kernel.ids import TransactionId
from dss.transactions.machine import State
from dss.transactions.tables import transactions

TRIES = 3


async def take_try(connection: AsyncConnection, id: TransactionId, now: datetime) -> int:
    """Take one of the tries that a transaction has; return its number from 1. Raises Conflict when none is left."""
    t = transactions
    open_ = (t.c.id == id) & (t.c.state == State.AWAITING) & (t.c.expires_at > now) & (t.c.code_tries < TRIES)
    step = sa.update(t).where(open_).values(code_tries=t.c.code_tries + 1).returning(t.c.code_tries)
    number: int | None = (await connection.execute(step)).scalar_one_or_none()
    if number is None:
        raise Conflict("the transaction no longer awaits an answer by code")
    return number
