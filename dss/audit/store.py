"""Queries of the audit log."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome, Recorded, SealNote
from dss.audit.tables import audit_events
from dss.kernel.ids import EventId


async def append(connection: AsyncConnection, recorded: Recorded) -> None:
    """Add an event inside the caller's transaction."""
    event = recorded.event
    row = {"id": recorded.id, "at": recorded.at, "kind": event.kind, "actor": event.actor, "subject": event.subject}
    if note := event.sealed:
        row |= {"sealed_row": note.row, "sealed_version": note.version, "seal": note.seal}
    await connection.execute(
        sa.insert(audit_events).values(**row, outcome=event.outcome.value, details=dict(event.details))
    )


async def of_subject(connection: AsyncConnection, subject: str) -> list[Recorded]:
    """Return the events on a subject, oldest first."""
    query = sa.select(audit_events).where(audit_events.c.subject == subject).order_by(audit_events.c.id)
    return [_recorded(row) for row in await connection.execute(query)]


async def tells(connection: AsyncConnection, subject: str, kinds: Collection[str]) -> bool:
    """Return True when there is an event of one of these kinds on a subject."""
    e = audit_events
    found = sa.select(e.c.id).where(e.c.subject == subject, e.c.kind.in_(kinds)).limit(1)
    return (await connection.execute(found)).one_or_none() is not None


async def newest(connection: AsyncConnection, limit: int, kind: str = "") -> list[Recorded]:
    """Return the newest events, newest first; kind: how their kinds begin."""
    mine = audit_events.c.kind.startswith(kind, autoescape=True)
    query = sa.select(audit_events).where(mine).order_by(audit_events.c.id.desc()).limit(limit)
    return [_recorded(row) for row in await connection.execute(query)]


def _recorded(row: sa.Row) -> Recorded:  # type: ignore[type-arg]
    note = None if row.seal is None else SealNote(row.sealed_row, row.sealed_version, row.seal)
    event = Event(row.kind, row.actor, row.subject, Outcome(row.outcome), row.details, note)
    return Recorded(EventId(row.id), row.at, event)
