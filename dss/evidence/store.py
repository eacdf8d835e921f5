"""Queries over what is kept to prove transactions."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Recorded
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.evidence.tables import evidence
from dss.kernel.errors import Conflict
from dss.kernel.ids import TransactionId

ENDS = ("transaction.signed", "transaction.declined")


async def add(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Add the evidence of a transaction. Raises Conflict when there is some already."""
    try:
        await connection.execute(sa.insert(evidence).values(row))
    except IntegrityError as fault:
        raise Conflict("there is evidence of the transaction already, and it did not end yet") from fault


async def core_of(connection: AsyncConnection, id: TransactionId) -> bytes | None:
    """Return what is kept of a transaction, or None."""
    query = sa.select(evidence.c.core).where(evidence.c.transaction_id == id)
    core: bytes | None = (await connection.execute(query)).scalar_one_or_none()
    return core


async def ends(connection: AsyncConnection, subject: str) -> list[Recorded]:
    """Return the events of a transaction's end by an answer: one, or none. Raises ValueError as `recorded` does."""
    query = sa.select(audit_events).where(_ends_of([subject]))
    return [recorded(row) for row in (await connection.execute(query)).mappings()]


async def leaves(
    connection: AsyncConnection, subjects: Collection[str]
) -> list[tuple[str, int | None, dict[str, str]]]:
    """Return subject, leaf number and details of the ends of transactions by answers."""
    e = audit_events
    query = sa.select(e.c.subject, e.c.leaf, e.c.details).where(_ends_of(subjects))
    return [(row.subject, row.leaf, row.details) for row in await connection.execute(query)]


def _ends_of(subjects: Collection[str]) -> sa.ColumnElement[bool]:
    return audit_events.c.subject.in_(subjects) & audit_events.c.kind.in_(ENDS)
