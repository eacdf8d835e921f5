"""Somebody who can write to the database, and nothing else."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dss.audit.tables import audit_events
from dss.infra.db import Database


class Intruder:
    """Edits rows by SQL, behind the server's back. A row is named by the first column of its table's key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def row(self, table: sa.Table, key: str) -> dict[str, Any]:
        """Copy a row."""
        async with self._database.read() as connection:
            found = await connection.execute(sa.select(table).where(_key(table) == key))
            return dict(found.one()._mapping)

    async def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """Copy all rows of a table, in the order of their keys."""
        async with self._database.read() as connection:
            found = await connection.execute(sa.select(table).order_by(_key(table)))
            return [dict(row._mapping) for row in found]

    async def edit(self, table: sa.Table, key: str, **values: Any) -> None:
        """Set columns of a row."""
        async with self._database.write() as connection:
            await connection.execute(sa.update(table).where(_key(table) == key).values(values))

    async def swap(self, table: sa.Table, one: str, other: str, *columns: str) -> None:
        """Exchange columns of two rows; values that must be unique make room for each other first."""
        first, second = await self.row(table, one), await self.row(table, other)
        # Ids that were made in one millisecond differ by one: backwards they are far from each other.
        room = {name: first[name][::-1] for name in columns if table.c[name].unique}
        if room:
            await self.edit(table, one, **room)
        await self.edit(table, other, **{name: first[name] for name in columns})
        await self.edit(table, one, **{name: second[name] for name in columns})

    async def delete(self, table: sa.Table, key: str) -> None:
        """Delete a row, or all rows of a two-part key."""
        async with self._database.write() as connection:
            await connection.execute(sa.delete(table).where(_key(table) == key))

    async def add(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Put in a row."""
        async with self._database.write() as connection:
            await connection.execute(sa.insert(table).values(row))

    async def cut_log(self, kind: str, id: str, after: int) -> None:
        """Delete the events of a sealed row that are newer than a version."""
        e = audit_events
        newer = (e.c.sealed_row == f"{kind}:{id}") & (e.c.sealed_version > after)
        async with self._database.write() as connection:
            await connection.execute(sa.delete(e).where(newer))

    async def cut_end(self, transaction: str) -> list[dict[str, Any]]:
        """Delete the events by which the log tells that a transaction ended; return them."""
        e = audit_events
        ends = e.c.kind.in_([f"transaction.{end}" for end in ("signed", "expired", "cancelled", "failed")])
        cut = sa.delete(e).where(e.c.subject == f"transaction:{transaction}", ends).returning(e)
        async with self._database.write() as connection:
            return [dict(row._mapping) for row in await connection.execute(cut)]


def mutations(column: sa.Column[Any], value: Any) -> list[Any]:
    """Return other values that a column could hold: one a little different, and none at all where that is allowed."""
    emptied = [None] if column.nullable and value is not None else []
    return [_other(column, value), *emptied]


def _key(table: sa.Table) -> sa.Column[Any]:
    return next(iter(table.primary_key.columns))


def _other(column: sa.Column[Any], value: Any) -> Any:
    kind = column.type
    if isinstance(kind, sa.JSON):
        return _other_json(value)
    if isinstance(kind, sa.Boolean):
        return not value
    if isinstance(kind, sa.LargeBinary):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\x01" * 32
    if isinstance(kind, sa.String):
        return value[:-1] + ("0" if value[-1] != "0" else "1") if value else "x"
    if isinstance(value, datetime):
        return value + timedelta(hours=1)
    if isinstance(kind, sa.Integer):
        return (value or 0) + 1
    return datetime.fromisoformat("2026-03-02T08:00:00+00:00")


def _other_json(value: Any) -> Any:
    """Change the last member, or add one."""
    if isinstance(value, dict):
        *_, last = value
        return value | {last: _other_json(value[last])}
    if isinstance(value, list):
        return [*value[:-1], _other_json(value[-1])] if value else ["x"]
    if isinstance(value, str):
        return value[:-1] + ("A" if value[-1:] != "A" else "B")
    return [] if value is None else value + 1
