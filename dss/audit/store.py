"""Queries of the audit log."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome, Recorded
from dss.audit.tables import audit_events
from dss.kernel.ids import EventId


async def append(connection: AsyncConnection, recorded: Recorded) -> None:
    """Add an event inside the caller's transaction."""
    event = recorded.event
    row = {"id": recorded.id, "at": recorded.at, "kind": event.kind, "actor": event.actor, "subject": event.subject}
    await connection.execute(
        sa.insert(audit_events).values(**row, outcome=event.outcome.value, details=dict(event.details))
    )


async def of_subject(connection: AsyncConnection, subject: str) -> list[Recorded]:
    """Return the events on a subject, oldest first."""
    query = sa.select(audit_events).where(audit_events.c.subject == subject).order_by(audit_events.c.id)
    return [_recorded(row) for row in await connection.execute(query)]


async def newest(connection: AsyncConnection, limit: int) -> list[Recorded]:
    """Return the newest events, newest first."""
    query = sa.select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)
    return [_recorded(row) for row in await connection.execute(query)]


def _recorded(row: sa.Row) -> Recorded:  # type: ignore[type-arg]
    event = Event(row.kind, row.actor, row.subject, Outcome(row.outcome), row.details)
    return Recorded(EventId(row.id), row.at, event)
