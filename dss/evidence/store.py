"""Queries over what is kept to prove transactions."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Recorded
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.evidence.tables import evidence, evidence_parts
from dss.kernel.errors import Conflict
from dss.kernel.ids import TransactionId

ENDS = ("transaction.signed", "transaction.declined")
PART = "transaction.part_signed"


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


async def add_part(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Add the evidence of a part of a batch. Raises Conflict when there is some of that part already."""
    try:
        await connection.execute(sa.insert(evidence_parts).values(row))
    except IntegrityError as fault:
        raise Conflict("there is evidence of this part of the batch already") from fault


async def part_with(connection: AsyncConnection, id: TransactionId, index: int) -> tuple[bytes, bytes] | None:
    """Return core and pieces of the one part of a batch that can have the document of an index, or None."""
    p = evidence_parts
    query = sa.select(p.c.core, p.c.pieces).where(p.c.transaction_id == id, p.c.first <= index)
    row = (await connection.execute(query.order_by(p.c.first.desc()).limit(1))).one_or_none()
    return None if row is None else (row.core, row.pieces)


async def firsts(connection: AsyncConnection, id: TransactionId) -> list[int]:
    """Return where the parts of a batch begin that evidence is kept of."""
    query = sa.select(evidence_parts.c.first).where(evidence_parts.c.transaction_id == id)
    return list((await connection.execute(query)).scalars())


async def events(connection: AsyncConnection, subject: str, kinds: Collection[str]) -> list[Recorded]:
    """Return the events of some kinds about a transaction. Raises ValueError as `recorded` does."""
    e = audit_events
    query = sa.select(e).where(e.c.subject == subject, e.c.kind.in_(kinds))
    return [recorded(row) for row in (await connection.execute(query)).mappings()]


async def leaves(
    connection: AsyncConnection, subjects: Collection[str]
) -> list[tuple[str, int | None, dict[str, str]]]:
    """Return subject, leaf number and details of the events that may tell of evidence."""
    e = audit_events
    query = sa.select(e.c.subject, e.c.leaf, e.c.details)
    told = await connection.execute(query.where(e.c.subject.in_(subjects), e.c.kind.in_((*ENDS, PART))))
    return [(row.subject, row.leaf, row.details) for row in told]
