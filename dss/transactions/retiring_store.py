"""Queries over transactions that ended so long ago that nothing of them is kept any more."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.log_pages import Found
from dss.audit.retention import Old
from dss.audit.tables import audit_events
from dss.credentials.registers import ACTIVATIONS, SESSIONS
from dss.credentials.tables import occurrences
from dss.evidence.tables import evidence, evidence_parts
from dss.kernel.ids import TransactionId, least_at
from dss.transactions.machine import ENDED
from dss.transactions.tables import entries, linked_browsers, transactions

SUBJECT = "transaction:"
RECORDS = (ACTIVATIONS, SESSIONS)  # sealed rows that have the id of their transaction, and go with it


async def retired(connection: AsyncConnection, old: Old, limit: int) -> list[TransactionId]:
    """Return transactions that ended long enough ago, and of which every event is sealed and as old.

    A session stays while anything that was signed in it does.
    """
    t, inside, e = transactions, transactions.alias("inside"), audit_events
    records = [sa.literal(f"{register.kind}:") + t.c.id for register in RECORDS]
    on_it = [e.c.subject == name for name in (sa.literal(SUBJECT) + t.c.id, *records)]
    on_it += [e.c.sealed_row == name for name in records]
    stays = sa.or_(*(sa.exists().where(which, old.spares()) for which in on_it))
    is_needed = sa.exists().where(inside.c.session_id == t.c.id)
    # By the id first: it is indexed, and nothing ended before it was made.
    query = sa.select(t.c.id).where(t.c.id < least_at(old.before), _ended(old), ~stays, ~is_needed)
    return [TransactionId(id) for id in (await connection.execute(query.order_by(t.c.id).limit(limit))).scalars()]


async def events_on(connection: AsyncConnection, ids: Collection[TransactionId]) -> list[Found]:
    """Return the events on transactions, their Activations and their sessions, in the order of leaves."""
    e = audit_events
    records = [f"{register.kind}:{id}" for register in RECORDS for id in ids]
    on_them = e.c.subject.in_([*(f"{SUBJECT}{id}" for id in ids), *records]) | e.c.sealed_row.in_(records)
    return await log_pages.fetch(connection, log_pages.plain().where(on_them).order_by(e.c.leaf))


async def delete(connection: AsyncConnection, ids: Collection[TransactionId], old: Old) -> int:
    """Delete transactions that ended, with all that is kept of each; return how many there were."""
    t = transactions
    for table in (evidence, evidence_parts, entries, occurrences, *(register.table for register in RECORDS)):
        await connection.execute(sa.delete(table).where(table.c.transaction_id.in_(ids)))
    gone = await connection.execute(sa.delete(t).where(t.c.id.in_(ids), _ended(old)))
    return gone.rowcount


async def forget_browsers(connection: AsyncConnection, old: Old) -> None:
    """Delete the browsers that waited for a scan long ago: nothing is kept any more of what was confirmed then."""
    await connection.execute(sa.delete(linked_browsers).where(linked_browsers.c.linked_at < old.before))


def on_a_transaction() -> sa.ColumnElement[bool]:
    """Return the condition that an event is on a transaction that is there."""
    e, t = audit_events, transactions
    there = sa.exists().where(t.c.id == sa.func.substr(e.c.subject, len(SUBJECT) + 1))
    return e.c.subject.startswith(SUBJECT) & there


def _ended(old: Old) -> sa.ColumnElement[bool]:
    t = transactions
    return t.c.state.in_(ENDED) & (t.c.changed_at < old.before)
