"""Queries of the whole log, page by page, for those who read all of it.

What is read here may have been altered: a row is given as it stands, and read as an event where it can be.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.deletions import KIND
from dss.audit.event import Recorded
from dss.audit.store import recorded
from dss.audit.tables import audit_events, log_checkpoints, log_cosignatures, log_tiles
from dss.infra.schema import EPOCH


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the log; leaf: as it stands. event: None where the row is none that the server writes."""

    id: str
    leaf: int | None
    event: Recorded | None

    def is_in(self, entry: bytes) -> bool:
        """Return True when an entry of the log is the commitment to this event."""
        try:
            return self.event is not None and self.event.entry() == entry
        except (ValueError, TypeError, AttributeError, OverflowError):
            return False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events without a leaf number: how many, and the first of them."""

    count: int
    first: str


@dataclass(frozen=True, slots=True)
class CosignedNote:
    """A checkpoint with the line of a witness under it."""

    note: str
    line: str


async def of_leaves(connection: AsyncConnection, first: int, end: int) -> list[Found]:
    """Return the events of the leaves from `first` on and before `end`, in their order."""
    leaf = audit_events.c.leaf
    return await fetch(connection, plain().where(leaf >= first, leaf < end).order_by(leaf))


async def deletions(connection: AsyncConnection) -> list[Found]:
    """Return all events that tell of deletions, in the order of their ids."""
    return await fetch(connection, plain().where(audit_events.c.kind == KIND).order_by(audit_events.c.id))


async def bounds(connection: AsyncConnection, since: datetime, until: datetime) -> tuple[int, int] | None:
    """Return the first and the last leaf with an event from `since` on and before `until`; None where there is none."""
    e = audit_events
    query = sa.select(sa.func.min(e.c.leaf), sa.func.max(e.c.leaf)).where(e.c.at >= since, e.c.at < until)
    first, last = (await connection.execute(query)).one()
    return None if first is None else (first, last)


async def outside(connection: AsyncConnection, size: int, limit: int) -> list[Found]:
    """Return events whose leaf numbers a tree of this size does not have."""
    leaf = audit_events.c.leaf
    return await fetch(connection, plain().where((leaf >= size) | (leaf < 0)).order_by(leaf).limit(limit))


async def count(connection: AsyncConnection) -> int:
    """Return how many events there are."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(audit_events))).scalar_one())


async def count_tiles(connection: AsyncConnection) -> int:
    """Return how many tiles there are, bundles of entries among them."""
    return int((await connection.execute(sa.select(sa.func.count()).select_from(log_tiles))).scalar_one())


async def waiting(connection: AsyncConnection, before: datetime) -> Waiting:
    """Return what was written before a time and has no leaf number."""
    e = audit_events
    query = sa.select(sa.func.count(), sa.func.min(e.c.id)).where(e.c.leaf.is_(None), e.c.at < before)
    row = (await connection.execute(query)).one()
    return Waiting(int(row[0]), row[1] or "")


async def newest_cosigned(connection: AsyncConnection, witness: str) -> CosignedNote | None:
    """Return the newest checkpoint that a witness cosigned, if there is one."""
    c, k = log_cosignatures, log_checkpoints
    query = sa.select(k.c.note, c.c.line).where(c.c.size == k.c.size, c.c.witness == witness)
    row = (await connection.execute(query.order_by(k.c.size.desc()).limit(1))).one_or_none()
    return None if row is None else CosignedNote(row.note, row.line)


def plain() -> sa.Select[Any]:
    """Return the query of events whose times and details nobody has read yet: what is no time fails no other row."""
    e = audit_events
    columns = [column for column in e.c if column not in {e.c.at, e.c.details}]
    at, details = sa.type_coerce(e.c.at, sa.BigInteger), sa.cast(e.c.details, sa.Text)
    return sa.select(*columns, at.label("at"), details.label("details"))


async def fetch(connection: AsyncConnection, query: sa.Select[Any]) -> list[Found]:
    """Return the rows that a query over `plain` finds."""
    return [Found(row.id, row.leaf, _read(row._mapping)) for row in await connection.execute(query)]  # noqa: SLF001


def read_details(text: str) -> dict[str, str]:
    """Read the details of an event from the column's text.

    Raises ValueError, TypeError and RecursionError for what is no object of texts, and for a member that stands twice:
    SQL would read the one, and the server the other.
    """
    details = json.loads(text, object_pairs_hook=_members)
    if not isinstance(details, dict) or not all(isinstance(value, str) for value in details.values()):
        raise ValueError("the details are no object of texts")
    return details


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _read(row: sa.RowMapping) -> Recorded | None:
    try:
        read = {"at": EPOCH + timedelta(microseconds=row["at"]), "details": read_details(row["details"])}
        known = recorded({**row, **read})
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    if not isinstance(known.leaf, int | None):
        return None
    # A row that names a sealed row and has no seal would still be the newest that the log tells of it.
    whole = known.event.sealed is not None or (row["sealed_row"] is None and row["sealed_version"] is None)
    return known if whole else None
