"""The verb that deletes sealed rows that were over long ago, each with all events on it: an audit misses neither.

Source: docs/transparency-log.md section 6.
"""

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.kinds import Kinds
from dss.audit.log_pages import Found
from dss.audit.retention import Old, Retention, require_sealed, until_first
from dss.audit.seals import Register
from dss.audit.tables import audit_events
from dss.infra.db import Database
from dss.kernel.errors import Overtaken

BATCH = 50


class Passing:
    """Deletes the rows of kinds that are over by themselves, after the years of retention."""

    def __init__(self, database: Database, retention: Retention, kinds: Kinds) -> None:
        self._database = database
        self._retention = retention
        self._passing = [(kind.register, kind.over) for kind in kinds.values() if kind.over is not None]

    async def round(self) -> int:
        """Delete what is old enough, a batch in each database transaction; return how many rows went.

        A row stays as long as one event on it is younger, or waits for its leaf number. Raises Tampered for an event
        that is not what was sealed, HsmUnavailable.
        """
        total = 0
        for register, over in self._passing:
            while gone := await until_first(partial(self._batch, register, over)):
                total += gone
        return total

    async def _batch(self, register: Register[Any], over: sa.Column[datetime]) -> int:
        async with self._retention.look() as look:
            chosen = await _names(look.connection, register, (over < look.old.before) & _is_old(register, look.old))
            events = await _events_on(look.connection, chosen)
            await require_sealed(look, events)
        signed = await self._retention.sign(look.old, events)
        async with self._database.write() as connection:
            if await _events_on(connection, chosen) != events:
                raise Overtaken("there are other events on the rows than there were")
            await _delete(connection, register, chosen)
            await self._retention.delete(connection, look.old, signed)
        return len(chosen)


async def _names(connection: AsyncConnection, register: Register[Any], which: sa.ColumnElement[bool]) -> list[str]:
    """Return the names of some rows, a batch at most."""
    name = _name(register)
    return list((await connection.execute(sa.select(name).where(which).order_by(name).limit(BATCH))).scalars())


def _is_old(register: Register[Any], old: Old) -> sa.ColumnElement[bool]:
    """Return the condition that every event on a row is sealed, and old enough."""
    e, name = audit_events, _name(register)
    return ~sa.exists().where((e.c.subject == name) | (e.c.sealed_row == name), old.spares())


async def _events_on(connection: AsyncConnection, names: Collection[str]) -> list[Found]:
    e = audit_events
    on_them = e.c.subject.in_(names) | e.c.sealed_row.in_(names)
    return await log_pages.fetch(connection, log_pages.plain().where(on_them).order_by(e.c.leaf))


async def _delete(connection: AsyncConnection, register: Register[Any], names: Collection[str]) -> None:
    gone = await connection.execute(sa.delete(register.table).where(_name(register).in_(names)))
    if gone.rowcount != len(names):
        raise Overtaken("the rows that were to be deleted have changed")


def _name(register: Register[Any]) -> sa.ColumnElement[str]:
    """Return how the log names a row."""
    return sa.literal(f"{register.kind}:") + register.table.c[register.key]
