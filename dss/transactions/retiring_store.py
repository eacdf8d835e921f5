"""Queries over transactions that ended so long ago that nothing of them is kept any more."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.log_pages import Found
from dss.audit.retention import Old
from dss.audit.tables import audit_events
from dss.credentials.registers import ACTIVATIONS
from dss.credentials.tables import activations, occurrences
from dss.evidence.tables import evidence
from dss.kernel.ids import TransactionId, least_at
from dss.transactions.machine import ENDED
from dss.transactions.tables import entries, transactions

SUBJECT = "transaction:"


async def retired(connection: AsyncConnection, old: Old, limit: int) -> list[TransactionId]:
    """Return transactions that ended long enough ago, and of which every event is sealed and as old."""
    t, e = transactions, audit_events
    named = [sa.literal(prefix) + t.c.id for prefix in (SUBJECT, f"{ACTIVATIONS.kind}:")]
    on_it = [e.c.subject == named[0], e.c.subject == named[1], e.c.sealed_row == named[1]]
    stays = sa.or_(*(sa.exists().where(which, old.spares()) for which in on_it))
    # By the id first: it is indexed, and nothing ended before it was made.
    query = sa.select(t.c.id).where(t.c.id < least_at(old.before), _ended(old), ~stays)
    return [TransactionId(id) for id in (await connection.execute(query.order_by(t.c.id).limit(limit))).scalars()]


async def events_on(connection: AsyncConnection, ids: Collection[TransactionId]) -> list[Found]:
    """Return the events on transactions and on the records of their Activations, in the order of leaves."""
    e = audit_events
    records = [f"{ACTIVATIONS.kind}:{id}" for id in ids]
    on_them = e.c.subject.in_([*(f"{SUBJECT}{id}" for id in ids), *records]) | e.c.sealed_row.in_(records)
    return await log_pages.fetch(connection, log_pages.plain().where(on_them).order_by(e.c.leaf))


async def delete(connection: AsyncConnection, ids: Collection[TransactionId], old: Old) -> int:
    """Delete transactions that ended, with their entries, evidence and Activations; return how many there were."""
    t = transactions
    for table in (evidence, entries, occurrences, activations):
        await connection.execute(sa.delete(table).where(table.c.transaction_id.in_(ids)))
    gone = await connection.execute(sa.delete(t).where(t.c.id.in_(ids), _ended(old)))
    return gone.rowcount


def on_a_transaction() -> sa.ColumnElement[bool]:
    """Return the condition that an event is on a transaction that is there."""
    e, t = audit_events, transactions
    there = sa.exists().where(t.c.id == sa.func.substr(e.c.subject, len(SUBJECT) + 1))
    return e.c.subject.startswith(SUBJECT) & there


def _ended(old: Old) -> sa.ColumnElement[bool]:
    t = transactions
    return t.c.state.in_(ENDED) & (t.c.changed_at < old.before)
