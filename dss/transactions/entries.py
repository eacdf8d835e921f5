"""Queries over the things to sign inside a transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.devices.items import Item
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import DocumentId, TransactionId
from dss.transactions.model import Entry, Signed
from dss.transactions.tables import entries


async def add(connection: AsyncConnection, transaction: TransactionId, added: Sequence[Entry]) -> None:
    """Add the entries of an opened transaction."""
    rows = [
        {
            "transaction_id": transaction,
            "index": entry.item.index,
            "item": entry.item.member(),
            "document_id": entry.document_id,
            "place": entry.place,
        }
        for entry in added
    ]
    if rows:
        await connection.execute(sa.insert(entries), rows)


async def of(connection: AsyncConnection, transaction: TransactionId) -> tuple[Entry, ...]:
    """Return the entries of a transaction, in order."""
    query = sa.select(entries).where(entries.c.transaction_id == transaction).order_by(entries.c.index)
    return tuple(_entry(row) for row in await connection.execute(query))


async def page(connection: AsyncConnection, transaction: TransactionId, first: int, limit: int) -> tuple[Entry, ...]:
    """Return up to `limit` entries of a transaction, in order, from an index on."""
    mine = (entries.c.transaction_id == transaction) & (entries.c.index >= first)
    query = sa.select(entries).where(mine).order_by(entries.c.index).limit(limit)
    return tuple(_entry(row) for row in await connection.execute(query))


async def counts(connection: AsyncConnection, transaction: TransactionId) -> tuple[int, int]:
    """Return how many entries a transaction has, and of how many there is a signature."""
    query = sa.select(sa.func.count(), sa.func.count(entries.c.signature))
    row = (await connection.execute(query.where(entries.c.transaction_id == transaction))).one()
    return row[0], row[1]


async def one(connection: AsyncConnection, transaction: TransactionId, index: int) -> Entry:
    """Return one entry. Raises NotFound."""
    query = sa.select(entries).where(entries.c.transaction_id == transaction, entries.c.index == index)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return _entry(row)


async def put_all_signed(connection: AsyncConnection, transaction: TransactionId, made: Mapping[int, Signed]) -> None:
    """Write results, by the indexes of what they are of."""
    mine = (entries.c.transaction_id == transaction) & (entries.c.index == sa.bindparam("at"))
    names = ("signature", "file_sha256", "file_size")
    rows = [{"at": index} | {f"to_{name}": getattr(signed, name) for name in names} for index, signed in made.items()]
    if rows:
        step = sa.update(entries).where(mine).values({name: sa.bindparam(f"to_{name}") for name in names})
        await connection.execute(step, rows)


async def forget(connection: AsyncConnection, transaction: TransactionId) -> None:
    """Delete the results of a transaction and what was prepared for it."""
    emptied = {"signature": None, "file_sha256": None, "file_size": None, "place": sa.null()}
    await connection.execute(sa.update(entries).where(entries.c.transaction_id == transaction).values(emptied))


async def drop(connection: AsyncConnection, transaction: TransactionId) -> tuple[Entry, ...]:
    """Delete the entries of what becomes no transaction; return them."""
    dropped = await of(connection, transaction)
    await connection.execute(sa.delete(entries).where(entries.c.transaction_id == transaction))
    return dropped


def _entry(row: Any) -> Entry:
    signed = None if row.signature is None else Signed(row.signature, row.file_sha256, row.file_size or 0)
    document = None if row.document_id is None else DocumentId(row.document_id)
    item = Item.of_member(row.item)
    if item.index != row.index:
        raise Conflict("an entry of the transaction is not in its place")
    return Entry(item, document, row.place, signed)
