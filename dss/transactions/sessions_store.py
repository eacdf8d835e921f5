"""Queries over sessions that go on."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.devices.request import Kind
from dss.kernel.ids import ClientId, TransactionId, UserId
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.store import of_row
from dss.transactions.tables import transactions


def within(id: TransactionId) -> sa.ColumnElement[bool]:
    """Return the condition on what is signed in a session."""
    return transactions.c.session_id == id


async def going_on(
    connection: AsyncConnection,
    now: datetime,
    limit: int,
    *,
    client_id: ClientId | None = None,
    user_id: UserId | None = None,
) -> list[Transaction]:
    """Return the confirmed sessions of a relying application or of a person whose time is not over, oldest first."""
    t = transactions
    query = sa.select(t).where(t.c.kind == Kind.SESSION, t.c.state == State.CONFIRMED, t.c.sad_expires_at > now)
    if client_id is not None:
        query = query.where(t.c.client_id == client_id)
    if user_id is not None:
        query = query.where(t.c.user_id == user_id)
    return [of_row(row) for row in await connection.execute(query.order_by(t.c.id).limit(limit))]
