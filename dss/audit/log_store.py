"""Queries of the log: its tree, its tiles, its checkpoints."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.log_pages import Found
from dss.audit.merkle import Head
from dss.audit.tables import audit_events, log_checkpoints, log_cosignatures, log_tiles, log_tree
from dss.infra.inserting import insert
from dss.kernel.errors import Conflict

ENTRIES = -1  # the level of the bundles of entries; hashes begin at 0

Coordinates = tuple[int, int]


async def tree(connection: AsyncConnection, origin: str, *, locked: bool = False) -> Head | None:
    """Return the tree's head; `locked` keeps other sealers from it until the caller's commit."""
    t = log_tree
    query = sa.select(t.c.size, t.c.root).where(t.c.origin == origin)
    row = (await connection.execute(query.with_for_update() if locked else query)).one_or_none()
    return None if row is None else Head(row.size, row.root)


async def require_name(connection: AsyncConnection, origin: str) -> None:
    """Raise Conflict where the log here has begun under another name: checkpoints out there carry that."""
    began = (
        (await connection.execute(sa.select(log_tree.c.origin).where(log_tree.c.origin != origin))).scalars().first()
    )
    if began is not None:
        raise Conflict(f"the log here is called {began}, and DSS_LOG_ORIGIN says {origin}")


async def plant(connection: AsyncConnection, origin: str, empty: Head) -> None:
    """Add the row of an empty tree, unless it is there."""
    row = {"origin": origin, "size": empty.size, "root": empty.root}
    await connection.execute(insert(connection, log_tree).values(row).on_conflict_do_nothing())


async def grow(connection: AsyncConnection, origin: str, head: Head) -> None:
    """Write the tree's new head; the caller holds its row."""
    step = sa.update(log_tree).where(log_tree.c.origin == origin).values(size=head.size, root=head.root)
    await connection.execute(step)


async def unsealed(connection: AsyncConnection, after: str, limit: int) -> list[Found]:
    """Return events without a leaf number, oldest id first, those after an id."""
    e = audit_events
    waiting = log_pages.plain().where(e.c.leaf.is_(None), e.c.id > after)
    return await log_pages.fetch(connection, waiting.order_by(e.c.id).limit(limit))


async def oldest_unsealed(connection: AsyncConnection) -> str | None:
    """Return the least id of an event without a leaf number."""
    e = audit_events
    query = sa.select(e.c.id).where(e.c.leaf.is_(None)).order_by(e.c.id).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def number(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give events their leaf numbers: `row_id`, `leaf` and `salt` of each."""
    e = audit_events
    step = sa.update(e).where(e.c.id == sa.bindparam("row_id"), e.c.leaf.is_(None))
    placed = step.values(leaf=sa.bindparam("row_leaf"), salt=sa.bindparam("row_salt"))
    await connection.execute(placed, list(rows))


async def tiles(connection: AsyncConnection, wanted: Collection[Coordinates]) -> dict[Coordinates, bytes]:
    """Return tiles by level and index; those that are not there are missing."""
    if not wanted:
        return {}
    t = log_tiles
    levels = {level: [index for other, index in wanted if other == level] for level, _ in wanted}
    # Level by level: for pairs in one list SQLite uses no index, and reads through all the tiles there are.
    mine = sa.or_(*((t.c.level == level) & t.c.index.in_(indexes) for level, indexes in levels.items()))
    rows = await connection.execute(sa.select(t.c.level, t.c.index, t.c.data).where(mine))
    return {(level, index): data for level, index, data in rows}


async def put_tiles(connection: AsyncConnection, changed: Mapping[Coordinates, bytes]) -> None:
    """Write tiles that are new or have grown."""
    rows = [{"level": level, "index": index, "data": data} for (level, index), data in changed.items()]
    new = insert(connection, log_tiles)
    step = new.on_conflict_do_update(
        index_elements=[log_tiles.c.level, log_tiles.c.index], set_={"data": new.excluded.data}
    )
    await connection.execute(step, rows)


async def checkpoint(connection: AsyncConnection, size: int | None = None) -> str | None:
    """Return the note of the checkpoint of a size, or of the newest."""
    c = log_checkpoints
    query = sa.select(c.c.note).order_by(c.c.size.desc()).limit(1)
    found = await connection.execute(query if size is None else query.where(c.c.size == size))
    note: str | None = found.scalar_one_or_none()
    return note


async def newest_size(connection: AsyncConnection) -> int:
    """Return the size of the newest checkpoint, 0 before the first."""
    return (await connection.execute(sa.select(sa.func.max(log_checkpoints.c.size)))).scalar_one() or 0


async def add_checkpoint(connection: AsyncConnection, size: int, note: str, now: datetime) -> None:
    """Keep a checkpoint, unless there is one of this size."""
    row = {"size": size, "note": note, "signed_at": now}
    await connection.execute(insert(connection, log_checkpoints).values(row).on_conflict_do_nothing())


async def cosignatures(connection: AsyncConnection, size: int) -> dict[str, str]:
    """Return the witnesses that cosigned a size, by name, with their lines."""
    c = log_cosignatures
    rows = await connection.execute(sa.select(c.c.witness, c.c.line).where(c.c.size == size).order_by(c.c.witness))
    return {row.witness: row.line for row in rows}


async def add_cosignature(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Keep a witness's line, in place of an earlier one for the same size."""
    c, new = log_cosignatures, insert(connection, log_cosignatures)
    step = new.on_conflict_do_update(
        index_elements=[c.c.size, c.c.witness],
        set_={"line": new.excluded.line, "cosigned_at": new.excluded.cosigned_at},
        where=c.c.cosigned_at < new.excluded.cosigned_at,
    )
    await connection.execute(step, [dict(row)])


async def thin(connection: AsyncConnection, before: datetime, period_us: int) -> int:
    """Delete checkpoints from before a time but the last of each period, and those that a witness cosigned."""
    c = log_checkpoints
    period = sa.cast(c.c.signed_at, sa.BigInteger) // period_us
    last = sa.select(sa.func.max(c.c.size)).group_by(period)
    cosigned = sa.select(log_cosignatures.c.size)
    stale = sa.delete(c).where(c.c.signed_at < before, c.c.size.not_in(last), c.c.size.not_in(cosigned))
    return (await connection.execute(stale)).rowcount
