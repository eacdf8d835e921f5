"""Queries of the audit log."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome, Recorded, SealNote
from dss.audit.tables import ALARM, IS_ALARM, audit_events
from dss.kernel.ids import EventId


async def append(connection: AsyncConnection, new: Recorded) -> None:
    """Add an event inside the caller's transaction."""
    event = new.event
    row = {"id": new.id, "at": new.at, "kind": event.kind, "actor": event.actor, "subject": event.subject}
    row["salt"] = new.salt
    if note := event.sealed:
        row |= {"sealed_row": note.row, "sealed_version": note.version, "seal": note.seal}
    await connection.execute(
        sa.insert(audit_events).values(**row, outcome=event.outcome.value, details=dict(event.details))
    )


async def of_subject(connection: AsyncConnection, subject: str) -> list[Recorded]:
    """Return the events on a subject, oldest first."""
    query = sa.select(audit_events).where(audit_events.c.subject == subject).order_by(audit_events.c.id)
    return [recorded(row) for row in (await connection.execute(query)).mappings()]


async def tells(connection: AsyncConnection, subject: str, kinds: Collection[str]) -> bool:
    """Return True when there is an event of one of these kinds on a subject."""
    e = audit_events
    found = sa.select(e.c.id).where(e.c.subject == subject, e.c.kind.in_(kinds)).limit(1)
    return (await connection.execute(found)).one_or_none() is not None


async def newest(connection: AsyncConnection, limit: int, kind: str = "") -> list[Recorded]:
    """Return the newest events, newest first; kind: how their kinds begin."""
    query = sa.select(audit_events).where(of_kind(kind)).order_by(audit_events.c.id.desc()).limit(limit)
    return [recorded(row) for row in (await connection.execute(query)).mappings()]


def of_kind(prefix: str) -> sa.ColumnElement[bool]:
    """Return the condition that an event's kind begins so."""
    begins = audit_events.c.kind.startswith(prefix, autoescape=True)
    # In the words of their index: no database sees that the one follows from the other.
    return begins & IS_ALARM if prefix.startswith(ALARM) else begins


def recorded(row: RowMapping | Mapping[str, Any]) -> Recorded:
    """Read an event from its row. Raises ValueError for a row that no event was ever written as."""
    note = None if row["seal"] is None else SealNote(row["sealed_row"], row["sealed_version"], row["seal"])
    who = {name: row[name] for name in ("kind", "actor", "subject", "details")}
    event = Event(**who, outcome=Outcome(row["outcome"]), sealed=note)
    return Recorded(EventId(row["id"]), row["at"], event, row["salt"], row["leaf"])
